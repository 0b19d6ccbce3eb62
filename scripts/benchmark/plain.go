package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// publishCommand is a plain program: it publishes messages of forebay's, asynchronously and with nothing around it, to a
// stream with the same settings on another server. Each has an ID of its own.
type publishCommand struct {
	From  string `required:""` // where the messages, and the stream's settings, are read
	To    string `required:""`
	Count int    `required:""`
}

// Run prints how long publishing took, in seconds, from the first message until all were acknowledged.
func (c publishCommand) Run(ctx context.Context, w *world) error {
	settings, messages, err := readSample(ctx, c.From)
	if err != nil {
		return err
	}
	js, err := connect(c.To)
	if err != nil {
		return err
	}
	defer js.Conn().Close()
	if _, err := js.CreateStream(ctx, settings); err != nil {
		return err
	}
	took, err := publishAll(ctx, js, messages, c.Count)
	if err != nil {
		return err
	}
	return json.NewEncoder(w.stdout).Encode(took.Seconds())
}

// sampleSize is how many messages are read, to be published over and over.
const sampleSize = 10_000

// readSample reads the first messages of the stream, and its settings.
func readSample(ctx context.Context, url string) (settings jetstream.StreamConfig, messages []*nats.Msg, err error) {
	js, err := connect(url)
	if err != nil {
		return settings, nil, err
	}
	defer js.Conn().Close()
	stream, err := js.Stream(ctx, streamName)
	if err != nil {
		return settings, nil, err
	}
	reader, err := stream.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{})
	if err != nil {
		return settings, nil, err
	}
	info := stream.CachedInfo()
	for range min(sampleSize, info.State.Msgs) {
		m, err := reader.Next()
		if err != nil {
			return settings, nil, err
		}
		messages = append(messages, &nats.Msg{Subject: m.Subject(), Header: m.Headers(), Data: m.Data()})
	}
	return info.Config, messages, nil
}

// publishAll publishes so many, and gives the time until the last was acknowledged.
func publishAll(ctx context.Context, js jetstream.JetStream, sample []*nats.Msg, count int) (time.Duration, error) {
	if len(sample) == 0 {
		return 0, errors.New("there is nothing to publish")
	}
	ids := newSerial()
	begun := time.Now()
	for i := range count {
		m := *sample[i%len(sample)]
		m.Header = maps.Clone(m.Header)
		m.Header.Set(nats.MsgIdHdr, sourceName+"/"+idPrefix+string(ids.next()))
		if _, err := js.PublishMsgAsync(&m, jetstream.WithStallWait(patience)); err != nil {
			return 0, fmt.Errorf("publish message %d: %w", i, err)
		}
	}
	select {
	case <-js.PublishAsyncComplete():
		return time.Since(begun), nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// plainly publishes as many messages as the backlog had, plainly, to a server of its own.
func (b *benchmark) plainly(ctx context.Context, j *jam) error {
	if err := j.entrant.process.stop(); err != nil {
		return err
	}
	flushAll()
	other, err := b.startNATS(ctx, "plain")
	if err != nil {
		return err
	}
	rate, err := b.publish(ctx, j.broker.url, other.url, int(j.entrant.accepted)) //nolint:gosec // a backlog's length
	if err != nil {
		return err
	}
	j.values.add("plain", "drain", rate)
	return nil
}

// publish runs the plain program, and gives how many messages a second it published.
func (b *benchmark) publish(ctx context.Context, from, to string, count int) (rate float64, err error) {
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	command := exec.CommandContext(ctx, self, "publish", "--from", from, "--to", to, "--count", fmt.Sprint(count))
	command.Stderr = b.say
	out, err := command.Output()
	if err != nil {
		return 0, fmt.Errorf("publish: %w", err)
	}
	var seconds float64
	if err := json.Unmarshal(out, &seconds); err != nil {
		return 0, fmt.Errorf("publish: %w", err)
	}
	return float64(count) / seconds, nil
}
