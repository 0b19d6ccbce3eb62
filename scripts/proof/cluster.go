package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// clusterCommand breaks a cluster under load, piece by piece: three NATS servers that keep the stream together, and two
// forebays, each with its own journal, behind a load balancer. What got no success from the one is repeated to the other,
// so every event may be in both journals; the stream must have it once.
type clusterCommand struct {
	Only string `help:"Only this: kill, partition, restart, forebays or both." enum:"kill,partition,restart,forebays,both," default:""`
}

// Run is called by kong and by all.
func (c clusterCommand) Run(ctx context.Context, p *prover) error {
	return p.prove(ctx, "cluster", c.prove)
}

func (c clusterCommand) prove(ctx context.Context, p *prover, sum *tally) error {
	return p.trial(0, setup{}, func(t *trial) error {
		k, err := newCluster(t)
		if err != nil {
			return err
		}
		defer k.end()
		return c.round(ctx, k, sum)
	})
}

func (c clusterCommand) round(ctx context.Context, k *cluster, sum *tally) error {
	if err := k.start(ctx); err != nil {
		return err
	}
	l := k.trial.startLoad(ctx, &load{rate: 500})
	defer l.abandon()
	ways := c.ways(k)
	rounds := k.trial.prover.rounds(3*len(ways), len(ways))
	for n := range rounds {
		if err := l.await(ctx, 100+k.trial.rng.IntN(300)); err != nil {
			return err
		}
		if err := ways[n%len(ways)](ctx); err != nil {
			return errors.Join(err, k.logs())
		}
		if err := k.awaitWhole(ctx); err != nil {
			return errors.Join(err, k.logs())
		}
		k.trial.prover.say("round %d: %d accepted, %v", n+1, k.trial.ledger.count(), k.trial.ledger.answered())
	}
	healed := time.Now()
	l.finish()
	return c.count(ctx, k, healed, rounds, sum)
}

// ways are what goes wrong, in the order in which it does.
func (c clusterCommand) ways(k *cluster) []func(context.Context) error {
	var ways []func(context.Context) error
	for _, w := range []struct {
		name string
		do   func(context.Context) error
	}{{"kill", k.killServer}, {"partition", k.partition}, {"restart", k.restartServers}, {"forebays", k.breakForebays}, {"both", k.breakBoth}} {
		if c.Only == "" || c.Only == w.name {
			ways = append(ways, w.do)
		}
	}
	return ways
}

// count reads the stream. Of the order nothing is asked: two forebays that publish side by side have none between them.
func (c clusterCommand) count(ctx context.Context, k *cluster, healed time.Time, rounds int, sum *tally) error {
	part, err := k.trial.settle(ctx, healed)
	if err != nil {
		return errors.Join(err, k.logs())
	}
	part.Rounds, part.Disordered = rounds, 0
	for n, d := range k.forebays {
		if line := d.panicked(); line != "" {
			part.violate("forebay %d wrote %q", n, line)
		}
	}
	if part.violated() {
		part.violate("%v", k.logs())
	}
	sum.add(part)
	return k.stop()
}

// killServer kills the leader of the stream, or one that is not, and starts it again after a while.
func (k *cluster) killServer(ctx context.Context) error {
	victim := k.victim(ctx)
	k.trial.prover.say("killing %s", victim.name)
	victim.kill()
	pause(ctx, k.trial.between(time.Second, 8*time.Second))
	return victim.start()
}

// partition cuts a server off from the other two. Clients still reach it, and it goes on as long as it believes that it
// may: what it takes in nobody else has.
func (k *cluster) partition(ctx context.Context) error {
	victim := k.victim(ctx)
	k.trial.prover.say("cutting off %s", victim.name)
	k.cut(victim, true)
	pause(ctx, k.trial.between(5*time.Second, 20*time.Second))
	k.cut(victim, false)
	return ctx.Err()
}

// restartServers restarts all servers as an operator does for a new version: one by one, each when the stream is whole.
func (k *cluster) restartServers(ctx context.Context) error {
	for _, n := range k.nodes {
		k.trial.prover.say("restarting %s", n.name)
		if err := errors.Join(n.stop(), n.start(), k.awaitWhole(ctx)); err != nil {
			return fmt.Errorf("rolling restart: %w", err)
		}
	}
	return ctx.Err()
}

// breakForebays kills one, so that what it had accepted waits in its journal while its senders go to the other, and
// restarts the other as an operator does.
func (k *cluster) breakForebays(ctx context.Context) error {
	dies := k.trial.rng.IntN(len(k.forebays))
	killed, restarted := k.forebays[dies], k.forebays[1-dies]
	k.trial.prover.say("killing forebay %d, restarting the other", dies)
	killed.kill()
	pause(ctx, k.trial.between(100*time.Millisecond, 3*time.Second))
	if err := killed.start(ctx); err != nil {
		return err
	}
	return errors.Join(restarted.stop(), restarted.start(ctx))
}

// breakBoth kills a forebay while a server is cut off, and brings the forebay back first: both forebays then have events
// that a stream without its leader may hold, or may not.
func (k *cluster) breakBoth(ctx context.Context) error {
	victim, killed := k.victim(ctx), k.forebays[k.trial.rng.IntN(len(k.forebays))]
	k.trial.prover.say("cutting off %s, killing a forebay", victim.name)
	k.cut(victim, true)
	defer k.cut(victim, false)
	pause(ctx, k.trial.between(0, 3*time.Second))
	killed.kill()
	pause(ctx, k.trial.between(0, 3*time.Second))
	if err := killed.start(ctx); err != nil {
		return err
	}
	pause(ctx, k.trial.between(0, 10*time.Second))
	return ctx.Err()
}
