package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"syscall"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// steps is in how many parts a backlog, or a stream, is filled: the points of a curve.
const steps = 10

// A jam is forebay with a backlog, and the NATS server that it waits for.
type jam struct {
	broker  *natsServer
	dir     string
	setup   setup
	entrant *entrant
	values  values
}

// backlog measures the row of that name. While NATS is down the journal fills up; then forebay is started twice again;
// then NATS comes up, everything is published, and urgent events overtake it. In the end a plain program publishes the
// same messages to a server like that one.
func (b *benchmark) backlog(ctx context.Context) error {
	j, err := b.pileUp(ctx, b.Backlog, bytesEverywhere)
	if err != nil {
		return err
	}
	if err := b.startAgain(ctx, j); err != nil {
		return err
	}
	if err := b.drain(ctx, j); err != nil {
		return err
	}
	if err := b.plainly(ctx, j); err != nil {
		return err
	}
	b.note("backlog", b.Backlog, b.base(), j.values)
	return nil
}

// memory is the first half of the same, with ten times as many events.
func (b *benchmark) memory(ctx context.Context) error {
	j, err := b.pileUp(ctx, 10*b.Backlog, bytesJournal)
	if err != nil {
		return err
	}
	if err := b.startAgain(ctx, j); err != nil {
		return err
	}
	b.note("backlog", 10*b.Backlog, b.base(), j.values)
	return j.entrant.process.kill() // it would wait for NATS first
}

// What an event of 0.5 kB takes of the disk, generously: in the journal while it is compacted; and there, in the stream,
// and in the stream of the plain program.
const (
	bytesJournal    = 3 << 10
	bytesEverywhere = 6 << 10
)

func (b *benchmark) checkSpace(events, each int) error {
	var disk syscall.Statfs_t
	if err := syscall.Statfs(b.dir, &disk); err != nil {
		return err
	}
	free, needed := int64(disk.Bavail)*disk.Bsize, int64(events)*int64(each+3*(b.Sizes[0]-512)) //nolint:gosec,unconvert // differs by system
	fmt.Fprintf(b.say, "  the disk has %d GB free, of which %d events may take %d\n", free>>30, events, needed>>30)
	if needed > free {
		return errors.New("the disk has not enough space for the backlog")
	}
	return nil
}

// pileUp fills the journal while NATS is down, and records a point of the curves after each step.
func (b *benchmark) pileUp(ctx context.Context, events, bytesEach int) (*jam, error) {
	if err := b.checkSpace(events, bytesEach); err != nil {
		return nil, err
	}
	broker, err := b.newNATS("nats")
	if err != nil {
		return nil, err
	}
	j := &jam{
		broker: broker, dir: filepath.Join(b.dir, ours), setup: setup{ack: "journal", nats: broker.url},
		entrant: &entrant{name: ours}, values: values{},
	}
	if j.entrant.process, err = b.forebay(ctx, j.dir, j.setup); err != nil {
		return nil, err
	}
	c := closedLoop(b.base(), fillTime)
	c.Count = int64(events / steps)
	for n := range steps {
		t, err := b.fill(ctx, j.entrant, c)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(b.say, "  %d events wait\n", j.entrant.accepted)
		v := values{}
		t.record(v, ours)
		b.note("journal", (n+1)*events/steps, b.base(), v)
		j.values.add(ours, "resident", t.used.resident)
	}
	return j, nil
}

// fillTime bounds one step.
const fillTime = 3 * time.Minute

// startAgain measures how long forebay with a backlog takes to the first accepted event: after an orderly stop, and after
// it was killed.
func (b *benchmark) startAgain(ctx context.Context, j *jam) error {
	for _, how := range []string{"stopped", "killed"} {
		end := j.entrant.process.stop
		if how == "killed" {
			end = j.entrant.process.kill
		}
		if err := end(); err != nil {
			return err
		}
		took, p, err := b.firstAccepted(ctx, j.dir, j.setup)
		if err != nil {
			return err
		}
		j.values.add(how, "start", took.Seconds())
		j.entrant.process = p
		j.entrant.accepted, j.entrant.sent = j.entrant.accepted+1, j.entrant.sent+1
	}
	return nil
}

// drain starts NATS and measures how fast the backlog is published, and how late urgent events are meanwhile.
func (b *benchmark) drain(ctx context.Context, j *jam) error {
	if err := j.broker.start(ctx); err != nil {
		return err
	}
	js, err := connect(j.broker.url)
	if err != nil {
		return err
	}
	defer js.Conn().Close()
	begun, first, err := firstPublished(ctx, js)
	if err != nil {
		return err
	}
	before, err := j.entrant.process.usage(ctx)
	if err != nil {
		return err
	}
	over := make(chan struct{})
	var urgent histogram
	failed := make(chan error, 1)
	go func() {
		var err error
		urgent, err = b.passes(ctx, js, j.entrant.process, nativeRevoked, over)
		failed <- err
	}()
	_, err = settle(ctx, j.broker.url, j.entrant.accepted, j.entrant.sent+1<<20) // and the urgent ones
	took := time.Since(begun)
	close(over)
	if err := errors.Join(err, <-failed); err != nil {
		return err
	}
	after, err := j.entrant.process.usage(ctx)
	if err != nil {
		return err
	}
	published := float64(j.entrant.accepted - first)
	j.values.add(ours, "drain", published/took.Seconds())
	j.values.add(ours, "draincpu", (after.cpu-before.cpu).Seconds()/published)
	j.values.add(ours, "drainresident", after.resident)
	recordPasses(j.values, "urgent", &urgent)
	return nil
}

// firstPublished waits until the first messages of the backlog are in the stream.
func firstPublished(ctx context.Context, js jetstream.JetStream) (begun time.Time, held uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	stream, err := awaitStream(ctx, js)
	if err != nil {
		return begun, 0, err
	}
	held, err = waitFor(ctx, stream, 1)
	return time.Now(), held, err
}
