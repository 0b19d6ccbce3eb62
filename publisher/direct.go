package publisher

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/forebayhq/forebay/schema"
)

// Direct stores straight in the stream (ack: stream): no journal, no disk of its own. An answer means that the stream
// acknowledged, and dedupe is the stream's duplicate window.
type Direct struct {
	Dial    func() (*nats.Conn, error)
	Prepare func(context.Context, jetstream.JetStream) error
	Wait    time.Duration // for all acknowledgements of a delivery: 2 s

	mu sync.Mutex
	nc *nats.Conn
	js jetstream.JetStream
}

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
	futures := make([]jetstream.PubAckFuture, len(messages))
	for i, m := range messages {
		futures[i], err = js.PublishMsgAsync(&nats.Msg{Subject: m.Subject, Header: m.Header, Data: m.Body})
		if err != nil {
			return receipt, fmt.Errorf("publish %s: %w", m.Subject, err)
		}
	}
	for i, f := range futures {
		select {
		case ack := <-f.Ok():
			if ack.Duplicate {
				receipt.Duplicates++
			}
		case err := <-f.Err():
			return receipt, fmt.Errorf("publish %s: %w", messages[i].Subject, err)
		case <-ctx.Done():
			return receipt, fmt.Errorf("publish %s: %w", messages[i].Subject, ctx.Err())
		}
	}
	return receipt, nil
}

// connect gives the connection, made and its streams prepared at the first call and after every loss.
func (d *Direct) connect(ctx context.Context) (jetstream.JetStream, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.nc != nil && d.nc.IsConnected() {
		return d.js, nil
	}
	d.close()
	nc, err := d.Dial()
	if err != nil {
		return nil, err
	}
	js, err := jetstream.New(nc)
	if err == nil {
		err = d.Prepare(ctx, js)
	}
	if err != nil {
		nc.Close()
		return nil, err
	}
	d.nc, d.js = nc, js
	return js, nil
}

// Problem says why nothing can be stored now, or nil.
func (d *Direct) Problem() error {
	ctx, cancel := context.WithTimeout(context.Background(), d.Wait)
	defer cancel()
	_, err := d.connect(ctx)
	return err
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
		d.nc, d.js = nil, nil
	}
}
