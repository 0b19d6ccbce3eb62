package webhook

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/forebayhq/forebay/consumer"
)

// A StatusError is an answer that is no success.
type StatusError struct {
	Host   string // that answered
	Status int    // 401
}

func (s StatusError) Error() string { return fmt.Sprintf("post to %s: status %d", s.Host, s.Status) }

// verdict reads the status of an answer.
func (j *job) verdict(r *http.Response) error {
	if 200 <= r.StatusCode && r.StatusCode <= 299 {
		return nil
	}
	var err error = StatusError{Host: j.url.Host, Status: r.StatusCode}
	switch r.StatusCode {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return j.later(r.Header.Get("Retry-After"), err)
	}
	if 400 <= r.StatusCode && r.StatusCode <= 499 {
		return consumer.Permanent(err)
	}
	return err
}

// later asks for the next attempt when the receiver wants it. A time that is not to come says nothing: at once would use
// up the attempts.
func (j *job) later(retryAfter string, err error) error {
	delay := parseRetryAfter(retryAfter, j.now())
	if delay <= 0 {
		return err
	}
	return consumer.After(min(delay, j.maxDelay), err)
}

// parseRetryAfter reads seconds or a date. Zero: it is neither.
func parseRetryAfter(text string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(text, 10, 32); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return at.Sub(now)
	}
	return 0
}
