package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// A rawRequest is bytes on a connection, and what they are.
type rawRequest struct {
	what  string
	bytes string
}

const (
	rawHead = "POST /webhooks/rewards HTTP/1.1\r\nHost: hooks.example.com\r\nContent-Type: application/json\r\n"
	rawBody = `{"id":"1","type":"user.suspended","created_at":1,"data":{}}`
)

// malformed sends requests that are none, or two in one, or far too many things, none of them signed. Each must be
// refused or cut off, and soon.
func malformed(ctx context.Context, t *trial, found *findings) {
	for _, r := range rawRequests() {
		began := time.Now()
		statuses, err := talk(ctx, host(t.daemon.webhooks), r.bytes)
		for _, status := range statuses {
			found.tried(r.what, status)
		}
		if len(statuses) == 0 {
			found.tried(r.what, noAnswer)
		}
		if err != nil && ctx.Err() == nil {
			found.add("%s: %v", r.what, err)
		}
		if took := time.Since(began); took > rawTime-time.Second {
			found.add("%s: neither answered nor cut off after %s", r.what, took.Round(time.Second))
		}
	}
	if _, err := tls.Dial("tcp", host(t.daemon.webhooks), &tls.Config{InsecureSkipVerify: true}); err == nil {
		found.add("TLS on a plain listener")
	}
}

func rawRequests() []rawRequest {
	length := fmt.Sprintf("Content-Length: %d\r\n", len(rawBody))
	chunk := fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(rawBody), rawBody)
	inner := rawHead + length + "\r\n" + rawBody
	return []rawRequest{
		{"not signed", rawHead + length + "\r\n" + rawBody},
		{"signed with an empty signature", rawHead + length + "X-Webhook-Signature:\r\n\r\n" + rawBody},
		{"two signatures", rawHead + length + "X-Webhook-Signature: a\r\nX-Webhook-Signature: b\r\n\r\n" + rawBody},
		{"length and chunks", rawHead + length + "Transfer-Encoding: chunked\r\n\r\n" + chunk + inner},
		{"chunks and a length that hides a request", rawHead + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + inner},
		{"two lengths", rawHead + length + "Content-Length: 2\r\n\r\n" + rawBody + inner},
		{"a length below zero", rawHead + "Content-Length: -1\r\n\r\n" + rawBody},
		{"a length with a sign", rawHead + "Content-Length: +5\r\n\r\n" + rawBody},
		{"a length beyond 64 bits", rawHead + "Content-Length: 99999999999999999999\r\n\r\n" + rawBody},
		{"a length far over the limit", rawHead + "Content-Length: 9000000000\r\n\r\n" + rawBody},
		{"an unknown transfer encoding", rawHead + "Transfer-Encoding: gzip, chunked\r\n\r\n" + chunk},
		{"a chunk without end", rawHead + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n" + rawBody},
		{"a chunk that is no number", rawHead + "Transfer-Encoding: chunked\r\n\r\nxyz\r\n" + rawBody},
		{"chunks far over the limit", rawHead + "Transfer-Encoding: chunked\r\n\r\n" + strings.Repeat("10000\r\n"+strings.Repeat("x", 1<<16)+"\r\n", 40)},
		{"a blank before the colon", rawHead + "Content-Length : 5\r\n\r\n" + rawBody},
		{"a folded header", rawHead + length + "X-A: b\r\n c\r\n\r\n" + rawBody},
		{"a NUL in a header", rawHead + length + "X-A: b\x00c\r\n\r\n" + rawBody},
		{"a bare CR in a header", rawHead + length + "X-A: b\rX-Webhook-Signature: x\r\n\r\n" + rawBody},
		{"ten thousand headers", rawHead + length + strings.Repeat("X-A: b\r\n", 10000) + "\r\n" + rawBody},
		{"one header of a megabyte", rawHead + length + "X-A: " + strings.Repeat("b", 1<<20) + "\r\n\r\n" + rawBody},
		{"a path of a megabyte", "POST /" + strings.Repeat("a", 1<<20) + " HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"no host", "POST /webhooks/rewards HTTP/1.1\r\n" + length + "\r\n" + rawBody},
		{"two hosts", rawHead + length + "Host: other.example.com\r\n\r\n" + rawBody},
		{"another version", "POST /webhooks/rewards HTTP/9.9\r\nHost: a\r\n\r\n"},
		{"no version", "POST /webhooks/rewards\r\n\r\n"},
		{"a lower-case method", "post /webhooks/rewards HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"a method that is none", "P\x00ST /webhooks/rewards HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"a proxy's request", "CONNECT 127.0.0.1:4222 HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"options of everything", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"a path that climbs", "POST /webhooks/../webhooks/rewards HTTP/1.1\r\nHost: a\r\n" + length + "\r\n" + rawBody},
		{"a path in another spelling", "POST /webhooks/%72ewards HTTP/1.1\r\nHost: a\r\n" + length + "\r\n" + rawBody},
		{"the admin listener's path", "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"the profiles", "GET /debug/pprof/heap HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"an upgrade to HTTP/2", rawHead + length + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n" + rawBody},
		{"HTTP/2 from the beginning", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"},
		{"a body that ends early", rawHead + "Content-Length: 500\r\n\r\n" + rawBody},
		{"a compressed body", rawHead + length + "Content-Encoding: gzip\r\n\r\n" + rawBody},
		{"a body of another type", strings.Replace(rawHead, "application/json", "multipart/form-data", 1) + length + "\r\n" + rawBody},
		{"a hundred requests at once", strings.Repeat(inner, 100)},
		{"bytes of no protocol", "\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03" + strings.Repeat("\xff", 300)},
		{"nothing", ""},
	}
}

// rawTime is how long a raw request may take. Forebay waits 15 s for a body, and these all end before.
const rawTime = 10 * time.Second

// talk sends bytes, says that there are no more, and gives the statuses of the answers until the connection ends.
func talk(ctx context.Context, address, text string) (statuses []int, err error) {
	var dialer net.Dialer
	c, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(rawTime))
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		_, _ = io.Copy(c, strings.NewReader(text)) // it may be cut off in the middle
		if tcp, ok := c.(*net.TCPConn); ok {
			_ = tcp.CloseWrite()
		}
	}()
	defer func() { _ = c.Close(); <-sent }()
	answers := bufio.NewReader(c)
	for {
		answer, err := http.ReadResponse(answers, nil)
		if err != nil {
			return statuses, nil // the end, cut off or answered in another protocol
		}
		_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 1<<20))
		_ = answer.Body.Close()
		statuses = append(statuses, answer.StatusCode)
	}
}

