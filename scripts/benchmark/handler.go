package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"sync"

	"github.com/gorilla/mux"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/tidwall/gjson"
)

// maxBody is what forebay takes by default.
const maxBody = 1 << 20

// signatureHeader carries the bare hex HMAC-SHA-256 of the raw body: mgPass's scheme.
const signatureHeader = "X-Webhook-Signature"

var errUnverified = errors.New("not verified")

// answerAlone does nothing with a delivery: what the load can reach, and what net/http costs.
func answerAlone(string) (http.Handler, string, error) {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { succeed(w) }), "", nil
}

// bareHandler is the least that a Go program can do: read the body, check the HMAC, answer.
func bareHandler(string) (http.Handler, string, error) {
	return route(func(context.Context, []byte) error { return nil }), "", nil
}

// publishFlushed is the plain way to a durable answer: one publish per request, and JetStream flushes each message.
func publishFlushed(dir string) (http.Handler, string, error) {
	return publishing(&server.Options{StoreDir: dir, SyncAlways: true})
}

// publishUnflushed is the same with JetStream as it comes, which answers before it flushes.
func publishUnflushed(dir string) (http.Handler, string, error) {
	return publishing(&server.Options{StoreDir: dir})
}

// publishing publishes to a server in this process, over a connection in memory.
func publishing(o *server.Options) (http.Handler, string, error) {
	o.Host, o.Port, o.JetStream, o.NoSigs, o.NoLog = "127.0.0.1", server.RANDOM_PORT, true, true, true
	s, err := server.NewServer(o)
	if err != nil {
		return nil, "", err
	}
	s.Start()
	if !s.ReadyForConnections(startTime) {
		return nil, "", errors.New("nats-server is not ready")
	}
	nc, err := nats.Connect("", nats.InProcessServer(s))
	if err != nil {
		return nil, "", err
	}
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, "", err
	}
	_, err = js.CreateStream(context.Background(), jetstream.StreamConfig{
		Name: streamName, Subjects: []string{"identity.>"}, Storage: jetstream.FileStorage,
	})
	return route(func(ctx context.Context, body []byte) error {
		m := nats.NewMsg("identity." + sourceName + ".login.succeeded")
		m.Header.Set(nats.MsgIdHdr, gjson.GetBytes(body, "id").String())
		m.Data = body
		_, err := js.PublishMsg(ctx, m)
		return err
	}), s.ClientURL(), err
}

// route is the handler around what a contestant does with a verified body.
func route(accept func(context.Context, []byte) error) http.Handler {
	v := &verifier{}
	r := mux.NewRouter()
	r.HandleFunc("/webhooks/{source}", func(w http.ResponseWriter, r *http.Request) {
		body, err := v.read(w, r)
		switch {
		case errors.Is(err, errUnverified):
			w.WriteHeader(http.StatusUnauthorized)
		case err != nil:
			w.WriteHeader(http.StatusBadRequest)
		case accept(r.Context(), body) != nil:
			w.WriteHeader(http.StatusServiceUnavailable)
		default:
			succeed(w)
		}
	}).Methods(http.MethodPost)
	return r
}

func succeed(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, "{}") // a sender that hung up is told nothing
}

// A verifier keeps keyed states: they are costly to make and free to use again. It gives bare nothing away.
type verifier struct{ states sync.Pool }

// read gives the body of a delivery that was signed with the secret.
func (v *verifier) read(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	var body bytes.Buffer
	body.Grow(int(min(max(r.ContentLength, 0), maxBody)) + bytes.MinRead)
	if _, err := body.ReadFrom(http.MaxBytesReader(w, r.Body, maxBody)); err != nil {
		return nil, err
	}
	mac, err := hex.DecodeString(r.Header.Get(signatureHeader))
	if err != nil || !hmac.Equal(mac, v.sum(body.Bytes())) {
		return nil, errUnverified
	}
	return body.Bytes(), nil
}

func (v *verifier) sum(body []byte) []byte {
	s, ok := v.states.Get().(*signer)
	if !ok {
		s = newSigner()
	}
	defer v.states.Put(s)
	sum := s.sum(body)
	return sum[:]
}

// A signer makes MACs, one at a time.
type signer struct {
	mac interface {
		io.Writer
		Reset()
		Sum([]byte) []byte
	}
	last [sha256.Size]byte
}

func newSigner() *signer { return &signer{mac: hmac.New(sha256.New, []byte(secret))} }

func (s *signer) sum(body []byte) [sha256.Size]byte {
	s.mac.Reset()
	_, _ = s.mac.Write(body) // a hash never fails
	s.mac.Sum(s.last[:0])
	return s.last
}
