package ingress_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/provider/mgpass"
	"github.com/forebayhq/forebay/schema"
)

// BenchmarkReceive is the way in of a delivery of mgPass, from the request to the answer, with a store that does nothing.
// What net/http does around it, and the recorder that takes the answer, are not ours.
func BenchmarkReceive(b *testing.B) {
	p, err := mgpass.New(provider.Config{Source: "test", Secrets: []string{"benchmark-secret"}, Path: path, Now: time.Now})
	if err != nil {
		b.Fatal(err)
	}
	around := newBench(b, p, func(r *bench) {
		r.config.Log = slog.New(slog.DiscardHandler)
		r.config.Store = fakeStore{func(context.Context, []schema.Message) (schema.Receipt, error) {
			return schema.Receipt{Stored: schema.StoredJournal}, nil
		}}
	})
	sample, err := p.(provider.Sampler).Sample("user.login.success")
	if err != nil {
		b.Fatal(err)
	}
	if err := p.(provider.Signer).Sign(&sample); err != nil {
		b.Fatal(err)
	}
	handler := around.server.Config.Handler
	r := httptest.NewRequest(http.MethodPost, path, nil)
	r.Header, r.ContentLength = sample.Header, int64(len(sample.Body))
	r.Header.Set("Content-Type", "application/json")
	b.ReportAllocs()
	for b.Loop() {
		r.Body = io.NopCloser(bytes.NewReader(sample.Body))
		w := httptest.NewRecorder()
		if handler.ServeHTTP(w, r); w.Code != http.StatusOK {
			b.Fatal(w.Code, w.Body)
		}
	}
}
