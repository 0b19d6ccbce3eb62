package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/forebayhq/forebay/broker/brokertest"
	"github.com/forebayhq/forebay/schema"
)

// The process that consumes is killed with SIGKILL at random moments under load: every event is handled at least once.
// Handled twice is what was under way: handlers bear repetition.
func TestConsumerKill(t *testing.T) {
	nats := brokertest.Start(t)
	seen := &sightings{count: map[string]int{}}
	hook := httptest.NewServer(seen)
	t.Cleanup(hook.Close)
	d := newDaemon(t, externalYAML(nats.URL, "off")+fmt.Sprintf("consumers:\n  crm: {actions: [user.created], retry: [200ms], "+
		"max_attempts: 1000, run: webhook, webhook: {unsigned: true, url: %q}}\n", hook.URL))
	d.nats = nats.URL
	d.run(t)
	load := startFlow(t, nats.JetStream(t))
	for range consumerKillRounds(t) {
		before := seen.handled()
		check(t, poll(func() error {
			if seen.handled() == before {
				return fmt.Errorf("nothing is handled")
			}
			return nil
		}))
		<-time.After(time.Duration(rand.IntN(150)) * time.Millisecond) // the moment is the point: nothing to wait for
		d.kill()
		check(t, d.start(), d.awaitReady())
	}
	published := load.finish()
	d.settled(t, "crm")
	lost, twice, calls := seen.account(published)
	t.Logf("%d events, %d calls, %d events handled twice or more: %.2f %%",
		len(published), calls, twice, 100*float64(twice)/float64(len(published)))
	if lost > 0 {
		t.Errorf("%d events were never handled", lost)
	}
	if dead := d.forebay(t, "dead", "list"); dead != "" {
		t.Errorf("dead letters: %s", dead)
	}
	check(t, d.stop())
}

// consumerKillRounds is how often the consumer is killed: FOREBAY_KILL_ROUNDS, but twenty times are few enough.
func consumerKillRounds(t *testing.T) int { return max(killRounds(t), 20) }

// Sightings counts what a receiver of webhooks did. Each call takes a moment, so that a kill finds some under way: they are
// broken off, and count for nothing.
type sightings struct {
	mu    sync.Mutex
	count map[string]int // by the ID of the event
}

func (s *sightings) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // only then does the server notice that the caller is gone
	select {
	case <-time.After(5 * time.Millisecond):
	case <-r.Context().Done():
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count[r.Header.Get("Ce-Id")]++
}

func (s *sightings) handled() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.count)
}

func (s *sightings) account(ids []string) (lost, twice, calls int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		switch s.count[id] {
		case 0:
			lost++
		case 1:
		default:
			twice++
		}
		calls += s.count[id]
	}
	return lost, twice, calls
}

// A flow publishes events at a steady pace, as another forebay does.
type flow struct {
	stop chan struct{}
	done chan struct{}
	ids  []string
}

func startFlow(t *testing.T, js jetstream.JetStream) *flow {
	f := &flow{stop: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(f.done)
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for n := 0; ; n++ {
			select {
			case <-tick.C:
			case <-f.stop:
				return
			}
			id := fmt.Sprintf("event-%d", n)
			if _, err := js.PublishMsg(t.Context(), eventMessage(t, id)); err != nil {
				t.Errorf("publish: %v", err)
				return
			}
			f.ids = append(f.ids, id)
		}
	}()
	return f
}

// finish gives what was published.
func (f *flow) finish() []string {
	close(f.stop)
	<-f.done
	return f.ids
}

// eventMessage is an event as it lies in the stream.
func eventMessage(t *testing.T, id string) *nats.Msg {
	now := time.Now()
	m, err := schema.Wire{Prefix: "identity"}.Encode(schema.Event{
		ID: id, Action: "user.created", Source: "mgpass", Provider: "mgpass", Native: "user.register", Time: now, Received: now,
		User: &schema.User{ID: "usr-" + id}, Payload: []byte(`{}`),
	}, "")
	if err != nil {
		t.Errorf("encode: %v", err)
	}
	return &nats.Msg{Subject: m.Subject, Header: m.Header.Map(), Data: m.Body}
}
