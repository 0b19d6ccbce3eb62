package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// clusterSize is how many NATS servers there are, and on how many the stream is: the least that one may be missing from.
const clusterSize = 3

// A cluster is what is behind the load balancer.
type cluster struct {
	trial    *trial
	nodes    []*node
	links    []*link // between every two nodes, one for each direction
	forebays []*daemon
	balancer *balancer
}

// newCluster prepares one in the folder of a trial, whose deliveries then go to the load balancer.
func newCluster(t *trial) (k *cluster, err error) {
	k = &cluster{trial: t}
	defer func() {
		if err != nil {
			k.end()
		}
	}()
	if err := k.newNodes(); err != nil {
		return nil, err
	}
	for n := range 2 {
		dir := filepath.Join(t.dir, fmt.Sprintf("forebay-%d", n))
		if err := os.Mkdir(dir, 0o700); err != nil {
			return nil, err
		}
		s := setup{data: filepath.Join(dir, "data"), external: true, replicas: clusterSize, window: "1h"}
		d, err := newDaemon(t.prover, dir, s)
		if err != nil {
			return nil, err
		}
		d.nats = k.url()
		k.forebays = append(k.forebays, d)
	}
	if k.balancer, err = newBalancer(k.forebays[0].webhooks, k.forebays[1].webhooks); err != nil {
		return nil, err
	}
	t.daemon.webhooks, t.daemon.nats = k.balancer.url, k.url()
	return k, nil
}

// newNodes gives every node its routes to the others: through links, which can be cut.
func (k *cluster) newNodes() error {
	free, err := freeAddresses(2 * clusterSize)
	if err != nil {
		return err
	}
	for n := range clusterSize {
		k.nodes = append(k.nodes, &node{
			program: k.trial.prover.NATS, name: fmt.Sprintf("nats-%d", n), dir: k.trial.dir,
			client: free[2*n], route: free[2*n+1],
		})
	}
	for _, from := range k.nodes {
		for _, to := range k.nodes {
			if from == to {
				continue
			}
			l, err := newLink(from, to)
			if err != nil {
				return err
			}
			k.links = append(k.links, l)
			from.routes = append(from.routes, "nats-route://"+l.address)
		}
	}
	return nil
}

// url is that of all servers.
func (k *cluster) url() string {
	urls := make([]string, len(k.nodes))
	for n, each := range k.nodes {
		urls[n] = "nats://" + each.client
	}
	return strings.Join(urls, ",")
}

// start returns once the stream is on all servers.
func (k *cluster) start(ctx context.Context) error {
	for _, n := range k.nodes {
		if err := n.start(); err != nil {
			return err
		}
	}
	for _, d := range k.forebays {
		if err := d.start(ctx); err != nil {
			return err
		}
	}
	return k.awaitWhole(ctx)
}

// stop stops forebay as an operator does.
func (k *cluster) stop() (err error) {
	for _, d := range k.forebays {
		err = errors.Join(err, d.stop())
	}
	return err
}

// end takes everything down.
func (k *cluster) end() {
	if k.balancer != nil {
		k.balancer.close()
	}
	for _, d := range k.forebays {
		d.kill()
	}
	for _, n := range k.nodes {
		n.kill()
	}
	for _, l := range k.links {
		l.close()
	}
}

// cut cuts a node off from the others, or heals that.
func (k *cluster) cut(n *node, off bool) {
	for _, l := range k.links {
		if l.from == n || l.to == n {
			l.cut(off)
		}
	}
}

// victim is the leader of the stream, and every third time any server.
func (k *cluster) victim(ctx context.Context) *node {
	victim := k.nodes[k.trial.rng.IntN(len(k.nodes))]
	if k.trial.rng.IntN(3) == 0 {
		return victim
	}
	info, err := k.stream(ctx)
	if err != nil || info.Cluster == nil {
		return victim
	}
	for _, n := range k.nodes {
		if n.name == info.Cluster.Leader {
			return n
		}
	}
	return victim
}

// wholeTime bounds how long a cluster may take to be whole again.
const wholeTime = 90 * time.Second

// awaitWhole waits until the stream has a leader, and every other server has all of it: what an operator waits for before
// the next server is taken down.
func (k *cluster) awaitWhole(ctx context.Context) error {
	err := poll(ctx, wholeTime, func() error {
		info, err := k.stream(ctx)
		if err != nil {
			return err
		}
		return whole(info)
	})
	if err != nil {
		return fmt.Errorf("the cluster is not whole: %w", err)
	}
	return nil
}

func whole(info *jetstream.StreamInfo) error {
	c := info.Cluster
	if c == nil || c.Leader == "" {
		return errors.New("the stream has no leader")
	}
	if len(c.Replicas) != clusterSize-1 {
		return fmt.Errorf("the stream has %d replicas beside its leader", len(c.Replicas))
	}
	for _, r := range c.Replicas {
		if !r.Current || r.Offline {
			return fmt.Errorf("%s is behind by %d", r.Name, r.Lag)
		}
	}
	return nil
}

// stream asks whichever server answers.
func (k *cluster) stream(ctx context.Context) (*jetstream.StreamInfo, error) {
	js, err := connect(k.url(), nats.Timeout(time.Second), nats.NoReconnect())
	if err != nil {
		return nil, err
	}
	defer js.Conn().Close()
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	s, err := js.Stream(ctx, streamName)
	if err != nil {
		return nil, err
	}
	return s.CachedInfo(), nil
}

// logs is the end of what every member wrote.
func (k *cluster) logs() (err error) {
	for _, n := range k.nodes {
		err = errors.Join(err, fmt.Errorf("the log of %s ends so:\n%s", n.name, lastLines(n.logFile(), 10)))
	}
	for n, d := range k.forebays {
		err = errors.Join(err, fmt.Errorf("the log of forebay %d ends so:\n%s", n, d.lastLines(10)))
	}
	return err
}
