package webhook

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/forebayhq/forebay/consumer/consumertest"
)

func wantVerdict(t *testing.T, err error, want string) {
	t.Helper()
	if got := consumertest.Verdict(err); got != want {
		t.Errorf("got verdict %s of %v, want %s", got, err, want)
	}
}

func TestVerdicts(t *testing.T) {
	for want, codes := range map[string][]int{
		"ack":       {200, 201, 202, 204, 299},
		"retry":     {301, 302, 304, 307, 308, 408, 425, 429, 500, 501, 502, 503, 504, 599},
		"permanent": {400, 401, 403, 404, 409, 410, 413, 422},
	} {
		for _, code := range codes {
			r := receive(t, status(code))
			wantVerdict(t, newJob(t, Options{URL: r.URL}).Handle(t.Context(), message(t)), want)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	for _, c := range []struct {
		code       int
		text, want string
	}{
		{503, "120", "after 2m0s"},
		{429, "1", "after 1s"},
		{408, "1", "after 1s"},
		{503, noon.Add(90 * time.Second).Format(http.TimeFormat), "after 1m30s"},
		{503, "86400", "after 1h0m0s"}, // bounded
		{503, "4294967295", "after 1h0m0s"},
		{503, "99999999999999999999", "retry"},
		{503, "0", "retry"},
		{503, noon.Add(-time.Hour).Format(http.TimeFormat), "retry"},
		{503, "-5", "retry"},
		{503, "soon", "retry"},
		{500, "120", "retry"},
		{404, "120", "permanent"},
	} {
		r := receive(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", c.text)
			w.WriteHeader(c.code)
		})
		err := newJob(t, Options{URL: r.URL}).Handle(t.Context(), message(t))
		if got := consumertest.Verdict(err); got != c.want {
			t.Errorf("%d with %q: got %s, want %s", c.code, c.text, got, c.want)
		}
	}
}

// A redirect is not followed, and what an answer says is nowhere in the error.
func TestAnswerStaysWhereItIs(t *testing.T) {
	other := receive(t, status(http.StatusOK))
	r := receive(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", other.URL)
		w.WriteHeader(http.StatusTemporaryRedirect)
		_, _ = io.WriteString(w, "hush") // the job may be gone
	})
	err := newJob(t, Options{URL: r.URL + "/hush?key=hush"}).Handle(t.Context(), message(t))
	if err == nil || strings.Contains(err.Error(), "hush") {
		t.Errorf("got %v", err)
	}
	if len(other.all()) > 0 {
		t.Error("the redirect was followed")
	}
}

func TestNoConnection(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	err = newJob(t, Options{URL: "http://" + address + "/hush"}).Handle(t.Context(), message(t))
	wantVerdict(t, err, "retry")
	if strings.Contains(err.Error(), "hush") || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("got %v", err)
	}
}

func TestTimeout(t *testing.T) {
	release := make(chan struct{})
	r := receive(t, func(http.ResponseWriter, *http.Request) { <-release })
	t.Cleanup(func() { close(release) })
	begin := time.Now()
	err := newJob(t, Options{URL: r.URL, Timeout: 50 * time.Millisecond}).Handle(t.Context(), message(t))
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) > 10*time.Second {
		t.Errorf("got %v after %s", err, time.Since(begin))
	}
	wantVerdict(t, err, "retry")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := newJob(t, Options{URL: r.URL}).Handle(ctx, message(t)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// The status decides even if the rest of the answer never comes.
func TestEndlessAnswer(t *testing.T) {
	release := make(chan struct{})
	r := receive(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush() // the job may be gone
		<-release
	})
	t.Cleanup(func() { close(release) })
	if err := newJob(t, Options{URL: r.URL, Timeout: 100 * time.Millisecond}).Handle(t.Context(), message(t)); err != nil {
		t.Error(err)
	}
}
