package ingress

import (
	"fmt"
	"net/http"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestClientAddr(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for _, c := range []struct{ peer, forwarded, want string }{
		{"192.0.2.1:1", "", "192.0.2.1"},
		{"192.0.2.1:1", "198.51.100.1", "192.0.2.1"}, // not a proxy of ours: it may say what it likes
		{"10.0.0.1:1", "", "10.0.0.1"},
		{"10.0.0.1:1", "198.51.100.1", "198.51.100.1"},
		{"10.0.0.1:1", "1.2.3.4, 198.51.100.1", "198.51.100.1"},
		{"10.0.0.1:1", "198.51.100.1, 10.9.9.9", "198.51.100.1"},
		{"10.0.0.1:1", "198.51.100.1|10.9.9.9", "198.51.100.1"}, // two headers
		{"10.0.0.1:1", "10.0.0.2, 10.0.0.3", "10.0.0.2"},
		{"10.0.0.1:1", "198.51.100.1, nonsense", "10.0.0.1"},
		{"10.0.0.1:1", "198.51.100.1:4711", "198.51.100.1"},
		{"[::ffff:10.0.0.1]:1", "198.51.100.1", "198.51.100.1"},
		{"[fd00::1]:1", "[2001:db8::1]:4711", "2001:db8::1"},
		{"[fd00::1]:1", "[2001:db8::1]", "2001:db8::1"},
		{"@", "198.51.100.1", "invalid IP"},
	} {
		r := &http.Request{RemoteAddr: c.peer, Header: http.Header{}}
		for _, h := range strings.Split(c.forwarded, "|") {
			r.Header.Add("X-Forwarded-For", h)
		}
		if got := clientAddr(r, trusted).String(); got != c.want {
			t.Errorf("%s for %q: got %s, want %s", c.peer, c.forwarded, got, c.want)
		}
	}
}

func TestStrangerIsAnIPv6Customer(t *testing.T) {
	at := func(addr string) stranger {
		d := delivery{source: &source{in: &Ingress{}, Source: Source{Name: "s"}}, http: &http.Request{RemoteAddr: addr}}
		return d.stranger()
	}
	if a, b := at("[2001:db8::1]:1"), at("[2001:db8::ffff:2]:2"); a != b {
		t.Errorf("one /64: got %v and %v", a, b)
	}
	if a, b := at("[2001:db8::1]:1"), at("[2001:db8:0:1::1]:1"); a == b {
		t.Errorf("two /64s: got %v twice", a)
	}
	if a, b := at("192.0.2.1:1"), at("192.0.2.2:1"); a == b {
		t.Errorf("two IPv4 addresses: got %v twice", a)
	}
}

func TestStrangersPayBack(t *testing.T) {
	var s strangers
	who, now := stranger{source: "s"}, time.Unix(1_800_000_000, 0)
	for i := range 500 {
		if got, want := s.spent(who, now), i >= 100; got != want {
			t.Fatalf("after %d failures: spent is %v", i, got)
		}
		s.charge(who, now)
	}
	if s.spent(who, now.Add(time.Second)) {
		t.Error("a second later: still spent")
	}
}

func TestStrangersAreBounded(t *testing.T) {
	var s strangers
	for i := range 3 * strangersKept {
		s.charge(stranger{source: fmt.Sprint(i)}, time.Unix(1_800_000_000, 0))
	}
	if n := len(s.clear); n != strangersKept {
		t.Errorf("got %d entries, want %d", n, strangersKept)
	}
}

func TestTraceparent(t *testing.T) {
	const trace, span = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	form := regexp.MustCompile(`^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$`)
	got := Traceparent([]string{"00-" + trace + "-" + span + "-01"})
	if !form.MatchString(got) || !strings.HasPrefix(got, "00-"+trace+"-") || !strings.HasSuffix(got, "-01") {
		t.Errorf("got %s, want the sender's trace", got)
	}
	if strings.Contains(got, span) {
		t.Errorf("got %s, want a span of our own", got)
	}
	seen := map[string]bool{}
	for _, sent := range [][]string{
		nil, {""}, {"x"},
		{"00-" + trace + "-" + span + "-01", "00-" + trace + "-" + span + "-01"},
		{"01-" + trace + "-" + span + "-01"},
		{"00-" + strings.ToUpper(trace) + "-" + span + "-01"},
		{"00-" + strings.Repeat("0", 32) + "-" + span + "-01"},
		{"00-" + trace + "-" + strings.Repeat("0", 16) + "-01"},
		{"00-" + trace + "-" + span + "-0g"},
		{"00-" + trace + "-" + span + "-01-x"},
		{"00-" + trace[:31] + "\n-" + span + "-01"},
	} {
		got := Traceparent(sent)
		if !form.MatchString(got) || strings.Contains(got, trace) || seen[got] || !strings.HasSuffix(got, "-00") {
			t.Errorf("%q: got %s, want a trace of our own", sent, got)
		}
		seen[got] = true
	}
}

// TestTableOfStatuses: every outcome has its line, and none is what senders take for final.
func TestTableOfStatuses(t *testing.T) {
	labels := map[string]bool{}
	for o := range outcomes {
		l := lines[o]
		if l.label == "" || labels[l.label] || final(l.status) || (l.text == "") != success(l.status) {
			t.Errorf("outcome %d: %+v", o, l)
		}
		labels[l.label] = true
	}
}
