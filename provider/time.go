package provider

import "time"

// ParseTime reads ISO 8601 as senders write it: date and time, with or without seconds and their fraction, and an offset
// as Z, +00:00, +0000 or +00. False: it is none, or lies outside the years 0 to 9999, which are all that RFC 3339 can
// write. The time is in UTC.
func ParseTime(text string) (time.Time, bool) {
	for _, layout := range []string{
		time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05Z07",
		"2006-01-02T15:04Z07:00", "2006-01-02T15:04Z0700", "2006-01-02T15:04Z07",
	} {
		if t, err := time.Parse(layout, text); err == nil {
			t = t.UTC() // an offset may lead out of the years
			return t, t.Year() >= 0 && t.Year() <= 9999
		}
	}
	return time.Time{}, false
}
