package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/forebayhq/forebay/schema"
)

// note adds a case to the table.
func (k *kit) note(name, shows string, err error) {
	k.cases = append(k.cases, &verdict{name: name, shows: shows, err: err})
}

func (k *kit) skip(name, shows string) {
	k.cases = append(k.cases, &verdict{name: name, shows: shows, skipped: true})
}

// everyday publishes everything at once, together with signed deliveries of every provider, and judges when all is done.
func (k *kit) everyday(ctx context.Context) error {
	situations := everyday(time.Now())
	for _, s := range situations {
		k.service.answer(s.key(), s.replies...)
		if err := k.stream.publish(ctx, s.event, s.edit); err != nil {
			return err
		}
		if s.twice {
			again := func(m *nats.Msg) { m.Header.Set(schema.HeaderMsgID, "again") }
			if err := k.stream.publish(ctx, s.event, again); err != nil {
				return err
			}
		}
	}
	delivered, err := k.stream.deliver(ctx)
	if err != nil {
		return err
	}
	fromAll := k.until(ctx, func() error { return k.fromEverybody(delivered) })
	k.settled(ctx)
	dead, err := k.stream.dead(ctx)
	if err != nil {
		return err
	}
	k.note("any provider", fmt.Sprintf("%d signed deliveries of every provider", len(delivered)), fromAll)
	for _, s := range situations {
		k.note(s.name, s.shows, k.judge(s, dead))
	}
	return nil
}

// judge looks at what came of a situation.
func (k *kit) judge(s situation, dead map[string]letter) error {
	o := outcome{calls: k.service.of(s.key())}
	if l, ok := dead[s.key()]; ok {
		o.dead = &l
	}
	for _, c := range o.calls {
		if err := says(s.event, c); err != nil {
			return err
		}
	}
	return s.check(o)
}

// says wants a call to say what its event does.
func says(e schema.Event, c call) error {
	path, want := "/users", map[string]string{"id": e.User.ID, "email": *e.User.Email}
	if e.Action == requested {
		path, want = "/codes", map[string]string{"to": e.OTP.To, "channel": e.OTP.Channel, "user": e.User.ID}
	}
	if c.path != path {
		return fmt.Errorf("POST %s, want %s", c.path, path)
	}
	for name, value := range want {
		if c.body[name] != value {
			return fmt.Errorf("POST %s: %s is %q, want %q", c.path, name, c.body[name], value)
		}
	}
	return nil
}

// fromEverybody wants a call for each delivery, and passwords in it that are text.
func (k *kit) fromEverybody(delivered map[string]native) error {
	for key, n := range delivered {
		calls := k.service.of(key)
		if len(calls) == 0 {
			return fmt.Errorf("no call for %s of %s", n.Native, n.Source)
		}
		if path := map[schema.Action]string{requested: "/codes", created: "/users"}[n.Action]; calls[0].path != path {
			return fmt.Errorf("%s of %s: POST %s, want %s", n.Native, n.Source, calls[0].path, path)
		}
		if sealed, _ := calls[0].body["password"].(map[string]any); sealed != nil {
			return fmt.Errorf("%s of %s: the password is handed on sealed", n.Native, n.Source)
		}
	}
	return nil
}

// operator does what people do once the cause is mended: give dead letters back, and give the past again.
func (k *kit) operator(ctx context.Context) error {
	for _, c := range []struct {
		name, shows, id string
		calls           int
		args            []string
	}{
		{"redrive", "a dead letter that is given back is done, with the key of the event", "permanent", 2,
			[]string{"dead", "redrive", "--consumer", durable, "--id", "conformance-permanent"}},
		{"replay", "the past that is given again is done again, with the key of the event", "code", 2,
			[]string{"replay", "--consumer", durable, "--id", "conformance-code"}},
	} {
		key := "ssofy/conformance-" + c.id
		k.service.answer(key, reply{status: http.StatusOK})
		if _, err := k.daemon.call(ctx, c.args...); err != nil {
			return err
		}
		k.note(c.name, c.shows, k.until(ctx, func() error { return wantCalls(outcome{calls: k.service.of(key)}, c.calls) }))
		k.settled(ctx)
	}
	return nil
}

// stopped asks the program to end in the middle of its work.
func (k *kit) stopped(ctx context.Context) error {
	name, shows := "stop", "SIGTERM in the middle of the work: it ends by itself, and the event is not lost"
	if k.program == nil {
		k.skip(name, shows)
		return nil
	}
	begun, err := k.begin(ctx, "stop", reply{status: http.StatusOK, after: firstStep}, reply{status: http.StatusOK})
	if err != nil {
		return err
	}
	if begun == nil {
		begun = k.program.stop(10 * time.Second)
	}
	k.program.kill()
	if err := k.startProgram(ctx); err != nil {
		return err
	}
	k.note(name, shows, errors.Join(begun, k.survived(ctx, "stop", 1)))
	return nil
}

// killed ends the program, or the daemon that runs it, in the middle of its work.
func (k *kit) killed(ctx context.Context) error {
	release := make(chan struct{})
	defer close(release)
	begun, err := k.begin(ctx, "kill", reply{status: http.StatusOK, hold: release}, reply{status: http.StatusOK})
	if err != nil {
		return err
	}
	if k.program == nil {
		k.daemon.kill()
		err = k.daemon.start(ctx)
	} else {
		k.program.kill()
		err = k.startProgram(ctx)
	}
	if err != nil {
		return err
	}
	k.note("restart", "killed in the middle of the work: the event comes again, with the same key", errors.Join(begun, k.survived(ctx, "kill", 2)))
	return nil
}

// restarted takes the broker away for a moment.
func (k *kit) restarted(ctx context.Context) error {
	if err := k.daemon.stop(30 * time.Second); err != nil {
		return err
	}
	if err := k.daemon.start(ctx); err != nil {
		return err
	}
	err := k.until(ctx, func() error { return k.stream.publish(ctx, userEvent("broker", time.Now()), nil) })
	if err != nil {
		return err
	}
	k.note("broker", "NATS goes away and comes back: the program goes on by itself", k.survived(ctx, "broker", 1))
	return nil
}

// begin publishes an event and waits until the program works on it.
func (k *kit) begin(ctx context.Context, id string, replies ...reply) (begun, err error) {
	e := userEvent(id, time.Now())
	k.service.answer("ssofy/"+e.ID, replies...)
	if err := k.stream.publish(ctx, e, nil); err != nil {
		return nil, err
	}
	return k.until(ctx, func() error {
		if len(k.service.of("ssofy/"+e.ID)) == 0 {
			return errors.New("the work never began")
		}
		return nil
	}), nil
}

// survived wants an event done in the end, after at least so many calls.
func (k *kit) survived(ctx context.Context, id string, calls int) error {
	key := "ssofy/conformance-" + id
	err := k.until(ctx, func() error {
		if n := len(k.service.of(key)); n < calls {
			return fmt.Errorf("%d calls, want %d", n, calls)
		}
		return nil
	})
	k.settled(ctx)
	dead, listing := k.stream.dead(ctx)
	if l, ok := dead[key]; ok {
		err = errors.Join(err, fmt.Errorf("it became a dead letter: %s", l.Reason))
	}
	return errors.Join(err, listing)
}

// reasonSays wants words in the reason of a dead letter.
func reasonSays(words string) func(outcome) error {
	return func(o outcome) error {
		if o.dead != nil && !strings.Contains(o.dead.Reason, words) {
			return fmt.Errorf("the reason is %q, want %q in it", o.dead.Reason, words)
		}
		return nil
	}
}
