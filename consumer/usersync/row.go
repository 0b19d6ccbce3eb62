package usersync

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/forebayhq/forebay/schema"
)

// A row is a user as the table has it, and for every value the event that it comes from.
type row struct {
	key      int64 // 0: not in the table yet
	source   string
	id       string // empty: not known
	since    stamp  // of the oldest event
	values   values // none is null
	versions map[string]stamp
}

// sinceVersion is the member of the column versions that keeps row.since; no value has such a name.
const sinceVersion = "*"

func newRow(source string) *row {
	return &row{source: source, values: values{}, versions: map[string]stamp{}}
}

// merge takes over what is newer than what the row has. It does not matter in which order changes come, or how often.
func (r *row) merge(set values, at func(name string) stamp) {
	for name, value := range set {
		if at(name) <= r.versions[name] {
			continue
		}
		r.versions[name] = at(name)
		if removed(value) {
			delete(r.values, name)
		} else {
			r.values[name] = value
		}
	}
}

// change applies what an event says.
func (r *row) change(c change) {
	if c.user.id != "" {
		r.id = c.user.id
	}
	r.seen(c.at)
	r.merge(c.set, func(string) stamp { return c.at })
}

// absorb takes over another row of the same user.
func (r *row) absorb(other *row) {
	r.seen(other.since)
	all := values{}
	for name := range other.versions {
		all[name] = other.values[name] // a missing one was removed
	}
	r.merge(all, func(name string) stamp { return other.versions[name] })
}

func (r *row) seen(at stamp) {
	if r.since == "" || at < r.since {
		r.since = at
	}
}

// took reports whether a value comes from this event.
func (r *row) took(at stamp) bool {
	return slices.Contains(slices.Collect(maps.Values(r.versions)), at)
}

// text is a value that is a string; empty: there is none.
func (r *row) text(name string) (s string) {
	if json.Unmarshal(r.values[name], &s) != nil {
		return ""
	}
	return s
}

func (r *row) identity() identity {
	return identity{id: r.id, claims: map[string]string{
		"preferred_username": r.text("preferred_username"), "email": r.text("email"), "phone_number": r.text("phone_number"),
	}}
}

// An identity is what names a user.
type identity struct {
	id     string
	claims map[string]string // by name; empty ones name nobody
}

func identify(u schema.User) identity {
	text := func(s *string) string {
		if s == nil {
			return ""
		}
		return noNUL(*s)
	}
	return identity{id: noNUL(u.ID), claims: map[string]string{
		"preferred_username": text(u.PreferredUsername), "email": text(u.Email), "phone_number": text(u.PhoneNumber),
	}}
}

func (i identity) empty() bool {
	return i.id == "" && i.claims["preferred_username"] == "" && i.claims["email"] == "" && i.claims["phone_number"] == ""
}

// columns are those that a row is written to.
func columns() []string {
	return append(claimColumns(), "source", "id", "custom", "raw", "password_hash", "password_changed_at", "disabled_at",
		"locked_at", "deleted_at", "known_since", "event_time", "event_id", "event_action", "versions")
}

// record is the row as a JSON object, by columns.
func (r *row) record() (string, error) {
	record, custom, versions := map[string]any{}, values{}, map[string]stamp{sinceVersion: r.since}
	for name, value := range r.values {
		if claim, ok := customName(name); ok {
			custom[claim] = value
		} else {
			record[name] = value
		}
	}
	for name, at := range r.versions {
		versions[name] = at
	}
	since, _, _ := strings.Cut(string(r.since), " ")
	record["source"], record["custom"], record["versions"], record["known_since"] = r.source, custom, versions, since
	if r.id != "" {
		record["id"] = r.id
	}
	text, err := json.Marshal(record)
	if err != nil {
		return "", fmt.Errorf("encode row: %w", err)
	}
	return string(text), nil
}

// readRow is the inverse of record.
func readRow(key int64, record []byte) (*row, error) {
	var all values
	var head struct {
		Source   string           `json:"source"`
		ID       string           `json:"id"`
		Custom   values           `json:"custom"`
		Versions map[string]stamp `json:"versions"`
	}
	if json.Unmarshal(record, &all) != nil || json.Unmarshal(record, &head) != nil { // the errors may quote the row
		return nil, fmt.Errorf("row %d: its columns custom or versions are not as usersync writes them", key)
	}
	r := &row{
		key: key, source: head.Source, id: head.ID, since: head.Versions[sinceVersion],
		values: values{}, versions: map[string]stamp{},
	}
	for claim, value := range head.Custom {
		all["custom."+claim] = value
	}
	for name, at := range head.Versions {
		if name == sinceVersion {
			continue
		}
		r.versions[name] = at
		if !removed(all[name]) {
			r.values[name] = all[name]
		}
	}
	return r, nil
}
