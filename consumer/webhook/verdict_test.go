package webhook

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/forebayhq/forebay/consumer"
)

// kind is the verdict that an error leads to. The types behind Permanent and After are the consumer's own, so they are
// told by name.
func kind(err error) string {
	name := fmt.Sprintf("%T", err)
	switch {
	case err == nil:
		return "ack"
	case strings.HasSuffix(name, ".permanentError"):
		return "permanent"
	case strings.HasSuffix(name, ".afterError"):
		return "after " + time.Duration(reflect.ValueOf(err).FieldByName("delay").Int()).String()
	}
	return "retry"
}

func sameVerdict(t *testing.T, got, want error) {
	t.Helper()
	if kind(got) != kind(want) {
		t.Errorf("got verdict %s of %v, want %s", kind(got), got, kind(want))
	}
}

func TestVerdicts(t *testing.T) {
	failure := errors.New("failure")
	for code, want := range map[int]error{
		200: nil, 201: nil, 202: nil, 204: nil, 299: nil,
		301: failure, 302: failure, 304: failure, 307: failure, 308: failure,
		400: consumer.Permanent(failure), 401: consumer.Permanent(failure), 403: consumer.Permanent(failure),
		404: consumer.Permanent(failure), 409: consumer.Permanent(failure), 410: consumer.Permanent(failure),
		413: consumer.Permanent(failure), 422: consumer.Permanent(failure),
		408: failure, 425: failure, 429: failure, 500: failure, 501: failure, 502: failure, 503: failure, 504: failure, 599: failure,
	} {
		r := receive(t, status(code))
		sameVerdict(t, newJob(t, Options{URL: r.URL}).Handle(t.Context(), message(t)), want)
	}
}

func TestRetryAfter(t *testing.T) {
	failure := errors.New("failure")
	after := func(d time.Duration) error { return consumer.After(d, failure) }
	for _, c := range []struct {
		code int
		text string
		want error
	}{
		{503, "120", after(2 * time.Minute)},
		{429, "1", after(time.Second)},
		{408, "1", after(time.Second)},
		{503, noon.Add(90 * time.Second).Format(http.TimeFormat), after(90 * time.Second)},
		{503, "86400", after(time.Hour)}, // bounded
		{503, "4294967295", after(time.Hour)},
		{503, "99999999999999999999", failure},
		{503, "0", failure},
		{503, noon.Add(-time.Hour).Format(http.TimeFormat), failure},
		{503, "-5", failure},
		{503, "soon", failure},
		{500, "120", failure},
		{404, "120", consumer.Permanent(failure)},
	} {
		r := receive(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", c.text)
			w.WriteHeader(c.code)
		})
		got := newJob(t, Options{URL: r.URL}).Handle(t.Context(), message(t))
		if kind(got) != kind(c.want) {
			t.Errorf("%d with %q: got %s, want %s", c.code, c.text, kind(got), kind(c.want))
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
	sameVerdict(t, err, errors.New("failure"))
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
	sameVerdict(t, err, errors.New("failure"))
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
