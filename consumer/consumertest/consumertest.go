// Package consumertest starts the real servers that jobs work with, for tests: Redis, PostgreSQL and SMTP. Each listens on a
// free port of the loopback, can be stopped and started again on it, and ends with its test. It imports nothing of ours, so
// every package can test with it.
package consumertest

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"time"
)

// startTime is how long a server may take to answer.
const startTime = 30 * time.Second

// FreePort is one that nobody listens on. It lies below those that systems give to outgoing connections, so that none
// takes it while its server is stopped.
func FreePort() int {
	for {
		port := 10000 + rand.IntN(20000)
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			_ = l.Close()
			return port
		}
	}
}

// until tries until there is no error. What ends says that there is no use in going on.
func until(try func() error, ended <-chan error) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(startTime)
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case end := <-ended:
			return fmt.Errorf("it ended: %w", end)
		case <-deadline:
			return fmt.Errorf("after %s: %w", startTime, err)
		}
	}
}
