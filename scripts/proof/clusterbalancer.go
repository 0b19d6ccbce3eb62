package main

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// A balancer gives requests to forebays in turn. One that cannot be reached is passed over; where the connection breaks
// later the sender is told 502, and nobody knows whether the delivery was stored: the worst that load balancers do.
type balancer struct {
	url      string
	backends []string
	turn     atomic.Uint64
	client   *http.Client
	server   *http.Server
}

func newBalancer(backends ...string) (*balancer, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	b := &balancer{url: "http://" + listener.Addr().String(), backends: backends, client: &http.Client{
		Transport:     &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true},
		Timeout:       answerTime,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	b.server = &http.Server{Handler: b, ReadHeaderTimeout: time.Second}
	go func() { _ = b.server.Serve(listener) }() // it ends when it is closed
	return b, nil
}

// ServeHTTP tries every backend once, the next in turn first.
func (b *balancer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 4<<20))
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	turn := b.turn.Add(1)
	for n := range b.backends {
		answer, err := b.forward(r, body, b.backends[(turn+uint64(n))%uint64(len(b.backends))])
		if err == nil {
			relay(w, answer)
			return
		}
		var op *net.OpError
		if !errors.As(err, &op) || op.Op != "dial" {
			break
		}
	}
	w.WriteHeader(http.StatusBadGateway)
}

func (b *balancer) forward(r *http.Request, body []byte, backend string) (*http.Response, error) {
	out, err := http.NewRequestWithContext(r.Context(), r.Method, backend+r.RequestURI, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	out.Header = r.Header.Clone()
	out.GetBody = nil // a request that was sent is not sent again behind our back
	return b.client.Do(out)
}

func relay(w http.ResponseWriter, answer *http.Response) {
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	maps.Copy(w.Header(), answer.Header)
	w.WriteHeader(answer.StatusCode)
	_, _ = w.Write(body) // whoever asked is gone
}

func (b *balancer) close() {
	_ = b.server.Close()
	b.client.CloseIdleConnections()
}
