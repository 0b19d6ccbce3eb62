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
	message *message
	times   histogram
	failed  map[string]int
}

// failuresBorne ends a connection that gets nothing but failures.
const failuresBorne = 1000

func dial(webhooks string, size int) (*connection, error) {
	u, err := url.Parse(webhooks)
	if err != nil {
		return nil, err
	}
	c := &connection{address: u.Host, message: newMessage(u.Host, u.Path, size), failed: map[string]int{}}
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

// keepSending sends one delivery after the other until the end. Anything but 200 is a failure.
func (c *connection) keepSending(end time.Time) {
	limit := end.Add(patience)
	failures := 0
	for begun := time.Now(); begun.Before(end) && failures < failuresBorne; {
		err := c.deliver(limit)
		now := time.Now()
		if err == nil {
			c.times.add(now.Sub(begun))
		} else {
			failures++
			c.fail(err)
		}
		begun = now
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
	if _, err := c.net.Write(c.message.next()); err != nil {
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
