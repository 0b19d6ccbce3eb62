package schema

import (
	"encoding/json"
	"testing"
)

// requested is an SSOfy delivery as providers decode it.
func requested() Event {
	e := minimal()
	e.ID = "162524770f0fb209c8e7a851e0d057cd14d85bd29f1279476ad71febbd5baa8f"
	e.Action, e.Native, e.Semantics, e.Outcome = "otp.requested", "otp_requested", Command, Unknown
	e.User = &User{ID: "42"}
	e.OTP = &OTP{ID: "authentication-email-42", Channel: "email", To: "ada@example.com", Hint: "*da@e******.com", Purpose: "authentication"}
	e.Client = &Client{IP: "203.0.113.7"}
	e.Payload = json.RawMessage(`{"action":"otp_requested","payload":{"option":{"id":"authentication-email-42","type":"email","to":"ada@example.com","hint":"*da@e******.com","user_id":"42","action":"authentication"},"ip":"203.0.113.7"}}`)
	e.Sensitive = []Member{"**.password"}
	return e
}

func BenchmarkEncode(b *testing.B) {
	_, sealer := keys(b)
	sealed := requested()
	sealed.User.Password = json.RawMessage(`"c0rrect horse"`)
	for _, c := range []struct {
		name  string
		wire  Wire
		event Event
	}{
		{"clear", Wire{Prefix: "identity", Lifetimes: Lifetimes()}, requested()},
		{"nothing to seal", Wire{Prefix: "identity", Lifetimes: Lifetimes(), Seal: sealer, MaxBytes: 1 << 20}, requested()},
		{"one to seal", Wire{Prefix: "identity", Lifetimes: Lifetimes(), Seal: sealer, MaxBytes: 1 << 20}, sealed},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.wire.Encode(c.event, traceparent); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// Encode is on the way in of every event: design.md grants that 40 allocations in all.
func TestEncodeAllocations(t *testing.T) {
	_, sealer := keys(t)
	wire := Wire{Prefix: "identity", Lifetimes: Lifetimes(), Seal: sealer, MaxBytes: 1 << 20}
	e := requested()
	got := testing.AllocsPerRun(100, func() {
		if _, err := wire.Encode(e, traceparent); err != nil {
			t.Fatal(err)
		}
	})
	if got > 15 {
		t.Errorf("%v allocations, want at most 15", got)
	}
}

func BenchmarkParse(b *testing.B) {
	m, err := Wire{Prefix: "identity"}.Encode(requested(), traceparent)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(m.Subject, m.Header.Map(), m.Body); err != nil {
			b.Fatal(err)
		}
	}
}
