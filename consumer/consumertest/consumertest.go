// Package consumertest is what the tests of consumers and jobs share. It starts the real servers that jobs work with: Redis,
// PostgreSQL and SMTP. Each listens on a free port of the loopback, can be stopped and started again on it, and ends with its
// test. It also runs consumers on a stream, makes events for them, and waits for what becomes of those.
package consumertest

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

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
	var end error
	err := Poll(patience, func() error {
		select {
		case end = <-ended:
			return nil
		default:
			return try()
		}
	})
	if end != nil {
		return fmt.Errorf("it ended: %w", end)
	}
	return err
}
