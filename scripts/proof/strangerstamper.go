package main

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"
)

// tampered changes one byte of a delivery that was rightly signed, anywhere in its signature, and in its body where the
// scheme signs all of that (SSOfy's leaves names and borders out). None may be accepted.
func tampered(ctx context.Context, t *trial, found *findings) {
	rng := t.prover.dice(t.round, 1001)
	client := newClient()
	defer client.CloseIdleConnections()
	maker := &maker{rng: rng}
	for _, from := range sources() {
		for range 60 {
			d, ok := from.make(maker, anyKind)
			if !ok {
				continue
			}
			request, err := d.request(t.daemon.webhooks)
			if err != nil {
				found.add("%v", err)
				return
			}
			if from.provider == "ssofy" || rng.IntN(2) == 0 {
				changeHeader(rng, request.Header)
			} else {
				d.body[rng.IntN(len(d.body))] ^= byte(1 + rng.IntN(127))
				request.Body = io.NopCloser(bytes.NewReader(d.body))
			}
			found.tried("one byte changed, "+from.name, attempt(ctx, client, request))
		}
	}
}

// changeHeader changes a byte of the signature: its last header, by length.
func changeHeader(rng *rand.Rand, header http.Header) {
	longest := ""
	for name, values := range header {
		if strings.Contains(strings.ToLower(name), "signature") && len(values[0]) > len(header.Get(longest)) {
			longest = name
		}
	}
	value := []byte(header.Get(longest))
	for {
		at := rng.IntN(len(value))
		if changed := value[at] ^ 1; changed > ' ' && changed < 0x7f && value[at] != '=' {
			value[at] = changed
			header[longest] = []string{string(value)}
			return
		}
	}
}

// attempt sends a request and gives the status of its answer.
func attempt(ctx context.Context, client *http.Client, request *http.Request) int {
	answer, err := client.Do(request.WithContext(ctx))
	if err != nil {
		return noAnswer
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 1<<20)) // the status says it
	return answer.StatusCode
}

// replayed sends one delivery of each source many times at once. Each is answered with a success, and its events are in
// the stream once: the check of the round counts them.
func replayed(ctx context.Context, t *trial, found *findings) {
	maker := &maker{rng: t.prover.dice(t.round, 1002)}
	for _, from := range sources() {
		d, ok := from.make(maker, anyKind)
		if !ok {
			continue
		}
		var repeats sync.WaitGroup
		for n := range 10 {
			repeats.Go(func() {
				s := t.newSender(t.prover.dice(t.round, 1100+n))
				defer s.client.CloseIdleConnections()
				if status, _, _, err := s.send(ctx, d); !succeeded(status) && status/100 != 5 && err == nil {
					found.add("a repeated delivery of %s is answered %d", from.name, status)
				}
			})
		}
		repeats.Wait()
	}
}

// flood sends wrongly signed deliveries to one source, as fast as they are refused, for a while.
func flood(ctx context.Context, t *trial, found *findings) {
	ctx, cancel := context.WithTimeout(ctx, 4*time.Second)
	defer cancel()
	var senders sync.WaitGroup
	for range 16 {
		senders.Go(func() {
			client := newClient()
			defer client.CloseIdleConnections()
			for ctx.Err() == nil {
				request, err := http.NewRequest(http.MethodPost, t.daemon.webhooks+"/webhooks/wso2", strings.NewReader(rawBody))
				if err != nil {
					found.add("%v", err)
					return
				}
				request.Header.Set("Content-Type", "application/json")
				request.Header.Set("x-wso2-event-signature", "sha256="+strings.Repeat("0", 64))
				found.tried("a flood", attempt(ctx, client, request))
			}
		})
	}
	senders.Wait()
}

// browsers asks the admin listener what a web site can make a browser ask.
func browsers(ctx context.Context, t *trial, found *findings) {
	client := newClient()
	defer client.CloseIdleConnections()
	for _, c := range []struct{ what, method, host, header, value string }{
		{"a name that was rebound", http.MethodGet, "rebound.example.net", "", ""},
		{"a script of another site", http.MethodGet, "", "Sec-Fetch-Site", "cross-site"},
		{"a form of another site", http.MethodPost, "", "Origin", "https://example.net"},
	} {
		request, err := http.NewRequest(c.method, t.daemon.admin+"/metrics", nil)
		if err != nil {
			found.add("%v", err)
			return
		}
		if request.Host = c.host; c.header != "" {
			request.Header.Set(c.header, c.value)
		}
		found.tried("the admin listener called by "+c.what, attempt(ctx, client, request))
	}
}
