package consumer_test

import (
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/forebayhq/forebay/broker"
	"github.com/forebayhq/forebay/broker/brokertest"
	"github.com/forebayhq/forebay/consumer"
	"github.com/forebayhq/forebay/consumer/consumertest"
	"github.com/forebayhq/forebay/schema"
)

// A world is a server with the stream of events.
type world struct {
	t      *testing.T
	server *brokertest.Server
	js     jetstream.JetStream
	stream consumer.Stream
}

func newWorld(t *testing.T) *world {
	t.Helper()
	server := brokertest.Start(t)
	w := &world{
		t: t, server: server, js: server.JetStream(t), stream: consumer.Stream{Name: "IDENTITY", Prefix: "identity"},
	}
	if _, err := broker.Ensure(t.Context(), w.js, broker.Streams{Name: "IDENTITY", Prefix: "identity"}); err != nil {
		t.Fatal(err)
	}
	return w
}

// letters runs a collector of dead letters until the test ends.
func (w *world) letters() (stop func()) {
	w.t.Helper()
	return consumertest.Collect(w.t, &consumer.DeadLetters{
		JS: w.server.JetStream(w.t), Stream: w.stream, Ensure: broker.EnsureStream,
	})
}

// run declares a consumer and runs it until the test ends or stop is called.
func (w *world) run(c consumer.Config) (stop func()) {
	w.t.Helper()
	c.Stream = w.stream
	return consumertest.Run(w.t, w.server.JetStream(w.t), c)
}

func (w *world) declare(c consumer.Config) []string {
	w.t.Helper()
	c.Stream = w.stream
	differences, err := consumer.Declare(w.t.Context(), w.js, c)
	if err != nil {
		w.t.Fatal(err)
	}
	return differences
}

// message is an event of a user in its wire form.
func message(t testing.TB, action schema.Action, id, user string) *nats.Msg {
	t.Helper()
	return messageAt(t, action, id, user, time.Now())
}

func messageAt(t testing.TB, action schema.Action, id, user string, at time.Time) *nats.Msg {
	t.Helper()
	e := schema.Event{
		ID: id, Action: action, Source: "ssofy", Provider: "ssofy", Native: "native", Time: at, Received: at,
		Payload: json.RawMessage(`{}`),
	}
	if user != "" {
		e.User = &schema.User{ID: user}
	}
	m, err := schema.Wire{Prefix: "identity"}.Encode(e, consumertest.Trace)
	if err != nil {
		t.Fatal(err)
	}
	return &nats.Msg{Subject: m.Subject, Header: m.Header.Map(), Data: m.Body}
}

func (w *world) publish(action schema.Action, id, user string) uint64 {
	w.t.Helper()
	return w.send(message(w.t, action, id, user))
}

func (w *world) send(msg *nats.Msg) uint64 {
	w.t.Helper()
	ack, err := w.js.PublishMsg(w.t.Context(), msg)
	if err != nil {
		w.t.Fatal(err)
	}
	return ack.Sequence
}

// publishMany publishes n events "<first>" … and waits for all acknowledgements.
func (w *world) publishMany(n int, event func(i int) *nats.Msg) {
	w.t.Helper()
	for i := range n {
		if _, err := w.js.PublishMsgAsync(event(i), jetstream.WithStallWait(30*time.Second)); err != nil {
			w.t.Fatal(err)
		}
	}
	select {
	case <-w.js.PublishAsyncComplete():
	case <-time.After(30 * time.Second):
		w.t.Fatal("the stream does not acknowledge")
	}
}

func (w *world) list(f consumer.DeadFilter) []consumer.Dead {
	w.t.Helper()
	return consumertest.Dead(w.t, w.js, w.stream, f)
}

// dead waits until there are n dead letters of a consumer.
func (w *world) dead(name string, n int) (all []consumer.Dead) {
	w.t.Helper()
	consumertest.Eventually(w.t, fmt.Sprintf("%d dead letters of %s", n, name), func() bool {
		all = w.list(consumer.DeadFilter{Consumer: name})
		return len(all) >= n
	})
	if len(all) != n {
		w.t.Fatalf("%d dead letters of %s, want %d", len(all), name, n)
	}
	return all
}

func (w *world) status(name string) consumer.Status {
	w.t.Helper()
	all, err := consumer.Statuses(w.t.Context(), w.js, w.stream)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, s := range all {
		if s.Name == name {
			return s
		}
	}
	w.t.Fatalf("no status of %s in %+v", name, all)
	return consumer.Status{}
}

// settled waits until a durable has nothing left.
func (w *world) settled(name string) {
	w.t.Helper()
	consumertest.Eventually(w.t, "nothing left for "+name, func() bool {
		left, err := consumertest.Left(w.t.Context(), w.js, w.stream.Name, name)
		return err == nil && left == 0
	})
}

// lag waits until so many events wait for a durable: the server counts a moment after it has acknowledged them.
func (w *world) lag(name string, want uint64) {
	w.t.Helper()
	err := consumertest.Poll(10*time.Second, func() error {
		if got := w.status(name).Lag; got != want {
			return fmt.Errorf("%d events wait for %s, want %d", got, name, want)
		}
		return nil
	})
	if err != nil {
		w.t.Error(err)
	}
}

// forget makes a stream forget the IDs that it has seen, a moment from now.
func (w *world) forget(name string) {
	w.t.Helper()
	stream, err := w.js.Stream(w.t.Context(), name)
	if err != nil {
		w.t.Fatal(err)
	}
	c := stream.CachedInfo().Config
	// Twice: the server looks at once for what to forget, perhaps before it goes by the new window.
	for _, c.Duplicates = range milliseconds(101, 100) {
		if _, err := w.js.UpdateStream(w.t.Context(), c); err != nil {
			w.t.Fatal(err)
		}
	}
}

// A diary is what a handler saw.
type diary struct {
	mu      sync.Mutex
	entries []entry
}

type entry struct {
	id      string
	attempt int
	at      time.Time
	replay  uint64
}

func (d *diary) write(m *consumer.Message) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.entries = append(d.entries, entry{m.Event.ID, m.Attempt, time.Now(), m.ReplayOf})
}

func (d *diary) all() []entry {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]entry(nil), d.entries...)
}

func (d *diary) of(id string) (all []entry) {
	for _, e := range d.all() {
		if e.id == id {
			all = append(all, e)
		}
	}
	return all
}

func milliseconds(n ...int) (all []time.Duration) {
	for _, n := range n {
		all = append(all, time.Duration(n)*time.Millisecond)
	}
	return all
}
