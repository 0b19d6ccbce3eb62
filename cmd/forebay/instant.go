package main

import (
	"errors"
	"time"
)

// An instant is a point in time as a person writes it: so long ago, a day, or a time of RFC 3339.
type instant struct{ time.Time }

// UnmarshalText takes 2h, 2026-03-01 (of this machine's time zone) and 2026-03-01T12:00:00Z.
func (i *instant) UnmarshalText(text []byte) error {
	if ago, err := time.ParseDuration(string(text)); err == nil && ago >= 0 {
		i.Time = time.Now().Add(-ago)
		return nil
	}
	if day, err := time.ParseInLocation(time.DateOnly, string(text), time.Local); err == nil {
		i.Time = day
		return nil
	}
	at, err := time.Parse(time.RFC3339Nano, string(text))
	if err != nil {
		return errors.New("want so long ago, such as 2h, or a time such as 2026-03-01 or 2026-03-01T12:00:00Z")
	}
	i.Time = at
	return nil
}
