package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// handover measures the row of that name, on a system with nothing else to do: from forebay's answer to the handler of a
// consumer, and from a plain publish to a plain fetch of a message of the same size. They take turns.
func (b *benchmark) handover(ctx context.Context) error {
	p, err := b.forebay(ctx, filepath.Join(b.dir, ours), setup{ack: "journal"})
	if err != nil {
		return err
	}
	js, err := connect(p.at.NATS)
	if err != nil {
		return err
	}
	defer js.Conn().Close()
	if _, err := b.passesFor(ctx, js, p, min(warmUp, b.turn())); err != nil {
		return err
	}
	_, sample, err := readSample(ctx, p.at.NATS)
	if err != nil {
		return err
	}
	plain, err := b.newPlain(ctx, sample[0])
	if err != nil {
		return err
	}
	defer plain.js.Conn().Close()
	v := values{}
	for n := range b.Rounds {
		fmt.Fprintf(b.say, "  round %d of %d: forebay, then plain\n", n+1, b.Rounds)
		times, err := b.passesFor(ctx, js, p, b.turn())
		if err != nil {
			return err
		}
		recordPasses(v, ours, &times)
		if times, err = plain.passes(ctx, b.turn()); err != nil {
			return err
		}
		recordPasses(v, "plain", &times)
	}
	b.note("handover", 0, b.base(), v)
	return nil
}

func (b *benchmark) passesFor(ctx context.Context, js jetstream.JetStream, p *process, turn time.Duration) (histogram, error) {
	over := make(chan struct{})
	time.AfterFunc(turn, func() { close(over) })
	return b.passes(ctx, js, p, nativeLogin, over)
}

// A plain is a stream with nothing around it, on a server of its own.
type plain struct {
	js     jetstream.JetStream
	sample *nats.Msg
	ids    *serial
}

func (b *benchmark) newPlain(ctx context.Context, sample *nats.Msg) (*plain, error) {
	broker, err := b.startNATS(ctx, "plain")
	if err != nil {
		return nil, err
	}
	js, err := connect(broker.url)
	if err != nil {
		return nil, err
	}
	_, err = js.CreateStream(ctx, jetstream.StreamConfig{Name: streamName, Subjects: []string{"identity.>"}, AllowMsgTTL: true})
	return &plain{js: js, sample: sample, ids: newSerial()}, err
}

// passes publishes one message after the other for a turn, and measures from the publish to the fetch.
func (p *plain) passes(ctx context.Context, turn time.Duration) (times histogram, err error) {
	durable, err := p.js.CreateOrUpdateConsumer(ctx, streamName, jetstream.ConsumerConfig{
		Durable: "passes", AckPolicy: jetstream.AckExplicitPolicy,
	})
	if err != nil {
		return times, err
	}
	messages, err := durable.Messages()
	if err != nil {
		return times, err
	}
	m := &match{open: map[string]time.Time{}}
	ended := make(chan error, 1)
	go func() { ended <- fetchAll(messages, m) }()
	over := make(chan struct{})
	time.AfterFunc(turn, func() { close(over) })
	err = every(passGap, over, func() error {
		id := idPrefix + string(p.ids.next())
		m.note(id, time.Now(), false)
		_, err := p.js.PublishMsg(ctx, p.message(id))
		return err
	})
	if err == nil {
		err = m.complete(ctx)
	}
	messages.Stop()
	return m.times, errors.Join(err, <-ended)
}

// message is the sample with an ID of its own.
func (p *plain) message(id string) *nats.Msg {
	m := &nats.Msg{Subject: p.sample.Subject, Header: nats.Header{}, Data: p.sample.Data}
	for name, values := range p.sample.Header {
		m.Header[name] = values
	}
	m.Header.Set(nats.MsgIdHdr, id)
	return m
}

func fetchAll(messages jetstream.MessagesContext, m *match) error {
	for {
		msg, err := messages.Next()
		if errors.Is(err, jetstream.ErrMsgIteratorClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		m.note(msg.Headers().Get(nats.MsgIdHdr), time.Now(), true)
		if err := msg.Ack(); err != nil {
			return err
		}
	}
}
