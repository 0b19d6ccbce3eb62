package publisher

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/forebayhq/forebay/schema"
)

// Direct stores straight in the stream (ack: stream): no journal, no disk of its own. An answer means that the stream
// acknowledged, and dedupe is the stream's duplicate window.
type Direct struct {
	// Dial makes a connection that does not reconnect by itself: one that is lost may lead to another server.
	Dial func() (*nats.Conn, error)
	// Prepare makes sure that a stream exists. It is called for each of Streams with every new connection.
	Prepare func(ctx context.Context, js jetstream.JetStream, stream string) error
	Streams []string
	Wait    time.Duration // for all acknowledgements of a delivery, connecting included: 2 s

	mu      sync.Mutex
	nc      *nats.Conn
	js      jetstream.JetStream
	dialing chan struct{} // closed when the attempt that is under way has ended; nil: none is
	failed  time.Time     // when the last attempt failed
	problem error         // why
}

// redial is how long a failed attempt to connect speaks for the deliveries that follow.
const redial = 250 * time.Millisecond

// inOrder publishes without repetition behind our back, which would change the order.
var inOrder = []jetstream.PublishOpt{jetstream.WithRetryAttempts(0)}

// Store publishes all messages of a delivery and waits for their acknowledgements. After an error some may be stored; the
// provider's repetition has the same IDs.
func (d *Direct) Store(ctx context.Context, messages []schema.Message) (schema.Receipt, error) {
	receipt := schema.Receipt{Stored: schema.StoredStream}
	ctx, cancel := context.WithTimeout(ctx, d.Wait)
	defer cancel()
	js, err := d.connect(ctx)
	if err != nil {
		return receipt, err
	}
	connected := time.Now()
	futures := make([]jetstream.PubAckFuture, len(messages))
	for i, m := range messages {
		futures[i], err = js.PublishMsgAsync(&nats.Msg{Subject: m.Subject, Header: m.Header.Map(), Data: m.Body}, inOrder...)
		if err != nil {
			if lost(err) {
				d.drop(js)
			}
			return receipt, fmt.Errorf("publish %s: %w", m.Subject, err)
		}
	}
	for i, f := range futures {
		duplicate, err := d.await(ctx, f)
		if err != nil {
			spent := ctx.Err() != nil && time.Since(connected) < d.Wait/2 // most of its time went before it was connected
			if lost(err) && !spent {
				d.drop(js) // a new connection looks at the streams anew
			}
			return receipt, fmt.Errorf("publish %s: %w", messages[i].Subject, err)
		}
		if duplicate {
			receipt.Duplicates++
		}
	}
	return receipt, nil
}

// lost reports whether an error speaks against the connection, and not of one message or of too many at once.
func lost(err error) bool {
	return !errors.As(err, new(*jetstream.APIError)) &&
		!errors.Is(err, nats.ErrMaxPayload) && !errors.Is(err, jetstream.ErrTooManyStalledMsgs)
}

func (d *Direct) await(ctx context.Context, f jetstream.PubAckFuture) (duplicate bool, err error) {
	select {
	case ack := <-f.Ok():
		if !slices.Contains(d.Streams, ack.Stream) {
			return false, fmt.Errorf("stream %s took it: mend its subjects", ack.Stream)
		}
		return ack.Duplicate, nil
	case err := <-f.Err():
		return false, err
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

// connect gives the connection. One attempt at a time makes it, and all wait for that.
func (d *Direct) connect(ctx context.Context) (jetstream.JetStream, error) {
	d.mu.Lock()
	if d.nc != nil && d.nc.IsConnected() {
		defer d.mu.Unlock()
		return d.js, nil
	}
	if d.dialing == nil && time.Since(d.failed) < redial {
		defer d.mu.Unlock()
		return nil, d.problem
	}
	if d.dialing == nil {
		d.close()
		d.dialing = make(chan struct{})
		go d.dial(d.dialing)
	}
	dialing := d.dialing
	d.mu.Unlock()
	select {
	case <-dialing:
	case <-ctx.Done():
		return nil, fmt.Errorf("connect: %w", ctx.Err())
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.js == nil { // it failed, or another delivery has let go of it
		return nil, cmp.Or(d.problem, errNotConnected)
	}
	return d.js, nil
}

// dial is one attempt.
func (d *Direct) dial(done chan struct{}) {
	nc, js, err := d.prepare()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.nc, d.js, d.dialing = nc, js, nil
	if err != nil {
		d.failed, d.problem = time.Now(), err
	}
	close(done)
}

func (d *Direct) prepare() (*nats.Conn, jetstream.JetStream, error) {
	nc, err := d.Dial()
	if err != nil {
		return nil, nil, err
	}
	js, err := jetstream.New(nc, jetstream.WithPublishAsyncTimeout(d.Wait))
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	for _, stream := range d.Streams {
		if err == nil {
			err = d.Prepare(ctx, js, stream)
		}
	}
	if err != nil {
		nc.Close()
		return nil, nil, err
	}
	return nc, js, nil
}

// Problem says why nothing can be stored now, or nil.
func (d *Direct) Problem() error {
	ctx, cancel := context.WithTimeout(context.Background(), d.Wait)
	defer cancel()
	_, err := d.connect(ctx)
	return err
}

// drop lets go of a connection, if it is still the one in use.
func (d *Direct) drop(js jetstream.JetStream) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.js == js {
		d.close()
	}
}

// Close drops the connection.
func (d *Direct) Close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.close()
}

func (d *Direct) close() {
	if d.nc != nil {
		d.nc.Close()
	}
	d.nc, d.js = nil, nil
}
