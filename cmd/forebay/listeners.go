package main

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

// Listeners are the listeners of jobs. A job that takes the place of its former self takes over its socket too: that one
// answers what it has begun, and nobody who calls meanwhile is refused.
type listeners struct {
	mu   sync.Mutex
	open map[place]*listener    // the youngest each; it may be closed by now
	held map[place]net.Listener // kept open until the next job takes it over
}

// A place is where a consumer listens.
type place struct{ consumer, address string }

func newListeners() *listeners {
	return &listeners{open: map[place]*listener{}, held: map[place]net.Listener{}}
}

// listen gives a consumer a listener for TCP at host:port.
func (l *listeners) listen(ctx context.Context, consumer, address string) (net.Listener, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := place{consumer, address}
	made, held := l.held[at]
	delete(l.held, at)
	if !held {
		var config net.ListenConfig
		var err error
		if made, err = config.Listen(ctx, "tcp", address); err != nil {
			return nil, err
		}
	}
	l.open[at].retire()
	l.open[at] = &listener{Listener: made, retired: make(chan struct{}), closed: make(chan struct{})}
	return l.open[at], nil
}

// holdTime is how long callers are kept waiting for a job that does not listen there after all.
const holdTime = 5 * time.Second

// hold keeps the sockets of a consumer open for a job that is about to begin, whatever becomes of the one that has them.
func (l *listeners) hold(consumer string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for at, open := range l.open {
		if at.consumer != consumer || l.held[at] != nil {
			continue
		}
		if shared, err := open.share(); err == nil { // else it is closed, or the system cannot do that
			l.held[at] = shared
			time.AfterFunc(holdTime, func() { l.drop(at, shared) })
		}
	}
}

func (l *listeners) drop(at place, held net.Listener) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held[at] == held {
		delete(l.held, at)
		_ = held.Close()
	}
}

// A listener that was retired by its successor takes no connection any more, and says nothing of it: that its job would
// take for a failure.
type listener struct {
	net.Listener
	retired, closed chan struct{}
	once            sync.Once
}

// Accept is what a server calls.
func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil {
		return c, nil
	}
	select {
	case <-l.retired:
		<-l.closed
	default:
	}
	return nil, err
}

// Close is for the job that has the listener.
func (l *listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// retire closes it in favour of its successor, which alone calls this. Nil, the listener before the first, needs none.
func (l *listener) retire() {
	if l != nil {
		close(l.retired)
		_ = l.Listener.Close()
	}
}

// share gives a second listener on the socket while it is open.
func (l *listener) share() (net.Listener, error) {
	shared, can := l.Listener.(interface{ File() (*os.File, error) })
	if !can {
		return nil, errors.ErrUnsupported
	}
	file, err := shared.File()
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	return net.FileListener(file)
}
