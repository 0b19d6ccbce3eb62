package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/time/rate"

	"github.com/forebayhq/forebay/config"
	"github.com/forebayhq/forebay/provider"
)

// atOnce is how many deliveries are under way at the same time.
const atOnce = 8

// A sending is a number of deliveries of one action, and the report about them.
type sending struct {
	target *target
	native provider.Native
	count  int
	pace   *rate.Limiter
	report *report
}

// pace is what the listener lets through, less a tenth: its clock and ours do not tick together.
func (s *sendCommand) pace(c *config.Config) *rate.Limiter {
	switch {
	case s.Rate > 0:
		return rate.NewLimiter(rate.Limit(s.Rate), 1)
	case c.Limits.Rate > 0:
		return rate.NewLimiter(rate.Limit(c.Limits.Rate*0.9), max(1, c.Limits.Burst*9/10))
	}
	return rate.NewLimiter(rate.Inf, 1)
}

// run sends everything. It gives up early only where nothing listens.
func (s sending) run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	start := time.Now()
	for a := range s.answers(ctx) {
		if s.report.answered == 0 && errors.Is(a.cause, syscall.ECONNREFUSED) {
			cancel(a.cause)
			return a.cause
		}
		if err := s.report.add(a); err != nil {
			return err
		}
	}
	if err := s.report.finish(time.Since(start)); err != nil {
		return err
	}
	return s.verdict(ctx)
}

// answers sends with several goroutines, and is closed when all is answered or ctx has ended.
func (s sending) answers(ctx context.Context) <-chan answer {
	turns, answers := make(chan struct{}), make(chan answer)
	go func() {
		defer close(turns)
		for range s.count {
			if s.pace.Wait(ctx) != nil {
				return
			}
			select {
			case turns <- struct{}{}:
			case <-ctx.Done():
				return
			}
		}
	}()
	var workers sync.WaitGroup
	for range min(atOnce, s.count) {
		workers.Go(func() {
			for range turns {
				select {
				case answers <- s.target.send(ctx, s.native):
				case <-ctx.Done():
					return
				}
			}
		})
	}
	go func() {
		workers.Wait()
		close(answers)
	}()
	return answers
}

// verdict is nil if every delivery was answered with a success.
func (s sending) verdict(ctx context.Context) error {
	r := s.report
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("stopped after %d of %d deliveries", r.answered, s.count)
	case r.failed == 0:
		return nil
	case s.count > 1:
		return fmt.Errorf("%d of %d deliveries were not answered with a success%s", r.failed, s.count, s.advice(r.last))
	case r.last.cause != nil:
		return r.last.cause
	case r.last.Signature == "wrong":
		return errors.New("the signature of the answer is wrong: the listener has another secret or path")
	}
	return fmt.Errorf("answered %d%s", r.last.Status, s.advice(r.last))
}

// advice says what a status means for the sender.
func (s sending) advice(a answer) string {
	switch a.Status {
	case http.StatusBadRequest, http.StatusUnauthorized:
		if s.target.secret {
			return ": the signature is probably refused: is the secret of --secret that of the listener? " + s.target.hint
		}
		return ": the signature is probably refused: " + s.target.hint
	case http.StatusNotFound:
		return ": no source has the path " + s.target.url.EscapedPath()
	case http.StatusServiceUnavailable:
		return ": it cannot take deliveries now, see /readyz of the admin listener, or they came too fast, see limits"
	}
	return ""
}

// A report prints answers as they come.
type report struct {
	out      screen
	progress screen
	json     bool
	count    int

	answered, failed int
	last             answer // the last failure, or the last answer
	shown            time.Time
}

// Of a few deliveries every answer is printed; of many only so many failures.
const (
	few         = 20
	maxFailures = 10
)

func (r *report) add(a answer) error {
	r.answered++
	if !a.success() {
		r.failed++
	}
	if !a.success() || r.failed == 0 {
		r.last = a
	}
	if r.json {
		return r.out.json(a)
	}
	if r.count <= few || !a.success() && r.failed <= maxFailures {
		r.clear()
		if _, err := fmt.Fprintln(r.out, r.line(a)); err != nil {
			return err
		}
	}
	r.show()
	return nil
}

func (r *report) line(a answer) string {
	state, paint := "---", green
	if a.cause == nil {
		state = strconv.Itoa(a.Status)
	}
	if !a.success() {
		paint = red
	}
	parts := []string{r.out.paint(paint, state), r.out.paint(cyan, a.Action), strings.Join(a.IDs, ",")}
	if a.cause != nil {
		return strings.Join(append(parts, printable(a.Error)), "  ")
	}
	if a.Stored != "" {
		parts = append(parts, "stored:"+printable(a.Stored))
	}
	if a.Signature != "" {
		parts = append(parts, "signature:"+a.Signature)
	}
	took := time.Duration(a.Seconds * float64(time.Second)).Round(10 * time.Microsecond)
	return strings.Join(append(parts, took.String(), printable(strings.TrimSpace(a.Body))), "  ")
}

func (r *report) show() {
	if r.progress.terminal && r.count > few && time.Since(r.shown) > 100*time.Millisecond {
		r.shown = time.Now()
		fmt.Fprintf(r.progress, "\r\x1b[K%d of %d answered, %d without success", r.answered, r.count, r.failed)
	}
}

func (r *report) clear() {
	if r.progress.terminal && r.count > few {
		fmt.Fprint(r.progress, "\r\x1b[K")
	}
}

// finish prints the sum of several deliveries.
func (r *report) finish(took time.Duration) error {
	r.clear()
	if r.json || r.count == 1 {
		return nil
	}
	_, err := fmt.Fprintf(r.out, "%d deliveries, %d answered with success, in %s (%.0f/s)\n",
		r.answered, r.answered-r.failed, took.Round(time.Millisecond), float64(r.answered)/took.Seconds())
	return err
}
