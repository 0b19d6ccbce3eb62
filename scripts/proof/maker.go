package main

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"
)

// object is a JSON object.
type object = map[string]any

// A maker makes the content of deliveries. The same random numbers make the same, times aside.
type maker struct {
	rng  *rand.Rand
	now  time.Time
	user string
	id   string // of the event that is being made, where the provider puts one into the body
}

// next begins an event.
func (m *maker) next() {
	m.now, m.user, m.id = time.Now().UTC(), strconv.Itoa(m.rng.IntN(100000)), m.uuid()
}

func (m *maker) hex(digits int) string {
	const all = "0123456789abcdef"
	b := make([]byte, digits)
	for i := range b {
		b[i] = all[m.rng.IntN(len(all))]
	}
	return string(b)
}

// uuid is one of version 4, which no other maker makes.
func (m *maker) uuid() string {
	h := m.hex(32)
	return h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-8" + h[17:20] + "-" + h[20:]
}

func (m *maker) ip() string    { return fmt.Sprintf("203.0.113.%d", m.rng.IntN(256)) }
func (m *maker) email() string { return "user" + m.user + "@example.com" }

// text is a name, now and then a long one, and not always in letters of the Latin alphabet.
func (m *maker) text() string {
	names := [...]string{"Ada", "Kofi \"the <first>\" & only", "Zoë Brontë", "東京 太郎", "🏠", "Ольга\nname", ""}
	name := names[m.rng.IntN(len(names))]
	if m.rng.IntN(16) == 0 {
		name += " " + m.hex(m.rng.IntN(4096))
	}
	return name
}

func wrapSSOfy(m *maker, k *kind) object {
	return object{"action": k.native, "payload": k.data(m)}
}

func wrapAsgardeo(m *maker, k *kind) object {
	return object{"iss": "https://api.example.com/t/acme", "jti": m.id, "iat": m.now.UnixMilli(), "rci": m.uuid(),
		"events": object{"https://schemas.identity.wso2.org/events/" + k.native: k.data(m)}}
}

func wrapEntrust(m *maker, k *kind) object {
	return object{"id": m.id, "type": k.native, "accountId": "5f0d9d0e-8a1b-4c2d-9e3f-0a1b2c3d4e5f",
		"eventTime": m.now.Format(time.RFC3339), "data": k.data(m)}
}

func wrapScalekit(m *maker, k *kind) object {
	return object{"spec_version": "1", "id": "evt_" + m.hex(12), "type": k.native, "occurred_at": m.now.Format(time.RFC3339Nano),
		"environment_id": "env_1", "organization_id": "org_2", "data": k.data(m)}
}

// wrapMgpass leaves out the ID where mgPass sends none: the event's is then the digest of the body.
func wrapMgpass(m *maker, k *kind) object {
	if k.native == "rewards.points_awarded" {
		m.id = ""
		return object{"event_type": k.native, "data": k.data(m), "timestamp": m.now.Format("2006-01-02T15:04:05.000Z07:00")}
	}
	return object{"id": m.id, "type": k.native, "created_at": m.now.Unix(), "data": k.data(m)}
}

func wrapCrowd(m *maker, k *kind) object {
	return object{"id": m.id, "type": k.native, "time": m.now.Format(time.RFC3339Nano), "user": k.data(m)}
}
