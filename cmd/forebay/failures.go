package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"time"

	"github.com/forebayhq/forebay/config"
	"github.com/forebayhq/forebay/consumer"
)

// failuresPath is where the running forebay says why its consumers had no success lately. The stream cannot tell: it
// knows that an event waits for another attempt, and not why.
const failuresPath = "/consumers/failures"

// A failureRow is the last failure of one consumer, as the admin listener gives it.
type failureRow struct {
	Consumer string    `json:"consumer"`
	Reason   string    `json:"reason"`
	Time     time.Time `json:"time"`
	Seq      uint64    `json:"seq,omitempty"` // of the event, in the stream
	Attempt  int       `json:"attempt,omitempty"`
}

// failuresPage answers with the last failure of each consumer that had one.
func failuresPage(all *consumer.Failures) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		rows := []failureRow{}
		for _, f := range all.Last() {
			rows = append(rows, failureRow{f.Consumer, f.Reason, f.Time.UTC(), f.Seq, f.Attempt})
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		_ = json.NewEncoder(w).Encode(rows) // whoever asked is gone
	}
}

// failures are the last ones of the consumers that run, by name.
type failures map[string]failureRow

// maxFailuresAnswer bounds what the admin listener may answer, in bytes: there are few consumers.
const maxFailuresAnswer = 4 << 20

// runningFailures asks the forebay that runs with this configuration. None where none answers: how consumers are doing
// is worth knowing without.
func runningFailures(ctx context.Context, c *config.Config) failures {
	address, err := dialable(c.Admin)
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+failuresPath, nil)
	if err != nil {
		return nil
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil
	}
	defer answer.Body.Close()
	var rows []failureRow
	if json.NewDecoder(io.LimitReader(answer.Body, maxFailuresAnswer)).Decode(&rows) != nil {
		return nil
	}
	all := failures{}
	for _, row := range rows {
		all[row.Consumer] = row
	}
	return all
}

// last is what went wrong last with a consumer: in an attempt of the running forebay, or so that there is a dead letter.
func (f failures) last(s consumer.Status) (at time.Time, why string) {
	if row, ok := f[s.Name]; ok && row.Time.After(s.LastDead) {
		return row.Time, row.Reason
	}
	return s.LastDead, s.LastError
}
