package main

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/forebayhq/forebay/broker/brokertest"
	"github.com/forebayhq/forebay/schema"
)

// fill makes a stream of so many messages: #1 has the ID s/1, and so on.
func fill(t *testing.T, count int) (jetstream.JetStream, jetstream.Stream) {
	t.Helper()
	js := brokertest.Start(t).JetStream(t)
	stream, err := js.CreateStream(t.Context(), jetstream.StreamConfig{
		Name: "IDENTITY", Subjects: []string{"identity.>"}, AllowDirect: true,
	})
	check(t, err)
	for i := range count {
		put(t, js, fmt.Sprintf("s/%d", i+1))
	}
	<-js.PublishAsyncComplete()
	return js, stream
}

func put(t *testing.T, js jetstream.JetStream, id string) {
	t.Helper()
	m := nats.NewMsg("identity.s.otp.requested")
	m.Header.Set(schema.HeaderMsgID, schema.EscapeHeader(id))
	_, err := js.PublishMsgAsync(m, jetstream.WithStallWait(deadline))
	check(t, err)
}

func TestSearch(t *testing.T) {
	const count = 6 * firstChunk // three chunks
	_, stream := fill(t, count)
	for _, seq := range []uint64{2, count - 5, count} { // gaps, at the very end too
		check(t, stream.DeleteMsg(t.Context(), seq))
	}
	for id, want := range map[string]string{
		"1": "[1]", "s/1": "[1]", "3000": "[3000]", "s/6143": "[6143]", "x/1": "[]", "2": "[]", "6144": "[]", "": "[]",
	} {
		found, err := search{stream: stream, id: id}.run(t.Context())
		if got := fmt.Sprint(sequences(found)); got != want || (err == nil) != (want != "[]") {
			t.Errorf("search %q: got %s, %v, want %s", id, got, err, want)
		}
		if err != nil && !strings.Contains(err.Error(), "the stream holds #1 to #6144") {
			t.Errorf("search %q does not say how far it went: %v", id, err)
		}
	}
	left := 0
	for range stream.ListConsumers(t.Context()).Info() {
		left++
	}
	if left > 0 {
		t.Errorf("%d consumers are left behind", left)
	}
}

// A search stops behind a match, or goes on for the same ID of other sources.
func TestSearchAll(t *testing.T) {
	js, stream := fill(t, 0)
	_, err := search{stream: stream, id: "1"}.run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "it is empty") {
		t.Errorf("an empty stream: %v", err)
	}
	put(t, js, "old/a/b")
	for i := range 2 * firstChunk {
		put(t, js, fmt.Sprintf("s/%d", i))
	}
	put(t, js, "new/a/b")
	put(t, js, "other/a/b")
	<-js.PublishAsyncComplete()
	for _, c := range []struct {
		search search
		want   string
	}{
		{search{stream: stream, id: "a/b"}, "[2051 2050]"},
		{search{stream: stream, id: "a/b", all: true}, "[2051 2050 1]"},
		{search{stream: stream, id: "old/a/b"}, "[1]"},
	} {
		found, err := c.search.run(t.Context())
		if got := fmt.Sprint(sequences(found)); got != c.want || err != nil {
			t.Errorf("search %q, all %v: got %s, %v, want %s", c.search.id, c.search.all, got, err, c.want)
		}
	}
}

// What was there when a scan began may go away before it comes, its lifetime over: that is an end, not an error.
func TestScanVanishes(t *testing.T) {
	const count = 3 * 4096
	_, stream := fill(t, count)
	all := scan{stream: stream, high: count, config: jetstream.OrderedConsumerConfig{HeadersOnly: true}}
	seen := 0
	err := all.run(t.Context(), func(jetstream.Msg, *jetstream.MsgMetadata) error {
		if seen++; seen > 1 {
			return nil
		}
		return stream.Purge(t.Context())
	})
	if err != nil || seen == count {
		t.Errorf("saw %d of %d, %v; want fewer, and no error", seen, count, err)
	}
}

func sequences(found []stored) []uint64 {
	all := []uint64{}
	for _, m := range found {
		all = append(all, m.Seq)
	}
	return all
}

func TestFindSequence(t *testing.T) {
	_, stream := fill(t, 3)
	found, err := findSequence(t.Context(), stream, "2")
	if err != nil || found[0].id() != "s/2" || len(found[0].Headers) != 1 {
		t.Errorf("got %+v, %v, want s/2 with its own header alone", found, err)
	}
	for _, number := range []string{"", "0", "-1", "two", "4"} {
		if found, err := findSequence(context.Background(), stream, number); err == nil {
			t.Errorf("#%s: found %+v", number, found)
		}
	}
}
