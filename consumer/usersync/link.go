package usersync

import (
	"cmp"
	"errors"
	"slices"
	"strings"
)

// choose gives the row that a change is for, nil if there is none yet, and rows of the same user that it absorbs.
//
// An ID decides alone. A row without one is a registration whose ID was not known: it belongs to an ID that bears the
// same name, unless something was known of that ID before the registration: then it is somebody else, whatever they
// call themselves. Other events without an ID are for the one user who bears their name.
func (c change) choose(rows []*row, link []string) (target *row, absorbed []*row, err error) {
	switch {
	case c.user.id != "":
		target, absorbed = c.byID(rows, link)
		return target, absorbed, nil
	case c.registration:
		return c.byRegistration(rows, link), nil, nil
	}
	target, err = c.byName(rows, link)
	return target, nil, err
}

func (c change) byID(rows []*row, link []string) (target *row, absorbed []*row) {
	since := c.at
	if i := slices.IndexFunc(rows, func(r *row) bool { return r.id == c.user.id }); i >= 0 {
		target = rows[i]
		since = min(since, target.since)
	}
	for _, r := range rows {
		switch {
		case r.id != "" || r.since > since || !c.user.same(r.identity(), link):
		case target == nil:
			target = r
		default:
			absorbed = append(absorbed, r)
		}
	}
	return target, absorbed
}

// byRegistration prefers a registration of the same name over an ID that was first heard of afterwards. A registration that
// an ID has taken over finds that again when it is replayed.
func (c change) byRegistration(rows []*row, link []string) *row {
	var late []*row
	for _, r := range rows {
		switch {
		case !c.user.same(r.identity(), link):
		case r.id == "":
			return r
		case r.since >= c.at || r.took(c.at):
			late = append(late, r)
		}
	}
	if len(late) == 0 {
		return nil
	}
	return slices.MinFunc(late, func(a, b *row) int { return cmp.Compare(a.since, b.since) })
}

func (c change) byName(rows []*row, link []string) (target *row, err error) {
	for _, r := range rows {
		if !c.user.same(r.identity(), link) {
			continue
		}
		if target != nil {
			return nil, errAmbiguous
		}
		target = r
	}
	return target, nil
}

var errAmbiguous = errors.New("it names no user by ID, and several by name")

// same reports whether two identities name one user: the first claim that both have decides.
func (i identity) same(other identity, link []string) bool {
	for _, name := range link {
		a, b := i.claims[name], other.claims[name]
		if name == "email" {
			a, b = strings.ToLower(a), strings.ToLower(b)
		}
		if a != "" && b != "" {
			return a == b
		}
	}
	return false
}
