package main

import (
	"bytes"
	"encoding/json"
	"hash/fnv"
	"net/http"
)

// A delivery is what a source sends, again and again with the same IDs until it is answered with a success.
type delivery struct {
	source   *source
	body     []byte
	id       string // what the sender calls it: Scalekit's webhook-id, SSOfy's salt
	tampered bool   // its signature is that of another body
	events   []*event
}

// An event is what a delivery tells, and what is known of it.
type event struct {
	key     string // its Nats-Msg-Id, <source>/<event id>
	subject string
	lane    string // source and lane, within which order counts
	urgent  bool
	payload uint64 // digest of the JSON that must arrive as it was sent; 0: a part of it is sealed

	tampered bool
	first    int64 // when it was first sent, in nanoseconds since the ledger began
	answered int64 // when a success was read whole; 0: not yet
	refused  bool  // some answer was 4xx
	doubtful bool  // some attempt had no answer, or 5xx
	seen     int   // how often it is in the stream
	place    int   // among the events of the stream, from 1 on
}

func anyKind(*kind) bool { return true }

// make makes a delivery of a source with one event or several, of random kinds among those that are wanted, if it has any.
func (s *source) make(m *maker, want func(*kind) bool) (d *delivery, ok bool) {
	var kinds []*kind
	for i := range s.kinds {
		if want(&s.kinds[i]) {
			kinds = append(kinds, &s.kinds[i])
		}
	}
	if len(kinds) == 0 {
		return nil, false
	}
	d = &delivery{source: s}
	var all []any
	for range 1 + m.rng.IntN(s.events) {
		e, body := s.event(m, kinds[m.rng.IntN(len(kinds))])
		d.events, all = append(d.events, e), append(all, body)
	}
	d.id, d.body = m.hex(32), encode(all[0])
	if s.events > 1 {
		d.body = encode(object{"events": all})
	}
	for _, e := range d.events {
		e.key = s.name + "/" + s.eventID(d, e.key)
	}
	return d, true
}

// event makes one; its key is the ID in the body yet.
func (s *source) event(m *maker, k *kind) (*event, object) {
	m.next()
	body := s.wrap(m, k)
	e := &event{key: m.id, subject: "identity." + s.name + "." + k.action, lane: s.name + " normal", urgent: k.urgent}
	if k.urgent {
		e.lane = s.name + " urgent"
	}
	if !k.sealed {
		e.payload = digest(encode(body))
	}
	return e, body
}

// tamper makes a delivery one that was changed on its way.
func (d *delivery) tamper() {
	d.tampered = true
	for _, e := range d.events {
		e.tampered = true
	}
}

// eventID is the ID of an event, where it has one of its own in the body or not.
func (s *source) eventID(d *delivery, inBody string) string {
	switch {
	case s.provider == "ssofy":
		return ssofyHash(s.secret, s.path(), d.body, d.id)
	case s.provider == "scalekit":
		return "msg_" + d.id
	case inBody == "":
		return sha256Hex(d.body)
	default:
		return inBody
	}
}

// request is the delivery, signed now.
func (d *delivery) request(base string) (*http.Request, error) {
	r, err := http.NewRequest(http.MethodPost, base+d.source.path(), bytes.NewReader(d.body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	signed := d
	if d.tampered {
		other := *d
		other.body = bytes.Replace(d.body, []byte(`":"`), []byte(`":"x`), 1)
		signed = &other
	}
	d.source.sign(signed, r.Header)
	return r, nil
}

// encode is compact JSON without the escapes that Go adds for HTML.
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(v) // cannot fail: texts, numbers and lists of them
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

func digest(text []byte) uint64 {
	h := fnv.New64a()
	_, _ = h.Write(text) // never fails
	return max(h.Sum64(), 1)
}
