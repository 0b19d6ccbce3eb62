package schema

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

func quarantined() Delivery {
	return Delivery{
		Source: "acme", Provider: "asgardeo", Reason: "decode: events: missing",
		Received: time.Date(2026, 3, 1, 12, 0, 0, 31e6, time.UTC),
		Request:  []byte("POST /webhooks/acme HTTP/1.1\r\nHost: hooks.example.com\r\n\r\n{\"password\":\"hush\"}\xff"),
	}
}

func TestQuarantine(t *testing.T) {
	private, sealer := keys(t)
	id := fmt.Sprintf("quarantine-%x", sha256.Sum256(quarantined().Request))
	for _, wire := range []Wire{{Prefix: "identity"}, {Prefix: "identity", Seal: sealer}} {
		want := quarantined()
		m, err := wire.Quarantine(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ParseQuarantine(m.Body)
		if err != nil {
			t.Fatal(err)
		}
		if wire.Seal != nil {
			if bytes.Contains(m.Body, []byte("hush")) || got.Request != nil {
				t.Errorf("in clear: %s", m.Body)
			}
			if got.Request, err = OpenSealed(private, got.Sealed); err != nil {
				t.Fatal(err)
			}
		}
		if !reflect.DeepEqual(got.Delivery, want) || got.ID != id || m.ID != "acme/"+id {
			t.Errorf("got %+v, want %+v", got, want)
		}
		header := map[string][]string{
			"Nats-Msg-Id":        {"acme/" + id},
			"ce-specversion":     {"1.0"},
			"ce-id":              {id},
			"ce-type":            {"forebay.quarantined"},
			"ce-time":            {"2026-03-01T12:00:00.031Z"},
			"ce-source":          {"urn:forebay:acme"},
			"ce-datacontenttype": {"application/json"},
			"ce-provider":        {"asgardeo"},
			"ce-receivedtime":    {"2026-03-01T12:00:00.031Z"},
		}
		if !reflect.DeepEqual(m.Header.Map(), header) || m.Subject != "identity-quarantine.acme" || m.Source != "acme" || m.Action != "" {
			t.Errorf("got %+v\nwant header %q", m, header)
		}
	}
}

func TestQuarantineFits(t *testing.T) {
	_, sealer := keys(t)
	const limit = 1 << 20
	for _, seal := range []*Sealer{nil, sealer} {
		wire := Wire{Prefix: "identity", Seal: seal, MaxBytes: limit}
		d := quarantined()
		d.Reason = strings.Repeat("€", limit)
		d.Request = bytes.Repeat([]byte{'"'}, limit/2)
		if _, err := wire.Quarantine(d); err != nil {
			t.Errorf("half of the limit: %v", err)
		}
		d.Request = bytes.Repeat([]byte{'"'}, limit)
		if _, err := wire.Quarantine(d); err == nil {
			t.Error("a request as large as the limit: accepted")
		}
	}
}

func TestQuarantineRefuses(t *testing.T) {
	for name, spoil := range map[string]func(*Delivery){
		"source":   func(d *Delivery) { d.Source = "a.>" },
		"received": func(d *Delivery) { d.Received = time.Time{} },
	} {
		d := quarantined()
		spoil(&d)
		if _, err := (Wire{Prefix: "identity"}).Quarantine(d); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	for _, body := range []string{"", "{}", "[]", `{"id":"quarantine-1","source":"acme"}`} {
		if _, err := ParseQuarantine([]byte(body)); err == nil {
			t.Errorf("%s: accepted", body)
		}
	}
}
