package main

import (
	"net"
	"sync"
)

// A link carries the connections that one node makes to another. While it is cut nothing goes through, in either
// direction, and no connection breaks: so it is when packets are dropped. What was under way arrives when it is healed.
type link struct {
	from, to *node
	address  string // where from connects to
	listener net.Listener

	mu    sync.Mutex
	open  chan struct{} // closed while the link is not cut
	ended bool
	ends  []net.Conn
	all   sync.WaitGroup
}

func newLink(from, to *node) (*link, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	l := &link{from: from, to: to, address: listener.Addr().String(), listener: listener, open: make(chan struct{})}
	close(l.open)
	l.all.Go(l.accept)
	return l, nil
}

func (l *link) accept() {
	for {
		near, err := l.listener.Accept()
		if err != nil {
			return // closed
		}
		l.all.Go(func() { l.carry(near) })
	}
}

// carry connects to the other node, if the link is not cut, and carries until one side ends.
func (l *link) carry(near net.Conn) {
	defer near.Close()
	if !l.add(near) {
		return
	}
	<-l.gate()
	far, err := net.Dial("tcp", l.to.route)
	if err != nil || !l.add(far) {
		return
	}
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{near, far}, {far, near}} {
		both.Go(func() {
			l.copy(way[1], way[0])
			_, _ = near.Close(), far.Close()
		})
	}
	both.Wait()
}

func (l *link) copy(to, from net.Conn) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		<-l.gate()
		if _, e := to.Write(buffer[:n]); e != nil || err != nil {
			return
		}
	}
}

// gate is closed while the link is not cut.
func (l *link) gate() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.open
}

// add notes a connection, so that close ends it.
func (l *link) add(c net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		_ = c.Close() // nothing went over it
		return false
	}
	l.ends = append(l.ends, c)
	return true
}

// cut cuts the link, or heals it.
func (l *link) cut(off bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.open:
		if off {
			l.open = make(chan struct{})
		}
	default:
		if !off {
			close(l.open)
		}
	}
}

func (l *link) close() {
	_ = l.listener.Close()
	l.cut(false)
	l.mu.Lock()
	l.ended = true
	for _, c := range l.ends {
		_ = c.Close() // most are closed already
	}
	l.mu.Unlock()
	l.all.Wait()
}
