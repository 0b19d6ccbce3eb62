package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// fullDiskCommand fills a small disk under load until forebay refuses, gives it space again, and starts forebay on a full
// one. Then it damages journals, see damage. Forebay must answer 503 while there is no space, and go on by itself.
type fullDiskCommand struct {
	Size int `help:"Of the disk, in megabytes." default:"128"`
}

// Run is called by kong and by all.
func (c fullDiskCommand) Run(ctx context.Context, p *prover) error {
	return p.prove(ctx, "full-disk", c.prove)
}

// damagesPerDisk is how many journals are damaged for every disk that is filled.
const damagesPerDisk = 3

func (c fullDiskCommand) prove(ctx context.Context, p *prover, sum *tally) error {
	if err := canMount(); err != nil {
		return err
	}
	rounds := p.rounds(12, 1)
	for n := range rounds * (1 + damagesPerDisk) {
		round := c.fill
		setup := setup{}
		if n%(1+damagesPerDisk) > 0 {
			round, setup.external = c.damage, true
		}
		if err := p.trial(n, setup, func(t *trial) error { return c.onVolume(ctx, t, sum, round) }); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// onVolume carries out a round with forebay's data on a small disk of its own.
func (c fullDiskCommand) onVolume(
	ctx context.Context, t *trial, sum *tally, round func(context.Context, *trial, *tally) error,
) error {
	v, err := newVolume(ctx, filepath.Join(t.dir, "volume.image"), filepath.Join(t.dir, "volume"), c.Size)
	if err != nil {
		return err
	}
	t.unmount, t.daemon.data = v.unmount, filepath.Join(v.at, "data")
	return round(ctx, t, sum)
}

// room is what is left to forebay until it has filled the disk itself, in megabytes.
const room = 40

func (c fullDiskCommand) fill(ctx context.Context, t *trial, sum *tally) error {
	if err := t.daemon.start(ctx); err != nil {
		return err
	}
	filler := newFiller(t)
	if err := filler.take(c.Size - room); err != nil {
		return err
	}
	l := t.startLoad(ctx, &load{rate: 2000})
	defer l.abandon()
	if err := t.refusing(ctx); err != nil {
		return err
	}
	if t.rng.IntN(2) == 0 { // somebody else takes the spare space, too
		if err := filler.take(c.Size); err != nil {
			return err
		}
	}
	if err := c.sendInVain(ctx, t, filler, sum); err != nil {
		return err
	}
	pause(ctx, t.between(0, 3*time.Second))
	healed := time.Now()
	if err := errors.Join(filler.giveBack(), t.daemon.awaitReady(ctx), l.await(ctx, 50)); err != nil {
		return err
	}
	t.prover.say("disk %d: full, and on again after %s; %v", t.round, time.Since(healed), t.ledger.answered())

	l.finish()
	t.daemon.kill()
	if err := errors.Join(filler.take(c.Size), t.daemon.launch(), t.refusing(ctx)); err != nil {
		return err
	}
	if err := c.sendInVain(ctx, t, filler, sum); err != nil {
		return err
	}
	healed = time.Now()
	if err := errors.Join(filler.giveBack(), t.daemon.awaitReady(ctx)); err != nil {
		return err
	}
	l = t.startLoad(ctx, &load{rate: 2000})
	defer l.abandon()
	if err := l.await(ctx, 50); err != nil {
		return err
	}
	return t.finish(ctx, l, healed, 1, sum)
}

// refusing waits until /readyz says that deliveries are refused because of the disk.
func (t *trial) refusing(ctx context.Context) error {
	return poll(ctx, 2*startTime, func() error {
		if !t.daemon.alive() {
			return fmt.Errorf("forebay ended: %w", t.daemon.process.err)
		}
		status, text, err := t.daemon.ready(ctx)
		if err == nil && status != http.StatusServiceUnavailable {
			err = fmt.Errorf("/readyz answers %d %s, want 503; answers so far: %v", status, text, t.ledger.answered())
		}
		return err
	})
}

// sendInVain sends while the disk is full. A success is a violation if /readyz said before and after it that there is no
// space; between, some may have come free, as the journal forgets what was published. That is filled up again.
func (c fullDiskCommand) sendInVain(ctx context.Context, t *trial, f *filler, sum *tally) error {
	s := t.newSender(t.rng)
	defer s.client.CloseIdleConnections()
	refused := 0
	for n := 0; n < 20 || refused == 0 && n < 500; n++ {
		before, _, errBefore := t.daemon.ready(ctx)
		if before == http.StatusOK {
			if err := f.take(c.Size); err != nil {
				return err
			}
		}
		status, _, header, err := s.send(ctx, s.fresh())
		after, _, errAfter := t.daemon.ready(ctx)
		switch {
		case status == http.StatusServiceUnavailable && header.Get("Retry-After") == "":
			sum.violate("round %d: 503 without Retry-After", t.round)
		case status == http.StatusServiceUnavailable:
			refused++
		case errors.Join(errBefore, err, errAfter) == nil && before == after && before == http.StatusServiceUnavailable:
			sum.violate("round %d: answered %d on a full disk", t.round, status)
		}
	}
	if refused == 0 {
		sum.violate("round %d: nothing was refused on a full disk", t.round)
	}
	return nil
}

// A filler takes up space beside forebay's data.
type filler struct{ dir string }

func newFiller(t *trial) *filler {
	return &filler{dir: filepath.Join(filepath.Dir(t.daemon.data), "filler")}
}

// take takes so many megabytes, or what there is.
func (f *filler) take(megabytes int) error {
	if err := os.MkdirAll(f.dir, 0o700); err != nil {
		return err
	}
	file, err := os.CreateTemp(f.dir, "")
	if err != nil {
		return err
	}
	for range megabytes << 4 {
		if _, err = file.Write(make([]byte, 64<<10)); err != nil {
			break
		}
	}
	if errors.Is(err, syscall.ENOSPC) {
		err = nil
	}
	return errors.Join(err, file.Sync(), file.Close())
}

func (f *filler) giveBack() error { return os.RemoveAll(f.dir) }
