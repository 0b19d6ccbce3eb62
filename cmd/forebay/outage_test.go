package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/forebayhq/forebay/broker/brokertest"
)

// externalYAML runs with a broker of the operator's own.
func externalYAML(nats, seal string) string {
	return strings.Replace(forebayYAML, `{listen: "127.0.0.1:${NATS}"}`, "{url: "+nats+"}\nseal: "+seal, 1)
}

// While NATS is away every delivery is answered with a success; afterwards all events are in the stream once, in the
// order in which they were accepted.
func TestOutage(t *testing.T) {
	nats := brokertest.Start(t)
	d := newDaemon(t, externalYAML(nats.URL, "off"))
	d.run(t)
	load := startLoad(t.Context(), d.target(t, "mgpass"), "token.issued", 1)
	more := func() {
		from := load.count()
		check(t, poll(func() error {
			if n := load.count(); n < from+50 {
				return fmt.Errorf("%d more accepted: %w", n-from, load.problem())
			}
			return nil
		}))
	}
	more()
	for range 2 {
		nats.Stop()
		more()
		code, text := httpGet(t, "http://"+d.admin+"/readyz")
		if code != http.StatusOK || !strings.Contains(text, "problems") {
			t.Errorf("NATS away: /readyz answers %d %s, want 200 and what is wrong", code, text)
		}
		nats.Start()
		more()
	}
	load.finish()
	if load.refused > 0 || load.last != nil {
		t.Errorf("%d deliveries refused, %v; want none", load.refused, load.last)
	}
	order := wantOnce(t, d.stream(t, load.count()), load.accepted)
	if !slices.Equal(order, load.accepted) {
		t.Error("the events are in another order than they were accepted in")
	}
}

// Started while NATS is away, forebay takes deliveries all the same.
func TestStartWithoutNATS(t *testing.T) {
	nats := brokertest.Start(t)
	nats.Stop()
	d := newDaemon(t, externalYAML(nats.URL, "off"))
	d.run(t)
	if stdout, stderr, code := call(t, "--config", d.config(), "send", "ssofy", "otp_requested"); code != 0 {
		t.Errorf("send: exit code %d: %s%s", code, stdout, stderr)
	}
	stdout, _, code := call(t, "--config", d.config(), "check")
	if code != exitFailed || !strings.Contains(stdout, "fail broker") {
		t.Errorf("check: exit code %d: %s", code, stdout)
	}
	nats.Start()
	d.stream(t, 1)
	stdout, stderr, code := call(t, "--config", d.config(), "check")
	if code != 0 || !strings.Contains(stdout, "external at") {
		t.Errorf("check: exit code %d: %s%s", code, stdout, stderr)
	}
}

// An external broker needs a word about sealing.
func TestExternalNeedsSeal(t *testing.T) {
	yaml := strings.Replace(forebayYAML, `{listen: "127.0.0.1:${NATS}"}`, `{url: "nats://127.0.0.1:${NATS}"}`, 1)
	d := newDaemon(t, yaml)
	_, stderr, code := call(t, "--config", d.config(), "serve")
	if code != exitUsage || !strings.Contains(stderr, "seal") {
		t.Errorf("serve: exit code %d: %s", code, stderr)
	}
}

// SIGTERM: a delivery under way gets its success and is kept, a new one gets 503, and the exit code is 0.
func TestDrain(t *testing.T) {
	d := newDaemon(t, forebayYAML)
	d.run(t)
	target := d.target(t, "ssofy")
	slow, err := target.make("user_updated")
	check(t, err)
	connection, in := begin(t, target, slow)
	check(t, d.signal("TERM"))
	check(t, poll(func() error {
		if a := target.send(t.Context(), target.sampler.Natives()[0]); a.Status != http.StatusServiceUnavailable {
			return fmt.Errorf("a new delivery: %+v, want 503", a)
		}
		return nil
	}))
	_, err = connection.Write(slow.request.Body)
	check(t, err)
	response, err := http.ReadResponse(in, nil)
	check(t, err)
	if response.StatusCode != http.StatusOK {
		t.Errorf("the delivery under way is answered %d, want 200", response.StatusCode)
	}
	check(t, response.Body.Close())
	if err := d.cmd.Wait(); err != nil {
		t.Errorf("exit: %v: %s", err, d.logText())
	}
	if _, err := net.Dial("tcp", target.url.Host); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("it still listens: %v", err)
	}
	d.run(t)
	all := d.stream(t, 1)
	if !slices.ContainsFunc(all, func(m stored) bool { return m.id() == "ssofy/"+slow.ids[0] }) {
		t.Error("the delivery under way is not in the stream")
	}
}

// begin sends the head of a delivery and returns when forebay asks for the body: then it is under way.
func begin(t *testing.T, to *target, d delivery) (net.Conn, *bufio.Reader) {
	t.Helper()
	connection, err := net.Dial("tcp", to.url.Host)
	check(t, err)
	t.Cleanup(func() { _ = connection.Close() })
	head := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\nExpect: 100-continue\r\n",
		to.url.Path, to.url.Host, len(d.request.Body))
	for name, values := range d.request.Header {
		head += name + ": " + values[0] + "\r\n"
	}
	_, err = io.WriteString(connection, head+"\r\n")
	check(t, err)
	in := bufio.NewReader(connection)
	interim, err := http.ReadResponse(in, nil)
	check(t, err)
	check(t, interim.Body.Close())
	if interim.StatusCode != http.StatusContinue {
		t.Fatalf("answered %d to the head", interim.StatusCode)
	}
	return connection, in
}

func httpGet(t *testing.T, url string) (status int, body string) {
	t.Helper()
	r, err := http.Get(url)
	check(t, err)
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	check(t, err)
	return r.StatusCode, string(text)
}
