package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/forebayhq/forebay/config"
	"github.com/forebayhq/forebay/consumer"
)

// A runner is a consumer that runs.
type runner struct {
	config.Consumer
	assignment assignment
	stop       context.CancelFunc // softly
	done       chan struct{}
	before     <-chan struct{} // closed when its former selves are done
	waits      bool            // for them, before it asks for events
	failed     error           // why it does not run although it should; under the lock of its wayOut
}

// alone reports whether attempts under way and those of a former self would get in each other's way.
func (r *runner) alone() bool { return r.OrderedBy != "" || r.Parallel == 1 }

// hastier reports whether the server waits for an answer less long than it did for a former self, whose signs of life
// would then come too late for it.
func (r *runner) hastier(former *runner) bool {
	for attempt := range max(len(r.Retry), len(former.Retry)) {
		if r.step(attempt) < former.step(attempt) {
			return true
		}
	}
	return false
}

// isHeld reports whether its former selves are not done.
func (r *runner) isHeld() bool {
	select {
	case <-r.before:
		return false
	default:
		return true
	}
}

// step is how long the server waits after an attempt; the first is 0.
func (r *runner) step(attempt int) time.Duration {
	return r.Retry[min(attempt, len(r.Retry)-1, r.MaxAttempts-1)]
}

// apply makes the consumers of a configuration the ones that run. One whose assignment is what it was goes on as if
// nothing had happened. Another begins at once, beside its former self, which finishes its attempts.
func (w *wayOut) apply(ctx context.Context, c *config.Config) {
	former, running := w.running, map[string]*runner{}
	for _, each := range c.Consumers {
		now, err := trial(c).assignment(each)
		if r := former[each.Name]; r != nil && err == nil && r.assignment.equal(now) && w.failure(r) == nil {
			running[each.Name] = r
			continue
		}
		w.sockets.hold(each.Name)
		running[each.Name] = w.start(ctx, c, &runner{Consumer: each, assignment: now}, former[each.Name])
	}
	w.mu.Lock()
	w.running = running
	w.mu.Unlock()
	for name, r := range former {
		if running[name] != r {
			r.stop()
		}
	}
}

// start runs a consumer until ctx ends, or it is told to stop.
func (w *wayOut) start(ctx context.Context, c *config.Config, r, former *runner) *runner {
	ctx, r.stop = context.WithCancel(ctx)
	r.done = make(chan struct{})
	r.waits = r.alone()
	if former != nil {
		r.before = former.done
		r.waits = r.waits || r.hastier(former) || former.waits && former.isHeld()
	} else {
		before := make(chan struct{})
		close(before)
		r.before = before
	}
	w.all.Go(func() {
		defer close(r.done)
		defer r.stop()
		w.consume(ctx, c, r)
		<-r.before
	})
	return r
}

// consume runs one consumer until ctx ends. What goes wrong with it stays with it: it stops, /readyz says so, and it is
// begun again, with growing pauses.
func (w *wayOut) consume(ctx context.Context, c *config.Config, r *runner) {
	settings := r.Config()
	settings.Stream, settings.Log, settings.Metrics, settings.Failures = events(c), w.log, w.metrics, &w.failures
	settings.Tracer = w.traces.tracer("consumer")
	pause := backoff.NewExponentialBackOff(backoff.WithInitialInterval(time.Second),
		backoff.WithMaxInterval(time.Minute), backoff.WithMaxElapsedTime(0))
	for ctx.Err() == nil {
		if r.Run == "" {
			w.keep(ctx, settings)
			return
		}
		w.note(r, nil)
		if err := w.work(ctx, c, r, settings); err != nil {
			w.log.Error("consumer stopped", "consumer", r.Name, "err", err)
			w.note(r, err)
			_, _ = consumer.Declare(ctx, w.js, settings) // so that it is seen among the others; Run would say what is wrong
		}
		select {
		case <-time.After(pause.NextBackOff()):
		case <-ctx.Done():
		}
	}
}

// note remembers why a consumer does not run. Nil: it does.
func (w *wayOut) note(r *runner, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	r.failed = nil
	if err != nil {
		r.failed = fmt.Errorf("consumer %s stopped: %w", r.Name, err)
		w.failures.Note(consumer.Failure{Consumer: r.Name, Reason: fmt.Sprint("stopped: ", err), Time: time.Now()})
	}
}

func (w *wayOut) failure(r *runner) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return r.failed
}

// problems are the consumers that do not run although they should. Their events wait.
func (w *wayOut) problems() (all []error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(w.running)) {
		if err := w.running[name].failed; err != nil {
			all = append(all, err)
		}
	}
	return all
}

// work runs a job. What it does beside the attempts begins at once, listening included; its connections outlive the
// attempts that need them. A job that says that going on is pointless gets no more events: they wait in the durable.
func (w *wayOut) work(ctx context.Context, c *config.Config, r *runner, settings consumer.Config) error {
	job, err := w.workshop(c).job(r.Consumer)
	if err != nil {
		return err
	}
	settings.Handler = job.Handle
	runs, err := consumer.New(w.js, settings)
	if err != nil {
		return err
	}
	asking, stop := context.WithCancel(ctx)
	defer stop()
	beside, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	pointless := make(chan error, 1)
	go func() {
		err := job.Run(beside)
		if err != nil {
			stop()
		}
		pointless <- err
	}()
	if r.waits {
		select {
		case <-r.before:
		case <-asking.Done():
		}
	}
	err = runs.Run(asking)
	end()
	if beside := <-pointless; beside != nil {
		return fmt.Errorf("job %s: %w", r.Run, beside)
	}
	return err
}

func (w *wayOut) workshop(c *config.Config) workshop {
	return workshop{
		config: c, js: w.js, log: w.log, metrics: w.registry, sockets: w.sockets,
		warn: func(text string) { w.log.Warn("configuration", "err", text) },
	}
}
