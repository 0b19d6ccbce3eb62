package publisher

import (
	"encoding/json"
	"fmt"
	"strconv"
	"sync"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/tidwall/gjson"
)

// acks is where the stream's answers to one line arrive during a session. It does what jetstream's futures do, at a
// tenth of their allocations: a line sends in order, and takes all answers that came at once.
type acks struct {
	inbox  string           // a record's answer comes to inbox and its sequence
	closed chan nats.Status // gets a value when the connection is lost
	wake   chan struct{}

	mu   sync.Mutex
	came []ack
}

// An ack is the stream's answer for one record.
type ack struct {
	record    uint64 // its sequence in the journal
	stream    string
	seq       uint64 // in the stream
	duplicate bool
	err       error
}

func subscribe(nc *nats.Conn) (*acks, error) {
	a := &acks{inbox: nc.NewInbox() + ".", closed: nc.StatusChanged(nats.DISCONNECTED, nats.CLOSED), wake: make(chan struct{}, 1)}
	sub, err := nc.Subscribe(a.inbox+"*", a.receive)
	if err != nil {
		return nil, fmt.Errorf("subscribe to acknowledgements: %w", err)
	}
	return a, sub.SetPendingLimits(-1, -1) // the window bounds them
}

func (a *acks) subject(record uint64) string { return a.inbox + strconv.FormatUint(record, 10) }

func (a *acks) receive(m *nats.Msg) {
	record, err := strconv.ParseUint(m.Subject[len(a.inbox):], 10, 64)
	if err != nil {
		return // not of our asking
	}
	got := parseAck(m)
	got.record = record
	a.mu.Lock()
	a.came = append(a.came, got)
	a.mu.Unlock()
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// take gives what has come since it was last called, in the memory of what it gave then.
func (a *acks) take(last []ack) []ack {
	clear(last)
	a.mu.Lock()
	defer a.mu.Unlock()
	came := a.came
	a.came = last[:0]
	return came
}

// parseAck reads JetStream's answer to a publish. ADR-1 of nats-architecture-and-design.
func parseAck(m *nats.Msg) ack {
	if len(m.Data) == 0 && m.Header.Get("Status") == "503" {
		return ack{err: jetstream.ErrNoStreamResponse}
	}
	answer := gjson.ParseBytes(m.Data)
	if refusal := answer.Get("error"); refusal.Exists() {
		var err jetstream.APIError
		if json.Unmarshal([]byte(refusal.Raw), &err) != nil {
			return ack{err: jetstream.ErrInvalidJSAck}
		}
		return ack{err: &err}
	}
	a := ack{
		stream: answer.Get("stream").String(), seq: answer.Get("seq").Uint(), duplicate: answer.Get("duplicate").Bool(),
	}
	if a.stream == "" {
		a.err = jetstream.ErrInvalidJSAck
	}
	return a
}
