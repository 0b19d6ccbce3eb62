package main

import (
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/forebayhq/forebay/broker/brokertest"
)

// A stage is a stream into which a test publishes what forebay should or should not, and the ledger to compare it with.
type stage struct {
	t      *testing.T
	server *brokertest.Server
	ledger *ledger
	maker  *maker
}

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{t: t, server: brokertest.Start(t), ledger: newLedger()}
	s.maker = &maker{rng: (&prover{}).dice(1, 1)}
	_, err := s.server.JetStream(t).CreateStream(t.Context(), jetstream.StreamConfig{
		Name: streamName, Subjects: []string{"identity.>"}, Duplicates: 100 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// deliver notes a delivery of mgPass with one normal event, and its answer.
func (s *stage) deliver(status int) *event {
	for _, from := range sources() {
		if from.name != "rewards" {
			continue
		}
		d, _ := from.make(s.maker, func(k *kind) bool { return k.native == "user.login.success" })
		s.ledger.sending(d)
		s.ledger.answer(d, status)
		return d.events[0]
	}
	return nil
}

// publish publishes an event as forebay would, but for the payload, which is left out of the check.
func (s *stage) publish(e *event) {
	s.t.Helper()
	source, id, _ := strings.Cut(e.key, "/")
	e.payload = 0
	s.put(e.subject, e.key, string(encode(object{"source": source, "id": id})))
}

func (s *stage) put(subject, key, body string) {
	s.t.Helper()
	m := &nats.Msg{Subject: subject, Header: nats.Header{"X": {"y"}}, Data: []byte(body)}
	m.Header.Set(nats.MsgIdHdr, key)
	if _, err := s.server.JetStream(s.t).PublishMsg(s.t.Context(), m); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stage) count() *tally {
	s.t.Helper()
	c := newCheck(s.ledger, s.ledger.mark())
	c.quiet, c.silence = 200*time.Millisecond, 200*time.Millisecond
	if err := c.read(s.t.Context(), s.server.URL); err != nil {
		s.t.Fatal(err)
	}
	return c.sum()
}

// counts are those of a tally, for comparison.
type counts struct{ accepted, inStream, lost, twice, disordered, forged, garbled int }

func (s *stage) want(want counts) {
	s.t.Helper()
	n := s.count()
	got := counts{n.Accepted, n.InStream, n.Lost, n.Twice, n.Disordered, n.Forged, n.Garbled}
	if got != want {
		s.t.Errorf("counted %+v, want %+v; %q", got, want, n.problems)
	}
	if bad := want != (counts{accepted: want.accepted, inStream: want.inStream}); n.violated() != bad {
		s.t.Errorf("violated: %v, want %v; %q", n.violated(), bad, n.problems)
	}
}

// The checker sees every way in which a stream can be wrong, one at a time.
func TestCheckCounts(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(*stage)
		want counts
	}{
		"all well": {func(s *stage) {
			s.publish(s.deliver(200))
			s.publish(s.deliver(200))
		}, counts{accepted: 2, inStream: 2}},
		"lost": {func(s *stage) {
			s.publish(s.deliver(200))
			s.deliver(200)
		}, counts{accepted: 2, inStream: 1, lost: 1}},
		"twice": {func(s *stage) {
			e := s.deliver(200)
			s.publish(e)
			s.later()
			s.publish(e)
		}, counts{accepted: 1, inStream: 1, twice: 1}},
		"out of order": {func(s *stage) {
			first, second := s.deliver(200), s.deliver(200)
			s.publish(second)
			s.publish(first)
		}, counts{accepted: 2, inStream: 2, disordered: 1}},
		"never sent": {func(s *stage) {
			s.put("identity.rewards.login.succeeded", "rewards/evt_stranger", "{}")
		}, counts{forged: 1}},
		"unanswered may be there": {func(s *stage) {
			s.publish(s.deliver(noAnswer))
			s.deliver(noAnswer)
			s.publish(s.deliver(503))
		}, counts{inStream: 2}},
		"garbled": {func(s *stage) {
			e := s.deliver(200)
			s.put(e.subject, e.key, `{"source":"rewards","id":"another"}`)
		}, counts{accepted: 1, inStream: 1, garbled: 1}},
		"another payload": {func(s *stage) {
			e := s.deliver(200)
			_, id, _ := strings.Cut(e.key, "/")
			s.put(e.subject, e.key, `{"source":"rewards","id":"`+id+`","payload":{"points":1}}`)
		}, counts{accepted: 1, inStream: 1, garbled: 1}},
		"another subject": {func(s *stage) {
			e := s.deliver(200)
			e.subject, e.payload = "identity.rewards.login.failed", 0
			s.publish(e)
			e.subject = "identity.rewards.login.succeeded"
		}, counts{accepted: 1, inStream: 1, garbled: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			c.do(s)
			s.want(c.want)
		})
	}
}

// later waits until the stream has forgotten the IDs that it knows.
func (s *stage) later() {
	<-time.After(300 * time.Millisecond) // three times the duplicate window: nothing to poll for
}

// Answers count as violations by themselves: a stranger let in, and a provider turned away.
func TestLedgerJudgesAnswers(t *testing.T) {
	s := newStage(t)
	e := s.deliver(401)
	s.publish(e)
	n := s.count()
	if n.Forged != 1 || !strings.Contains(strings.Join(n.problems, "\n"), "rightly signed was answered 401") {
		t.Errorf("counted %d forged, %q", n.Forged, n.problems)
	}
	d, _ := sources()[0].make(s.maker, anyKind)
	d.tamper()
	s.ledger.sending(d)
	s.ledger.answer(d, 200)
	if n := s.count(); !strings.Contains(strings.Join(n.problems, "\n"), "tampered with was answered 200") {
		t.Errorf("problems: %q", n.problems)
	}
}
