package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/forebayhq/forebay/schema"
)

const (
	requested schema.Action = "otp.requested"
	created   schema.Action = "user.created"
)

// A verdict is how the program did in one case.
type verdict struct {
	name, shows string
	skipped     bool // the case says nothing about programs of this kind
	err         error
}

// An outcome is what the kit saw of one event.
type outcome struct {
	calls []call
	dead  *letter // nil: it is none
}

// A situation is an event, how the service answers the calls for it, and what must come of it.
type situation struct {
	name, shows string
	event       schema.Event
	edit        func(*nats.Msg)
	twice       bool // published once more, as if it were another message
	replies     []reply
	check       func(outcome) error
}

func (s situation) key() string { return s.event.Source + "/" + s.event.ID }

// everyday are the situations that every consumer meets.
func everyday(now time.Time) []situation {
	unavailable, refused := reply{status: http.StatusServiceUnavailable}, reply{status: http.StatusUnprocessableEntity}
	return []situation{{
		name: "code", shows: "otp.requested: the code goes to the address of the event",
		event: codeEvent("code", now), check: done(1),
	}, {
		name: "user", shows: "user.created: the user is made known",
		event: userEvent("user", now), check: done(1),
	}, {
		name: "sealed", shows: "a sealed password is opened with the key",
		event: withPassword(userEvent("sealed", now)), check: all(done(1), hasPassword),
	}, {
		name: "hostile", shows: "text from strangers stays text: quotes, line ends, $( )",
		event: hostile(userEvent("hostile", now)), check: done(1),
	}, {
		name: "novelty", shows: "members that nobody knows yet are ignored",
		event: userEvent("novelty", now), edit: addMember, check: done(1),
	}, {
		name: "unknown action", shows: "an action that nobody knows yet is acknowledged, nothing more",
		event: rename(userEvent("unknown", now), "user.teleported"), check: untouched,
	}, {
		name: "duplicate", shows: "an event that comes twice has the same key twice",
		event: userEvent("duplicate", now), twice: true, check: done(2),
	}, {
		name: "retry", shows: "503 twice, then 200: three attempts, by the schedule",
		event: userEvent("retry", now), replies: []reply{unavailable, unavailable, {status: http.StatusOK}}, check: all(done(3), paced),
	}, {
		name: "gives up", shows: "503 for ever: a dead letter after three attempts",
		event: userEvent("gives-up", now), replies: []reply{unavailable}, check: died(maxAttempts, maxAttempts),
	}, {
		name: "permanent", shows: "422: a dead letter after one attempt",
		event: userEvent("permanent", now), replies: []reply{refused}, check: died(1, 1),
	}, {
		name: "slow", shows: "work that takes three steps of the schedule is done once",
		event: userEvent("slow", now), replies: []reply{{status: http.StatusOK, after: 3 * firstStep}}, check: done(1),
	}, {
		name: "expired", shows: "a code of eleven minutes ago is not sent",
		event: codeEvent("expired", now.Add(-maxAge-time.Minute)), check: all(died(0, 1), reasonSays("expired")),
	}, {
		name: "unreadable", shows: "what is no event is a dead letter at once, and holds nothing up",
		event: userEvent("unreadable", now), edit: func(m *nats.Msg) { m.Data = []byte(`{"id":`) }, check: died(0, 1),
	}}
}

func event(id string, action schema.Action, at time.Time) schema.Event {
	email := id + "@example.com"
	return schema.Event{
		ID: "conformance-" + id, Action: action, Source: "ssofy", Provider: "ssofy", Native: "made_by_the_kit", Time: at, Received: at,
		User: &schema.User{ID: "user-" + id, Email: &email}, Payload: json.RawMessage(`{}`),
	}
}

func userEvent(id string, at time.Time) schema.Event { return event(id, created, at) }

func codeEvent(id string, at time.Time) schema.Event {
	e := event(id, requested, at)
	e.Semantics = schema.Command
	e.OTP = &schema.OTP{ID: "otp-" + id, Channel: "email", To: id + "@example.com", Purpose: "authentication"}
	return e
}

// password is invented, and awkward on purpose.
const password = "c0rrect \"horse\" \\ b\u00e4ttery\n$(staple)"

func withPassword(e schema.Event) schema.Event {
	text, err := json.Marshal(password)
	if err != nil {
		panic(err) // it is a constant
	}
	e.User.Password = text
	e.Sensitive = []schema.Member{"user.password"}
	return e
}

func hostile(e schema.Event) schema.Event {
	e.User.ID = "o'brien \"x\"; $(touch pwned) `id` \u00fc\n-n \\"
	email := "'\"$(id)\"@example.com"
	e.User.Email = &email
	return e
}

func rename(e schema.Event, a schema.Action) schema.Event {
	e.Action = a
	return e
}

// addMember puts a member first that no schema has.
func addMember(m *nats.Msg) {
	m.Data = append([]byte(`{"novelty": {"of": ["some", "later", "year"]}, `), m.Data[1:]...)
}

// all wants what each of several checks wants.
func all(checks ...func(outcome) error) func(outcome) error {
	return func(o outcome) error {
		var errs []error
		for _, check := range checks {
			errs = append(errs, check(o))
		}
		return errors.Join(errs...)
	}
}

// done wants so many calls, and no dead letter.
func done(calls int) func(outcome) error {
	return func(o outcome) error {
		if o.dead != nil {
			return fmt.Errorf("it became a dead letter: %s", o.dead.Reason)
		}
		return wantCalls(o, calls)
	}
}

// died wants so many calls, and a dead letter after so many attempts.
func died(calls, attempts int) func(outcome) error {
	return func(o outcome) error {
		switch {
		case o.dead == nil:
			return errors.Join(errors.New("it became no dead letter"), wantCalls(o, calls))
		case o.dead.Attempts != attempts:
			return fmt.Errorf("a dead letter after %d attempts, want %d: %s", o.dead.Attempts, attempts, o.dead.Reason)
		}
		return wantCalls(o, calls)
	}
}

func wantCalls(o outcome, want int) error {
	if got := len(o.calls); got != want {
		return fmt.Errorf("%d calls, want %d", got, want)
	}
	return nil
}

func untouched(o outcome) error { return done(0)(o) }

func hasPassword(o outcome) error {
	if len(o.calls) > 0 && o.calls[0].body["password"] != password {
		return errors.New("the password is not what was sealed")
	}
	return nil
}

// paced wants the attempts spread as the schedule has it. The half is enough: a call comes later than its hand-over by
// what the program takes to begin, and a bare nak brings the next one at once.
func paced(o outcome) error {
	if len(o.calls) < 3 {
		return nil
	}
	took, want := o.calls[2].at.Sub(o.calls[0].at), (firstStep+lastStep)/2
	if took < want {
		return fmt.Errorf("three attempts in %s: the schedule wants %s", took.Round(time.Millisecond), firstStep+lastStep)
	}
	return nil
}
