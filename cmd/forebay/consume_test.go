package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/forebayhq/forebay/broker/brokertest"
)

// scriptNeglect is a foreign client that answers nothing: it takes hand-overs from a durable until there were so many,
// and asks once more, which is when the server notices.
func scriptNeglect(ts *testscript.TestScript, _ bool, args []string) {
	foreign(ts, args, func(ctx context.Context, durable jetstream.Consumer, want int) error {
		for n := 0; n < want; {
			batch, err := durable.Fetch(1, jetstream.FetchMaxWait(time.Second))
			if err != nil {
				return err
			}
			for range batch.Messages() {
				n++
			}
			if ctx.Err() != nil {
				return fmt.Errorf("%d hand-overs, want %d", n, want)
			}
		}
		batch, err := durable.Fetch(1, jetstream.FetchMaxWait(500*time.Millisecond))
		if err != nil {
			return err
		}
		for msg := range batch.Messages() {
			return fmt.Errorf("%s came once more", msg.Subject())
		}
		return nil
	})
}

// scriptTake is a foreign client that acknowledges so many events and prints their subjects. No more may follow.
func scriptTake(ts *testscript.TestScript, _ bool, args []string) {
	foreign(ts, args, func(ctx context.Context, durable jetstream.Consumer, want int) error {
		for n := 0; n < want; {
			batch, err := durable.Fetch(want-n, jetstream.FetchMaxWait(time.Second))
			if err != nil {
				return err
			}
			for msg := range batch.Messages() {
				n++
				fmt.Fprintln(ts.Stdout(), msg.Subject(), msg.Headers().Get("Forebay-Replay-Of"))
				if err := msg.DoubleAck(ctx); err != nil {
					return err
				}
			}
			if ctx.Err() != nil {
				return fmt.Errorf("%d events, want %d", n, want)
			}
		}
		_, err := durable.Next(jetstream.FetchMaxWait(200 * time.Millisecond))
		if !errors.Is(err, nats.ErrTimeout) {
			return fmt.Errorf("more than %d events: %w", want, err)
		}
		return nil
	})
}

// foreign binds to a durable by plain nats.go, as soon as it is there.
func foreign(ts *testscript.TestScript, args []string, do func(context.Context, jetstream.Consumer, int) error) {
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	want, err := strconv.Atoi(args[1])
	ts.Check(err)
	nc, err := nats.Connect("nats://127.0.0.1:" + ts.Getenv("NATS"))
	ts.Check(err)
	defer nc.Close()
	js, err := jetstream.New(nc)
	ts.Check(err)
	var durable jetstream.Consumer
	ts.Check(poll(func() (err error) {
		durable, err = js.Consumer(ctx, "IDENTITY", args[0])
		return err
	}))
	ts.Check(do(ctx, durable, want))
}

// scriptUntil repeats a command until its output matches.
func scriptUntil(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(poll(func() error {
		if err := ts.Exec(args[1], args[2:]...); err != nil {
			return err
		}
		return matches(ts.ReadFile("stdout"), args[0])
	}))
}

// scriptHook is a receiver of webhooks. What it is sent at /refuse it refuses for good.
func scriptHook(ts *testscript.TestScript, _ bool, args []string) {
	log, err := os.Create(ts.MkAbs(args[0]))
	ts.Check(err)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(log, "%s type=%s of=%s signed=%t\n", r.URL.Path, r.Header.Get("Ce-Type"), r.Header.Get("Forebay-Replay-Of"),
			r.Header.Get("Webhook-Signature") != "")
		if status := map[string]int{"/refuse": http.StatusUnprocessableEntity, "/sign": http.StatusUnauthorized}[r.URL.Path]; status > 0 {
			w.WriteHeader(status)
		}
	}))
	ts.Defer(func() {
		server.Close()
		_ = log.Close()
	})
	ts.Setenv("HOOK", server.URL)
	d := ts.Value(daemonKey{}).(*daemon)
	d.env = append(d.env, "HOOK="+server.URL)
}

// Started while NATS is away, forebay runs its consumers once it is there. At a stop an attempt under way is finished, and
// counts: the event does not come again.
func TestConsumersOutliveNATS(t *testing.T) {
	arrived, release := make(chan string, 8), make(chan struct{})
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		arrived <- r.Header.Get("Ce-Type")
		<-release
	}))
	t.Cleanup(hook.Close)
	done := sync.OnceFunc(func() { close(release) })
	t.Cleanup(done) // before Close, which waits for requests
	nats := brokertest.Start(t)
	nats.Stop()
	d := newDaemon(t, externalYAML(nats.URL, "off")+
		"consumers:\n  crm: {run: webhook, webhook: {unsigned: true, url: "+hook.URL+"}}\n  broken: {run: webhook, webhook: "+
		"{unsigned: true, url: \"http://127.0.0.1:1/\"}, retry: [100ms], max_attempts: 1}\n")
	d.run(t)
	forebay := func(args ...string) string {
		stdout, stderr, code := call(t, append([]string{"--config", d.config()}, args...)...)
		if code != 0 {
			t.Errorf("%q: exit code %d: %s%s", args, code, stdout, stderr)
		}
		return stdout
	}
	forebay("send", "mgpass", "user.created")
	nats.Start()
	wantArrival(t, arrived, "user.created")
	check(t, d.signal("TERM"))
	check(t, poll(func() error { return refuses(d.target(t, "mgpass").url.Host) }))
	done()
	if err := d.cmd.Wait(); err != nil {
		t.Errorf("exit: %v: %s", err, d.logText())
	}
	d.run(t)
	forebay("send", "mgpass", "token.issued")
	wantArrival(t, arrived, "token.issued")
	check(t, poll(func() error { // what is wrong with one consumer stays with it
		return matches(forebay("dead", "list"), `(?s)broken .*user\.created.*broken .*token\.issued`)
	}))
	if status := forebay("consumers", "--json"); !strings.Contains(status, `"consumer":"crm","actions":["*"],"lag":0,`) {
		t.Error(status)
	}
	check(t, d.stop())
}

func wantArrival(t *testing.T, arrived <-chan string, want string) {
	t.Helper()
	select {
	case got := <-arrived:
		if got != want {
			t.Fatalf("%s arrived, want %s", got, want)
		}
	case <-time.After(deadline):
		t.Fatalf("no %s arrived", want)
	}
}

// refuses is nil when nobody listens there any more.
func refuses(address string) error {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return nil
	}
	return errors.Join(errors.New("somebody listens"), c.Close())
}
