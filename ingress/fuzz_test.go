package ingress_test

import (
	"bufio"
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/forebayhq/forebay/ingress"
	"github.com/forebayhq/forebay/schema"
)

// FuzzRequest: whatever comes as a request, nothing is stored that is not signed and sent to the very path of the source,
// and no answer is one that makes a sender give up.
func FuzzRequest(f *testing.F) {
	const head = "POST /webhooks/test HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
	for _, seed := range []string{
		head + "X-Signature: right\r\nContent-Length: 10\r\n\r\n" + `{"id":"1"}`,
		head + "X-Signature: wrong\r\nContent-Length: 10\r\n\r\n" + `{"id":"1"}`,
		head + "X-Signature: right\r\nContent-Length: 90\r\n\r\n" + `{"id":"1"}`,
		head + "X-Signature: right\r\nTransfer-Encoding: chunked\r\n\r\na\r\n{\"id\":\"1\"}\r\n0\r\n\r\n",
		head + "X-Signature: right\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\na\r\n{\"id\":\"1\"}\r\n0\r\n\r\n",
		head + "X-Signature: right\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n{}",
		head + "X-Signature: right\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
		head + "X-Signature: right\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}",
		"GET /webhooks/test HTTP/1.1\r\nHost: a\r\n\r\n",
		"POST /webhooks//test HTTP/1.1\r\nHost: a\r\nX-Signature: right\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
		"POST http://b/webhooks/test?x HTTP/1.1\r\nHost: a\r\nX-Signature: right\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
		"POST /webhooks/%74est HTTP/1.0\r\nX-Signature: right\r\n\r\n",
		"POST * HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(text)))
		if err != nil {
			return
		}
		r.RemoteAddr = "192.0.2.1:1"
		var stored []schema.Message
		in, err := ingress.New(ingress.Config{
			Sources: []ingress.Source{{Name: "test", ProviderName: "fake", Path: path, Provider: fake{}}},
			Limits:  ingress.Limits{Body: 1 << 10},
			Wire:    schema.Wire{Prefix: "identity"},
			Now:     func() time.Time { return noon },
			Store: fakeStore{func(_ context.Context, m []schema.Message) (schema.Receipt, error) {
				stored = append(stored, m...)
				return schema.Receipt{Stored: schema.StoredJournal}, nil
			}},
		})
		if err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		in.ServeHTTP(w, r)
		toSource := r.Method == http.MethodPost && r.URL.EscapedPath() == path && r.Header.Get("X-Signature") == signed
		if len(stored) > 0 && !toSource {
			t.Errorf("%s %s with %q is stored", r.Method, r.RequestURI, r.Header)
		}
		if w.Code == http.StatusOK && len(stored) == 0 {
			t.Errorf("%q is answered as a success and not stored", text)
		}
		if slices.Contains([]int{410, 429, 504}, w.Code) || w.Code < 200 || w.Code/100 == 3 {
			t.Errorf("answered %d", w.Code)
		}
		for _, m := range stored {
			if !strings.HasPrefix(m.Subject, "identity.test.") && !strings.HasPrefix(m.Subject, "identity-quarantine.test") {
				t.Errorf("subject %q", m.Subject)
			}
		}
	})
}
