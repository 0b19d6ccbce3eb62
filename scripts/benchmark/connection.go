package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strconv"
	"time"
)

// A connection is a sender: one keep-alive connection, and one delivery at a time. It writes HTTP/1.1 by hand, because the
// load shares the processors with what it measures: every cycle that it saves goes to the contestant.
type connection struct {
	address string
	net     net.Conn
	answers *bufio.Reader
	turns   []*message // one for each source that it sends for, one after the other
	turn    int
	times   histogram
	failed  map[string]int
}

// failuresBorne ends a connection that gets nothing but failures.
const failuresBorne = 1000

// dial makes a connection that sends for some of the sources: those whose suffixes are given.
func dial(webhooks, native string, size int, suffixes ...string) (*connection, error) {
	u, err := url.Parse(webhooks)
	if err != nil {
		return nil, err
	}
	c := &connection{address: u.Host, failed: map[string]int{}}
	for _, suffix := range suffixes {
		c.turns = append(c.turns, newMessage(u.Host, u.Path+suffix, native, size))
	}
	return c, c.connect()
}

func (c *connection) connect() (err error) {
	c.close()
	if c.net, err = net.DialTimeout("tcp", c.address, patience); err != nil {
		return err
	}
	c.answers = bufio.NewReaderSize(c.net, 4<<10)
	return nil
}

func (c *connection) close() {
	if c.net != nil {
		_ = c.net.Close() // nothing is kept in it
	}
}

// keepSending sends whenever a delivery is due. Anything but 200 is a failure. The time of an answer counts from when its
// delivery was due: one that could not be sent then, because answers before it were late, is late as well.
func (c *connection) keepSending(p *pace) {
	limit := p.end.Add(patience)
	for failures := 0; failures < failuresBorne; {
		due, ok := p.next()
		if !ok {
			return
		}
		if err := c.deliver(limit); err != nil {
			failures++
			c.fail(err)
			continue
		}
		c.times.add(time.Since(due))
	}
}

func (c *connection) fail(err error) {
	c.failed[err.Error()]++
	if errors.As(err, new(statusError)) {
		return
	}
	if err := c.connect(); err != nil {
		c.failed[err.Error()]++
	}
}

// A statusError is an answer that is no success.
type statusError int

func (e statusError) Error() string { return "status " + strconv.Itoa(int(e)) }

// deliver sends a fresh delivery and takes its answer.
func (c *connection) deliver(limit time.Time) error {
	if err := c.net.SetDeadline(limit); err != nil {
		return err
	}
	c.turn = (c.turn + 1) % len(c.turns)
	if _, err := c.net.Write(c.turns[c.turn].next()); err != nil {
		return err
	}
	status, err := readAnswer(c.answers)
	if err == nil && status != 200 {
		return statusError(status)
	}
	return err
}

// readAnswer reads an answer of which only the status counts. It must tell its length.
func readAnswer(r *bufio.Reader) (status int, err error) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return 0, err
	}
	if len(line) < len("HTTP/1.1 200") || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) {
		return 0, fmt.Errorf("not an answer: %.20q", line)
	}
	status, length := number(line[9:12]), -1
	for {
		if line, err = r.ReadSlice('\n'); err != nil {
			return 0, err
		}
		if line = bytes.TrimRight(line, "\r\n"); len(line) == 0 {
			break
		}
		if value, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			length = number(value)
		}
	}
	if length < 0 {
		return 0, fmt.Errorf("answer %d without a length", status)
	}
	if _, err := r.Discard(length); err != nil {
		return 0, fmt.Errorf("answer %d: %w", status, io.ErrUnexpectedEOF)
	}
	return status, nil
}

// number reads digits; -1: they are none.
func number(digits []byte) (n int) {
	for _, c := range digits {
		if c < '0' || c > '9' {
			return -1
		}
		n = 10*n + int(c-'0')
	}
	return n
}
