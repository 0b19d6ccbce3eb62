package cache

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/forebayhq/forebay/consumer"
)

const (
	purgeTime = 10 * time.Second // for one request
	maxAnswer = 64 << 10         // read of an answer's body, in bytes, so that its connection can be used again
	maxDelay  = 5 * time.Minute  // of Retry-After
)

// newHTTPClient follows no redirect: a request goes where the configuration says.
func newHTTPClient() *http.Client {
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, IdleConnTimeout: time.Minute, TLSHandshakeTimeout: purgeTime,
	}
	return &http.Client{
		Transport: transport, Timeout: purgeTime,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// purge tells the HTTP caches, all of them even if one fails.
func (j *job) purge(ctx context.Context, urls []string) error {
	var failed, refused []error
	delay := time.Duration(0)
	for _, u := range urls {
		status, wait, err := j.purgeOne(ctx, u)
		switch {
		case err != nil:
			failed = append(failed, err)
		case retryable(status):
			failed = append(failed, fmt.Errorf("purge: answered %d", status))
			delay = max(delay, wait)
		case !purged(status):
			refused = append(refused, fmt.Errorf("purge: answered %d", status))
		}
	}
	switch {
	case delay > 0: // the refused ones are asked again with the failed ones
		return consumer.After(delay, errors.Join(failed...))
	case len(failed) > 0:
		return errors.Join(failed...)
	}
	return consumer.Permanent(errors.Join(refused...))
}

// purgeOne sends one request. Its errors leave the URL out: a value in it may be personal.
func (j *job) purgeOne(ctx context.Context, u string) (status int, wait time.Duration, err error) {
	request, err := http.NewRequestWithContext(ctx, "PURGE", u, nil)
	if err != nil {
		return 0, 0, consumer.Permanent(errors.New("purge: the template yields no URL"))
	}
	for name, value := range j.headers {
		request.Header.Set(name, value)
	}
	if value := request.Header.Get("Host"); value != "" {
		request.Host = value
	}
	answer, err := j.http.Do(request)
	if err != nil {
		return 0, 0, fmt.Errorf("purge at %s: %w", request.URL.Host, cause(err))
	}
	defer answer.Body.Close()
	_, err = io.Copy(io.Discard, io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return 0, 0, fmt.Errorf("purge at %s: read the answer: %w", request.URL.Host, err)
	}
	return answer.StatusCode, retryAfter(answer.Header), nil
}

func cause(err error) error {
	if wrapped := (*url.Error)(nil); errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}

// purged: 404 and 410 say that it was not cached.
func purged(status int) bool {
	return status >= 200 && status < 300 || status == http.StatusNotFound || status == http.StatusGone
}

func retryable(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	}
	return status >= 500
}

// retryAfter reads seconds; caches send no dates.
func retryAfter(h http.Header) time.Duration {
	seconds, err := strconv.Atoi(h.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0
	}
	return min(time.Duration(seconds)*time.Second, maxDelay)
}
