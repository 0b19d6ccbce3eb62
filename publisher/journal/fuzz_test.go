package journal

import (
	"bytes"
	"reflect"
	"slices"
	"testing"

	"github.com/forebayhq/forebay/schema"
)

// FuzzRecord: a message that was written is read again as it was.
func FuzzRecord(f *testing.F) {
	f.Add("acme/1", "acme", "login.succeeded", "identity.acme.login.succeeded", "ce-id: 1\r\n", []byte(`{}`))
	f.Add("", "\xff", "\x00", "", "", []byte(nil))
	f.Fuzz(func(t *testing.T, id, source, action, subject, header string, body []byte) {
		want := schema.Message{
			ID: id, Source: source, Action: schema.Action(action), Subject: subject, Header: schema.Header(header), Body: body,
		}
		text := appendMessage(make([]byte, recordHead), &want)
		if len(text) != recordHead+size(&want) {
			t.Errorf("size: got %d, want %d", size(&want), len(text)-recordHead)
		}
		got, _, err := decodeRecord(recordKey(Urgent, 7), text)
		if err != nil {
			t.Fatal(err)
		}
		same(t, got.Message, want)
	})
}

// FuzzDecodeRecord: damaged bytes are an error, or a message that says the same when it is written again.
func FuzzDecodeRecord(f *testing.F) {
	m := message("1")
	whole := appendMessage(make([]byte, recordHead), &m)
	key := recordKey(Normal, 1)
	f.Add(key, whole)
	f.Add(key[:9], whole)
	f.Add([]byte("r\xff\x00\x00\x00\x00\x00\x00\x00\x01"), whole)
	for _, cut := range []int{0, recordHead, recordHead + 1, len(whole) / 2, len(whole) - 1} {
		f.Add(key, slices.Clone(whole[:cut]))
	}
	f.Add(key, append(make([]byte, recordHead), 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01))
	f.Add(key, append(make([]byte, recordHead), 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x07))
	f.Fuzz(func(t *testing.T, key, value []byte) {
		first, _, err := decodeRecord(key, value)
		if err != nil {
			return
		}
		second, _, err := decodeRecord(key, appendMessage(make([]byte, recordHead), &first.Message))
		if err != nil {
			t.Fatal(err)
		}
		same(t, second.Message, first.Message)
	})
}

func same(t *testing.T, got, want schema.Message) {
	t.Helper()
	if !bytes.Equal(got.Body, want.Body) {
		t.Errorf("body: got %q, want %q", got.Body, want.Body)
	}
	got.Body, want.Body = nil, nil
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
