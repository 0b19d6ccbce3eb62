package webhook

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/forebayhq/forebay/consumer"
	"github.com/forebayhq/forebay/consumer/consumertest"
	"github.com/forebayhq/forebay/schema"
)

const (
	secret    = "whsec_Zm9yZWJheS10ZXN0cy1zaWduLXdpdGgtdGhpcy1rZXk="
	oldSecret = "whsec_Zm9yZWJheS10ZXN0cy1zaWduZWQtd2l0aC10aGlzLWtleQ=="
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// config is a job's configuration with these options over the defaults.
func config(o Options) consumer.JobConfig {
	return consumer.JobConfig{
		Consumer: "crm",
		Now:      func() time.Time { return noon },
		Options:  consumertest.Overlay(o),
	}
}

func newJob(t *testing.T, o Options) consumer.Job {
	t.Helper()
	if o.Secret == "" && o.Secrets == nil && o.SecretFile == "" && !o.Unsigned {
		o.Secret = secret
	}
	j, err := New(config(o))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(j.(*job).client.CloseIdleConnections)
	return j
}

// encode puts an event on the wire. Its user needs escaping in a header.
func encode(t testing.TB, id string) schema.Message {
	t.Helper()
	return consumertest.UserCreated(t, id, "Zoë \"42\"\r\nX: y")
}

func message(t testing.TB) *consumer.Message {
	t.Helper()
	return consumertest.SecondAttempt(t, encode(t, "a.b 1%"))
}

// A post is a request that a receiver got.
type post struct {
	header http.Header
	body   []byte
	target string
}

// A receiver is a web server that keeps what it gets.
type receiver struct {
	*httptest.Server
	mu    sync.Mutex
	posts []post
}

// receive starts a receiver whose handler answers.
func receive(t *testing.T, answer http.HandlerFunc) *receiver {
	t.Helper()
	r := unstarted(answer)
	r.Start()
	t.Cleanup(r.Close)
	return r
}

func unstarted(answer http.HandlerFunc) *receiver {
	r := &receiver{}
	r.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(request.Body)
		if err != nil {
			return // the test sees that nothing came
		}
		r.mu.Lock()
		r.posts = append(r.posts, post{request.Header.Clone(), body, request.Method + " " + request.RequestURI})
		r.mu.Unlock()
		answer(w, request)
	}))
	return r
}

func (r *receiver) all() []post {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]post(nil), r.posts...)
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

// refused makes sure that New refuses the options with an error that says so and holds no secret.
func refused(t *testing.T, o Options, says string) {
	t.Helper()
	_, err := New(config(o))
	if err == nil || !strings.Contains(err.Error(), says) {
		t.Errorf("got %v, want an error that says %q", err, says)
	}
	if err != nil && strings.Contains(err.Error(), "hush") {
		t.Errorf("the error repeats a secret: %v", err)
	}
}
