package command

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/forebayhq/forebay/consumer"
)

// The exit codes that mean more than failure, named as in sysexits.h.
const (
	exitDataErr  = 65
	exitTempFail = 75
)

// verdict reads how a program ended.
func (j *job) verdict(e ending) error {
	switch {
	case errors.Is(e.cut, context.DeadlineExceeded):
		return j.failure(e, "took too long")
	case e.cut != nil:
		return j.failure(e, "ended because forebay stops")
	}
	err := j.failure(e, e.state.String())
	switch e.state.ExitCode() {
	case 0:
		return nil
	case exitDataErr:
		return consumer.Permanent(err)
	case exitTempFail:
		if delay := parseRetryAfter(e.stdout.lastLine()); delay > 0 {
			return consumer.After(min(delay, j.options.MaxRetryAfter), err)
		}
	}
	return err
}

// failure is the error of a program that did not do its work. What it wrote is in it only where it may be logged.
func (j *job) failure(e ending, how string) error {
	if line := e.stderr.lastLine(); j.options.LogOutput && line != "" {
		return fmt.Errorf("run %s: %s: %s", j.name, how, strings.ToValidUTF8(line, "\uFFFD"))
	}
	hint := ""
	if !j.options.LogOutput && e.stdout.size+e.stderr.size > 0 {
		hint = ": set log_output to see it"
	}
	return fmt.Errorf("run %s: %s (%d bytes on standard output, %d on standard error%s)",
		j.name, how, e.stdout.size, e.stderr.size, hint)
}

// parseRetryAfter reads a line such as "retry-after: 90" or "Retry-After: 5m". Zero: it is none.
func parseRetryAfter(line string) time.Duration {
	name, value, _ := strings.Cut(line, ":")
	if !strings.EqualFold(strings.TrimSpace(name), "retry-after") {
		return 0
	}
	value = strings.TrimSpace(value)
	if seconds, err := strconv.ParseUint(value, 10, 32); err == nil {
		return time.Duration(seconds) * time.Second
	}
	delay, err := time.ParseDuration(value)
	if err != nil {
		return 0
	}
	return delay
}
