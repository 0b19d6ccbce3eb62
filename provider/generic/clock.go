package generic

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A clock checks the signed time of an attempt.
type clock struct {
	unit      string
	precision time.Duration
	tolerance time.Duration
	now       func() time.Time
}

func newClock(o HMACOptions, now func() time.Time) (clock, error) {
	c := clock{unit: o.TimeUnit, precision: time.Nanosecond, tolerance: o.Tolerance, now: now}
	switch c.unit {
	case "s":
		c.precision = time.Second
	case "ms":
		c.precision = time.Millisecond
	case "rfc3339":
	default:
		return c, errors.New("time_unit: not s, ms or rfc3339; it is never guessed")
	}
	if c.tolerance == 0 {
		c.tolerance = 5 * time.Minute
	}
	if c.tolerance < c.precision {
		return c, errors.New("tolerance: below the unit of the time")
	}
	return c, nil
}

// check holds a time to the tolerance, before and after now.
func (c clock) check(text string) error {
	at, err := parseTime(c.unit, text)
	if err != nil {
		return fmt.Errorf("time: %w", err)
	}
	now := c.now().Truncate(c.precision)
	if at.Before(now.Add(-c.tolerance)) || at.After(now.Add(c.tolerance)) {
		return fmt.Errorf("time: more than %s away from now", c.tolerance)
	}
	return nil
}

// write is the time now, as senders write it.
func (c clock) write() string { return writeTime(c.unit, c.now()) }

// parseTime reads RFC 3339, or plain decimal digits since 1970 in s or ms. Its errors never repeat the text.
func parseTime(format, text string) (time.Time, error) {
	if format == "rfc3339" {
		t, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return t, errors.New("not RFC 3339")
		}
		return t.UTC(), nil
	}
	const digits = 15 // of milliseconds until the year 33658
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || len(text) > digits || strings.Trim(text, "0123456789") != "" {
		return time.Time{}, errors.New("not plain decimal digits")
	}
	if format == "ms" {
		return time.UnixMilli(n).UTC(), nil
	}
	return time.Unix(n, 0).UTC(), nil
}

func writeTime(format string, t time.Time) string {
	switch format {
	case "s":
		return strconv.FormatInt(t.Unix(), 10)
	case "ms":
		return strconv.FormatInt(t.UnixMilli(), 10)
	}
	return t.UTC().Format(time.RFC3339Nano)
}
