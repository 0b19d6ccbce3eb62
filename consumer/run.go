package consumer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// A run is what the bucket keeps of a replay that is not finished.
type run struct {
	Progress
	Select  Selector  `json:"select"`
	Mark    uint64    `json:"mark"` // what the run published and this does not count lies behind this sequence of the stream
	Started time.Time `json:"started"`
}

// newRun fixes what a replay is going to look at.
func newRun(ctx context.Context, r Replay, id string) (run, error) {
	last, err := end(ctx, r.JS, r.Stream.Name)
	if err != nil {
		return run{}, err
	}
	to := last
	if r.Select.ToSeq > 0 {
		to = min(to, r.Select.ToSeq)
	}
	return run{
		Progress: Progress{Run: id, Consumer: r.Consumer, To: to}, Select: r.Select, Mark: last, Started: time.Now().UTC(),
	}, nil
}

// prefix begins the Nats-Msg-Id of all that the run publishes.
func (r run) prefix() string { return "replay/" + r.Run + "/" }

// scan is what is left to look at.
func (r run) scan(s Stream) scanConfig {
	c := r.Select.scan(s)
	c.to = r.To
	if r.Seq > 0 {
		c.from = max(c.from, r.Seq+1)
	}
	return c
}

func (r run) save(ctx context.Context, runs jetstream.KeyValue) error {
	text, err := json.Marshal(r)
	if err == nil {
		_, err = runs.Put(ctx, r.Run, text)
	}
	if err != nil {
		return fmt.Errorf("note run %s: %w", r.Run, err)
	}
	return nil
}

func (r run) forget(ctx context.Context, runs jetstream.KeyValue) error {
	if err := runs.Purge(ctx, r.Run); err != nil {
		return fmt.Errorf("forget run %s: %w", r.Run, err)
	}
	return nil
}

func loadRun(ctx context.Context, runs jetstream.KeyValue, id string) (r run, err error) {
	entry, err := runs.Get(ctx, id)
	if err != nil {
		return r, fmt.Errorf("read run %s: %w", id, err)
	}
	if err := json.Unmarshal(entry.Value(), &r); err != nil {
		return r, fmt.Errorf("read run %s: %w", id, err)
	}
	return r, nil
}

func openRuns(ctx context.Context, js jetstream.JetStream, s Stream) (jetstream.KeyValue, error) {
	runs, err := js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{
		Bucket: s.runs(), Description: "Replays of Forebay that are not finished", Replicas: max(1, s.Replicas),
	})
	if err != nil {
		return nil, fmt.Errorf("open bucket %s: %w", s.runs(), err)
	}
	return runs, nil
}

// Runs lists the replays that are not finished, in no order.
func Runs(ctx context.Context, js jetstream.JetStream, s Stream) ([]Progress, error) {
	all, err := listRuns(ctx, js, s)
	if err != nil {
		return nil, fmt.Errorf("list replays: %w", err)
	}
	return all, nil
}

func listRuns(ctx context.Context, js jetstream.JetStream, s Stream) (all []Progress, err error) {
	runs, err := js.KeyValue(ctx, s.runs())
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	ids, err := runs.Keys(ctx)
	if err != nil && !errors.Is(err, jetstream.ErrNoKeysFound) {
		return nil, err
	}
	for _, id := range ids {
		r, err := loadRun(ctx, runs, id)
		if err != nil {
			return nil, err
		}
		all = append(all, r.Progress)
	}
	return all, nil
}
