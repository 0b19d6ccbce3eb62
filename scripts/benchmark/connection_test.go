package main

import (
	"bufio"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestReadAnswer(t *testing.T) {
	for text, want := range map[string]struct {
		status int
		fails  bool
	}{
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nDate: now\r\n\r\n{}":       {200, false},
		"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n":     {503, false},
		"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}":                    {0, true},
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n":    {0, true},
		"SSH-2.0-OpenSSH_9.9\r\n\r\n":                                       {0, true},
		"":                                                                  {0, true},
		"HTTP/1.1 200 OK\r\nContent-Length: 12345678901234567x\r\n\r\nrest": {0, true},
	} {
		status, err := readAnswer(bufio.NewReader(strings.NewReader(text)))
		if status != want.status || (err != nil) != want.fails {
			t.Errorf("%q: status %d, %v", text, status, err)
		}
	}
}

// Every delivery that the load counts was taken by a contestant that checks it.
func TestSendCountsWhatIsAccepted(t *testing.T) {
	handler, _, err := bareHandler("")
	if err != nil {
		t.Fatal(err)
	}
	var taken atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		taken.Add(1)
		handler.ServeHTTP(w, r)
	}))
	defer server.Close()
	r := sendOne(t, server.URL+path)
	if r.Accepted == 0 || r.failed() > 0 || int64(r.Accepted) != taken.Load() {
		t.Errorf("accepted %d, failed %v, taken %d", r.Accepted, r.Failed, taken.Load())
	}
	if r.P50 <= 0 || r.P99 < r.P50 || r.P999 < r.P99 {
		t.Errorf("p50 %s, p99 %s, p99.9 %s", r.P50, r.P99, r.P999)
	}
}

func TestSendCountsFailures(t *testing.T) {
	answers := []func(http.ResponseWriter){
		func(w http.ResponseWriter) { w.WriteHeader(http.StatusServiceUnavailable) },
		func(http.ResponseWriter) { panic(http.ErrAbortHandler) }, // the connection breaks
	}
	var taken atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answers[taken.Add(1)%2](w)
	}))
	defer server.Close()
	r := sendOne(t, server.URL+path)
	if r.Accepted != 0 || int64(r.failed()) != taken.Load() || r.Failed["status 503"] == 0 {
		t.Errorf("accepted %d, failed %v, taken %d", r.Accepted, r.Failed, taken.Load())
	}
}

// The contestants check what they are sent.
func TestTamperedIsNotAccepted(t *testing.T) {
	handler, _, err := bareHandler("")
	if err != nil {
		t.Fatal(err)
	}
	m := newMessage("127.0.0.1:1", path, nativeLogin, 512)
	text := string(m.next())
	for name, want := range map[string]int{"password": 200, "passw0rd": 401} {
		tampered := strings.Replace(text, `"password"`, `"`+name+`"`, 1)
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(tampered)))
		if err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("method %s: status %d, want %d", name, w.Code, want)
		}
	}
}

// An answer that is late makes the deliveries behind it late as well: their times count from when they were due.
func TestOpenLoopCountsFromWhenADeliveryWasDue(t *testing.T) {
	var taken atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if taken.Add(1) == 10 {
			<-time.After(200 * time.Millisecond)
		}
		succeed(w)
	}))
	defer server.Close()
	now := time.Now()
	r := sendBy(t, server.URL+path, &pace{begun: now, end: now.Add(400 * time.Millisecond), rate: 500})
	if r.Accepted != 200 || r.failed() > 0 {
		t.Errorf("accepted %d, failed %v, want 200 and none", r.Accepted, r.Failed)
	}
	// A hundred deliveries were due while one answer took 200 ms.
	if r.P50 > 150*time.Millisecond || r.P99 < 150*time.Millisecond {
		t.Errorf("p50 %s, p99 %s", r.P50, r.P99)
	}
}

func TestSendEndsAfterTheCount(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { succeed(w) }))
	defer server.Close()
	now := time.Now()
	if r := sendBy(t, server.URL+path, &pace{begun: now, end: now.Add(patience), count: 17}); r.Accepted != 17 {
		t.Errorf("accepted %d, want 17", r.Accepted)
	}
}

func TestAllSourcesAreSentFor(t *testing.T) {
	for _, c := range []loadCommand{{Connections: 3, Sources: 8}, {Connections: 8, Sources: 3}, {Connections: 4, Sources: 4}} {
		seen := map[string]bool{}
		for i := range c.Connections {
			all := c.suffixes(i)
			if len(all) == 0 {
				t.Errorf("%+v: connection %d has nothing to send", c, i)
			}
			for _, suffix := range all {
				seen[suffix] = true
			}
		}
		if len(seen) != c.Sources {
			t.Errorf("%+v: deliveries for %d sources", c, len(seen))
		}
	}
}

func sendOne(t *testing.T, url string) loadResult {
	t.Helper()
	now := time.Now()
	return sendBy(t, url, &pace{begun: now, end: now.Add(100 * time.Millisecond)})
}

func sendBy(t *testing.T, url string, p *pace) loadResult {
	t.Helper()
	c, err := dial(url, nativeLogin, 512, "")
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	return sendAll([]*connection{c}, p)
}
