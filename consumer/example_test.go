package consumer_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/forebayhq/forebay/broker"
	"github.com/forebayhq/forebay/consumer"
	"github.com/forebayhq/forebay/schema"
)

// A consumer whose handler refuses one user for good, and fails once for another: the first event becomes a dead letter,
// the second has a second attempt. Redriven, the first comes again.
func Example() {
	js, stop := exampleStream()
	defer stop()
	ctx, cancel := context.WithCancel(context.Background())
	stream := consumer.Stream{Name: "IDENTITY", Prefix: "identity"}

	// What "forebay serve" runs: it collects the dead letters of all durables.
	letters := &consumer.DeadLetters{JS: js, Stream: stream}
	check(letters.Declare(ctx))
	collected := make(chan error, 1)
	go func() { collected <- letters.Run(ctx) }()

	// What your program runs.
	var known atomic.Bool
	seen := make(chan string, 10)
	crm, err := consumer.New(js, consumer.Config{
		Name: "crm", Stream: stream, Actions: []string{"user.*"}, Retry: []time.Duration{50 * time.Millisecond}, Parallel: 1,
		Handler: func(_ context.Context, m *consumer.Message) error {
			name := m.Event.User.ID
			seen <- fmt.Sprintf("%s %s, attempt %d, replay %t", m.Event.Action, name, m.Attempt, m.ReplayOf > 0)
			switch {
			case name == "eve" && !known.Load():
				return consumer.Permanent(errors.New("no such customer"))
			case m.Attempt == 1 && m.ReplayOf == 0:
				return errors.New("connection refused") // the next attempt comes by the schedule
			}
			return nil
		},
	})
	check(err)
	ran := make(chan error, 1)
	go func() { ran <- crm.Run(ctx) }()

	examplePublish(js, "user.created", "eve")
	fmt.Println(<-seen)
	var dead []consumer.Dead
	for len(dead) == 0 {
		check(consumer.List(ctx, js, stream, consumer.DeadFilter{}, func(d consumer.Dead) error {
			dead = append(dead, d)
			return nil
		}))
	}
	fmt.Println("dead letter of", dead[0].Consumer+":", dead[0].Action, dead[0].Reason)

	examplePublish(js, "user.created", "ada")
	fmt.Println(<-seen)
	fmt.Println(<-seen)

	known.Store(true)
	done, err := consumer.Redrive{JS: js, Stream: stream}.Run(ctx)
	check(err)
	fmt.Println("redriven:", done.Given)
	fmt.Println(<-seen)

	cancel()
	check(errors.Join(<-ran, <-collected))

	// Output:
	// user.created eve, attempt 1, replay false
	// dead letter of crm: user.created permanent: no such customer
	// user.created ada, attempt 1, replay false
	// user.created ada, attempt 2, replay false
	// redriven: 1
	// user.created eve, attempt 1, replay true
}

// The past is given to one consumer again: first counted, then done.
func ExampleReplay() {
	js, stop := exampleStream()
	defer stop()
	ctx := context.Background()
	stream := consumer.Stream{Name: "IDENTITY", Prefix: "identity"}
	for _, user := range []string{"ada", "eve", "ada"} {
		examplePublish(js, "user.updated", user)
	}
	_, err := consumer.Declare(ctx, js, consumer.Config{Name: "crm", Stream: stream, New: true})
	check(err)

	replay := consumer.Replay{
		JS: js, Stream: stream, Consumer: "crm", Select: consumer.Selector{Actions: []string{"user.*"}, UserID: "ada"}, DryRun: true,
	}
	p, err := replay.Run(ctx)
	check(err)
	fmt.Println("would give", p.Given, "of", p.Total)

	replay.DryRun = false
	p, err = replay.Run(ctx)
	check(err)
	fmt.Println("gave", p.Given, "of", p.Total)
	durable, err := js.Consumer(ctx, stream.Name, "crm")
	check(err)
	copies, err := durable.Fetch(2)
	check(err)
	for m := range copies.Messages() {
		fmt.Println("a copy of", m.Headers().Get(consumer.HeaderReplayOf))
		check(m.Ack())
	}

	// Output:
	// would give 2 of 3
	// gave 2 of 3
	// a copy of 1
	// a copy of 3
}

// exampleStream is a NATS server in this process, with the stream of events.
func exampleStream() (js jetstream.JetStream, stop func()) {
	data, err := os.MkdirTemp("", "forebay")
	check(err)
	b, err := broker.Start(context.Background(), broker.Config{Listen: "127.0.0.1:0", Data: data})
	check(err)
	nc, err := b.Dial("example")
	check(err)
	js, err = jetstream.New(nc)
	check(err)
	_, err = broker.Ensure(context.Background(), js, broker.Streams{Name: "IDENTITY", Prefix: "identity"})
	check(err)
	return js, func() {
		nc.Close()
		b.Close()
		check(os.RemoveAll(data))
	}
}

func examplePublish(js jetstream.JetStream, action schema.Action, user string) {
	now := time.Now()
	m, err := schema.Wire{Prefix: "identity"}.Encode(schema.Event{
		ID: fmt.Sprint(user, now.UnixNano()), Action: action, Source: "ssofy", Provider: "ssofy", Native: "native",
		Time: now, Received: now, User: &schema.User{ID: user}, Payload: json.RawMessage(`{}`),
	}, "")
	check(err)
	_, err = js.PublishMsg(context.Background(), &nats.Msg{Subject: m.Subject, Header: m.Header.Map(), Data: m.Body})
	check(err)
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
