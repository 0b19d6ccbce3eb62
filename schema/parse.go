package schema

import (
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// Parse reads an event from a message: what [Wire.Encode] built, also as a copy that was redriven or is a dead letter.
// Subject, headers and body must tell of the same event. Members and headers that it does not know are ignored, so that
// later versions can add some.
func Parse(subject string, header map[string][]string, body []byte) (Event, error) {
	e, err := parse(subject, header, body)
	if err != nil {
		return Event{}, fmt.Errorf("parse event: %w", err)
	}
	return e, nil
}

func parse(subject string, header map[string][]string, body []byte) (e Event, err error) {
	if !utf8.Valid(body) {
		return e, fmt.Errorf("body: %w", errUTF8)
	}
	// The decoder's error may quote the body, and the body is not for logs.
	if json.Unmarshal(body, &e) != nil {
		return e, errors.New("body: not an event")
	}
	if err := e.Validate(); err != nil {
		return e, fmt.Errorf("body: %w", err)
	}
	if e.Time.IsZero() || e.Outcome == "" || e.Semantics == "" {
		return e, errors.New("body: time, outcome or semantics: missing")
	}
	source, action, err := anySubject(subject)
	if err != nil {
		return e, err
	}
	if source != e.Source || action != e.Action {
		return e, errors.New("subject and body differ")
	}
	return e, checkHeader(header, &e)
}

// checkHeader reports whether the attributes that CloudEvents requires are there and agree with the body.
func checkHeader(header map[string][]string, e *Event) error {
	for _, want := range [...][2]string{
		{HeaderSpecVersion, "1.0"},
		{HeaderID, e.ID},
		{HeaderType, string(e.Action)},
		{HeaderSource, sourceURN + e.Source},
	} {
		got, err := headerValue(header, want[0])
		if err != nil {
			return err
		}
		if got != want[1] {
			return fmt.Errorf("header %s: not what the body says", want[0])
		}
	}
	return nil
}

// headerValue is the one value of a header, unescaped.
func headerValue(header map[string][]string, name string) (string, error) {
	values := header[name]
	if len(values) != 1 {
		return "", fmt.Errorf("header %s: %d values, not one", name, len(values))
	}
	value, err := UnescapeHeader(values[0])
	if err != nil {
		return "", fmt.Errorf("header %s: %w", name, err)
	}
	return value, nil
}
