package broker

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// The oldest server that keeps our promises: it introduced the lifetime of a single message (Nats-TTL).
const minMajor, minMinor = 2, 11

// checkTime bounds connecting to one server of nats.url and asking it one question.
const checkTime = 5 * time.Second

// Check connects once and asks whether the server can do the work: it is reachable and takes the login, it is new
// enough, and JetStream is on for the account and may be used by us. Each error says which of these it is. Check also
// learns MaxPayload. It changes nothing on the server, and may be called as often as one likes.
func (b *Broker) Check(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	silent := func(*nats.Conn, *nats.Subscription, error) {} // what goes wrong is in our answer
	nc, err := b.Dial("forebay check", nats.NoReconnect(), nats.Timeout(timeLeft(ctx)), nats.ErrorHandler(silent))
	if err != nil {
		return err
	}
	defer nc.Close()
	if err := checkVersion(nc.ConnectedServerVersion()); err != nil {
		return fmt.Errorf("check %s: %w", b.url, err)
	}
	js, err := jetstream.New(nc)
	if err != nil {
		return fmt.Errorf("check %s: %w", b.url, err)
	}
	if err := checkJetStream(ctx, js); err != nil {
		return fmt.Errorf("check %s: %w", b.url, err)
	}
	return nil
}

// timeLeft is checkTime, or what the context leaves of it.
func timeLeft(ctx context.Context) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok {
		return checkTime
	}
	return min(checkTime, max(time.Until(deadline), time.Millisecond))
}

// checkVersion refuses a server that is too old. A version that is not numbers, as of a build of one's own, passes:
// Ensure finds out what such a server cannot do.
func checkVersion(version string) error {
	major, rest, _ := strings.Cut(strings.TrimPrefix(version, "v"), ".")
	minor, _, _ := strings.Cut(rest, ".")
	x, errX := strconv.Atoi(major)
	y, errY := strconv.Atoi(minor)
	if errX != nil || errY != nil {
		return nil
	}
	if x < minMajor || x == minMajor && y < minMinor {
		return fmt.Errorf("NATS server %s is too old: version %d.%d or later is needed, for messages with a lifetime",
			version, minMajor, minMinor)
	}
	return nil
}

// checkJetStream tells a server without JetStream, an account without it and a user without rights apart.
func checkJetStream(ctx context.Context, js jetstream.JetStream) error {
	return ask(ctx, js, "read the JetStream account", func(ctx context.Context) error {
		_, err := js.AccountInfo(ctx)
		return err
	})
}

// ask puts one question to JetStream and words what went wrong. The server tells a missing right to the connection
// and leaves the question unanswered, so ask watches for it rather than wait for the time to run out.
func ask(ctx context.Context, js jetstream.JetStream, doing string, question func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, timeLeft(ctx))
	defer cancel()
	old := violation(js.Conn())
	answer := make(chan error, 1)
	go func() { answer <- question(ctx) }()
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	for {
		select {
		case err := <-answer:
			return explain(doing, err)
		case <-poll.C:
			if denied := violation(js.Conn()); denied != nil && !errors.Is(denied, old) {
				cancel()
				<-answer
				return explain(doing, denied)
			}
		}
	}
}

// violation is the last thing that went wrong on the connection, if it was a missing right.
func violation(nc *nats.Conn) error {
	if err := nc.LastError(); errors.Is(err, nats.ErrPermissionViolation) {
		return err
	}
	return nil
}

// What nats-server answers, by its error code, and what to do about it.
// https://github.com/nats-io/nats-server/blob/main/server/errors.json
var hints = map[jetstream.ErrorCode]string{
	10005: "no server of the cluster can take the stream: check its free storage and stream.replicas",
	10008: "JetStream is not available for the moment: the cluster may be choosing a leader",
	10023: "the server has not the resources: lower stream.max_bytes or free some",
	10027: "the account may have no more streams: raise its limit",
	10028: "the account has no memory left",
	10039: "JetStream is on at the server but not enabled for this account: enable it there, or log in to another",
	10047: "the account's or the server's storage is too small: lower stream.max_bytes or raise it there",
	10074: "stream.replicas is above 1, but the server is not part of a cluster: set stream.replicas to 1",
	10076: "JetStream is off at the NATS server: turn it on there (jetstream {} in its file, or -js)",
	10113: "the account wants every stream bounded: set stream.max_bytes",
	10122: "stream.max_bytes is more than the account allows for one stream: lower it",
}

// explain words an error of JetStream: what was being done, what is wrong, and what the server said.
func explain(doing string, err error) error {
	var answer jetstream.JetStreamError
	hint := ""
	switch {
	case err == nil:
		return nil
	case errors.Is(err, nats.ErrPermissionViolation):
		hint = "the user lacks the right to"
	case errors.Is(err, nats.ErrNoResponders):
		hint = hints[jetstream.JSErrCodeJetStreamNotEnabled]
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, nats.ErrTimeout):
		hint = "JetStream does not answer"
	case errors.As(err, &answer) && answer.APIError() != nil:
		hint = hints[answer.APIError().ErrorCode]
	}
	if hint == "" {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return fmt.Errorf("%s: %s: %w", doing, hint, err)
}
