package schema

import (
	"errors"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
)

// A Member names members of an event's JSON by their path from its top: names with full stops between, array
// elements passed through. ** stands for any number of names: "**.password", "payload.payload.token". #2 stands for the
// third element of an array, and of the arrays in it: "payload.claims.#2.value".
//
// Of the common part only user.password, token.value, custom claims and their plurals can be sealed, and jws, which
// becomes the JWE itself.
type Member string

// Sealable reports whether what the path names can be sealed wherever it is found. What can not, in an event that has it,
// makes the event one that cannot be encoded; or it names nothing.
func (m Member) Sealable() bool {
	var p place
	for name := range strings.SplitSeq(string(m), ".") {
		if !strings.HasPrefix(name, "#") { // an element is where its array is
			p = p.down([]byte(name))
		}
	}
	return p.isJWS() || string(p.top) == "payload" || p.holdsSealed()
}

// anyNames is the name in a [Member] that stands for any number of names, none included.
const anyNames = "**"

// A matcher finds members by any of several paths at once. It is a state machine: each name of each path is a state,
// and a set of states is a bit set.
type matcher struct {
	names []string // at most maxNames
	start uint64   // the first names of the paths
	index uint64   // the names that may stand for an element of an array
	last  uint64   // the last names of the paths
}

// maxNames is how many states fit the set.
const maxNames = 64

// add takes a path in.
func (m *matcher) add(member Member) error {
	first, rest := len(m.names), string(member)
	for more := true; more; {
		var name string
		name, rest, more = strings.Cut(rest, ".")
		if name == "" || name == anyNames && !more {
			return errors.New("sensitive member: not names with full stops between, the last not **")
		}
		if len(m.names) == maxNames {
			return fmt.Errorf("sensitive members: more than %d names", maxNames)
		}
		if name[0] == '#' {
			m.index |= 1 << len(m.names)
		}
		m.names = append(m.names, name)
	}
	m.last |= 1 << (len(m.names) - 1)
	m.start |= m.reach(first)
	return nil
}

// reach is the set of states that i stands for: ** may stand for no name.
func (m *matcher) reach(i int) uint64 {
	set := uint64(1) << i
	for ; m.names[i] == anyNames; i++ {
		set |= 1 << (i + 1)
	}
	return set
}

// step goes down to a member of this name. It returns the states for the members below it, and whether it is named.
func (m *matcher) step(set uint64, name []byte) (next uint64, named bool) {
	for ; set != 0; set &= set - 1 {
		i := bits.TrailingZeros64(set)
		switch {
		case m.names[i] == anyNames:
			next |= m.reach(i)
		case m.names[i] != string(name):
		case m.last&(1<<i) != 0:
			named = true
		default:
			next |= m.reach(i + 1)
		}
	}
	return next, named
}

// element goes into element i of an array. What names no element passes through: it is looked for below all of them.
func (m *matcher) element(set uint64, i int) (next uint64, named bool) {
	if set&m.index == 0 {
		return set, false
	}
	next, named = m.step(set&m.index, strconv.AppendInt([]byte{'#'}, int64(i), 10))
	return set | next, named
}

// sensitive are the members of an event that are sealed, whoever declares them.
func (e *Event) sensitive() (m matcher, err error) {
	for _, member := range e.Sensitive {
		err = errors.Join(err, m.add(member))
	}
	// What an unknown event holds nobody has looked at.
	if e.Action.Category() == CategoryOther {
		err = errors.Join(err, m.add("**.password"), m.add("payload.**.token"))
	}
	if e.User != nil && len(e.User.Password) > 0 {
		err = errors.Join(err, m.add("user.password"))
	}
	return m, err
}