// slowSenders is how many connections hold on to forebay at a time, half with their heads and half with their bodies.
const slowSenders = 100

// slow trickles heads and bodies. Each connection must be cut off, or answered with a refusal, within the bounds of a
// slow sender: 5 s for a head, 15 s for a body.
func slow(ctx context.Context, t *trial, found *findings) {
	held := make(chan error, slowSenders)
	for n := range slowSenders {
		go func() {
			begin, bound := rawHead, 8*time.Second
			if n%2 == 0 {
				begin, bound = rawHead+"Content-Length: 1000\r\n\r\n{", 19*time.Second
			}
			status, err := trickle(ctx, host(t.daemon.webhooks), begin, bound)
			found.tried("slow", status)
			held <- err
		}()
	}
	var errs []error
	for range slowSenders {
		if err := <-held; !over(ctx, err) {
			errs = append(errs, err)
		}
	}
	if len(errs) > 0 {
		found.add("%d of %d slow senders: %v", len(errs), slowSenders, errs[0])
	}
}

// trickle sends a beginning and then a byte now and then, until it is cut off or answered. It is an error when neither
// comes in time.
func trickle(ctx context.Context, address, begin string, bound time.Duration) (status int, err error) {
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return noAnswer, err
	}
	defer c.Close()
	_ = c.SetReadDeadline(time.Now().Add(bound))
	ended := make(chan struct{})
	defer close(ended)
	go func() {
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		for _, err := io.WriteString(c, begin); err == nil; _, err = io.WriteString(c, "a") {
			select {
			case <-tick.C:
			case <-ended:
				return
			}
		}
	}()
	first := make([]byte, len("HTTP/1.1 000"))
	n, err := io.ReadFull(c, first)
	if timeout, ok := err.(net.Error); ok && timeout.Timeout() { //nolint:errorlint // of the connection itself
		return noAnswer, fmt.Errorf("still connected after %s", bound)
	}
	if n == len(first) && bytes.HasPrefix(first, []byte("HTTP/1.1 ")) {
		_, _ = fmt.Sscan(string(first[9:]), &status) // 0 where it is none
	}
	return status, nil
}
