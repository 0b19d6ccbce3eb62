package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/forebayhq/forebay/config"
)

// A releaser hands deliveries to the running forebay.
type releaser struct {
	url    string
	client *http.Client
}

// newReleaser calls the admin address of the configuration, straight: what is handed over is opened.
func newReleaser(c *config.Config) (*releaser, error) {
	address, err := dialable(c.Admin)
	if err != nil {
		return nil, usageError{fmt.Errorf("admin: %w", err)}
	}
	return &releaser{url: "http://" + address + releasePath, client: &http.Client{
		Transport:     &http.Transport{Proxy: nil, MaxIdleConns: 1, IdleConnTimeout: time.Minute},
		Timeout:       releaseTime + 10*time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// A staysError says why one delivery stays in quarantine. Others may leave it all the same.
type staysError struct{ reason string }

func (s staysError) Error() string { return s.reason }

// maxReleaseAnswer bounds an answer in bytes: a delivery has no more events than its body has room for.
const maxReleaseAnswer = 16 << 20

// release gives what became of the events of a delivery.
func (r *releaser) release(ctx context.Context, asked releaseRequest) ([]releasedEvent, error) {
	body, err := json.Marshal(asked)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set(releaseHeader, "1")
	response, err := r.client.Do(request)
	if err != nil {
		return nil, fmt.Errorf(`call the running forebay, through whose journal a release goes (is "forebay serve" running?): %w`, err)
	}
	defer response.Body.Close()
	var answer releaseAnswer
	if err := json.NewDecoder(io.LimitReader(response.Body, maxReleaseAnswer)).Decode(&answer); err != nil {
		return nil, fmt.Errorf("what answers %d at %s is no forebay that can release", response.StatusCode, r.url)
	}
	return answer.Events, answer.verdict(response.StatusCode)
}

func (a releaseAnswer) verdict(status int) error {
	switch status {
	case http.StatusOK:
		return nil
	case http.StatusGone: // somebody else released it, meanwhile
		return nil
	case http.StatusConflict, http.StatusUnprocessableEntity, http.StatusRequestEntityTooLarge:
		return staysError{"the running forebay: " + a.Error}
	}
	return errors.New("the running forebay: " + a.Error)
}
