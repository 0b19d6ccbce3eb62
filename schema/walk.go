package schema

import "errors"

// A span is where a sensitive value stands in an event's JSON.
type span struct {
	start, end int
	bare       bool // replaced by the JWE as a string, not by an object that holds it
}

// A walker finds the sensitive values of an event's JSON. It never looks into a value that is itself sensitive.
type walker struct {
	scanner
	match *matcher
	spans []span

	jws     span // the value of jws, if there is one
	before  int  // how many spans stand before it
	payload bool // whether a span lies in payload
}

// A place is how far down a member is: the first two names of its path, and how many there are.
type place struct {
	top, sub []byte
	names    int
}

func (p place) down(name []byte) place {
	switch p.names {
	case 0:
		p.top = name
	case 1:
		p.sub = name
	}
	p.names++
	return p
}

// sensitiveSpans finds the sensitive values of an event's JSON, in order.
//
// A signed token says again what the payload says: where something in the payload is sensitive, jws is too.
func sensitiveSpans(body []byte, m *matcher) ([]span, error) {
	w := walker{scanner: scanner{data: body}, match: m}
	// The payload lies one level deep and a custom claim three; both were bounded before.
	if err := w.object(m.start, maxDepth+3, place{}); err != nil {
		return nil, err
	}
	if w.payload && w.jws.end > 0 {
		w.spans = append(w.spans[:w.before:w.before], append([]span{w.jws}, w.spans[w.before:]...)...)
	}
	return w.spans, nil
}

// walk steps over a value. Array elements are where their array is.
func (w *walker) walk(set uint64, depth int, p place) error {
	switch c := w.peek(); {
	case set == 0:
		return w.value(depth)
	case c == '{':
		return w.object(set, depth, p)
	case c == '[':
		return w.array(set, depth, p)
	}
	return w.value(depth)
}

func (w *walker) array(set uint64, depth int, p place) error {
	if depth == 0 {
		return errDepth
	}
	w.pos++
	for i := 0; ; i++ {
		if more, err := w.more(i == 0, ']'); !more {
			return err
		}
		next, named := w.match.element(set, i)
		if err := w.enter(next, named, depth-1, p); err != nil {
			return err
		}
	}
}

func (w *walker) object(set uint64, depth int, p place) error {
	if depth == 0 {
		return errDepth
	}
	w.pos++
	for first := true; ; first = false {
		if more, err := w.more(first, '}'); !more {
			return err
		}
		if err := w.member(set, depth-1, p); err != nil {
			return err
		}
	}
}

func (w *walker) member(set uint64, depth int, p place) error {
	raw, err := w.name()
	if err != nil {
		return err
	}
	name, err := unquote(raw)
	if err != nil {
		return err
	}
	next, named := w.match.step(set, name)
	return w.enter(next, named, depth, p.down(name))
}

// enter looks into a value, unless it is itself sensitive, or jws.
func (w *walker) enter(next uint64, named bool, depth int, p place) error {
	if !named && !p.isJWS() {
		return w.walk(next, depth, p)
	}
	start := w.pos
	if err := w.value(depth); err != nil {
		return err
	}
	return w.keep(span{start: start, end: w.pos}, p, named)
}

// keep takes in the span of a sensitive value, or of jws.
func (w *walker) keep(s span, p place, named bool) error {
	switch {
	case p.isJWS():
		s.bare = true
		w.jws, w.before = s, len(w.spans)
		w.payload = w.payload || named
		return nil
	case string(p.top) == "payload":
		w.payload = true
	case !p.holdsSealed():
		return errors.New("sensitive member: names a member of the common part that cannot be sealed")
	}
	w.spans = append(w.spans, s)
	return nil
}

func (p place) isJWS() bool { return p.names == 1 && string(p.top) == "jws" }

// holdsSealed reports whether a member of the common part may hold a sealed value by the event's schema.
func (p place) holdsSealed() bool {
	switch string(p.top) {
	case "user", "members":
		return p.names == 2 && string(p.sub) == "password" || p.names > 2 && string(p.sub) == "custom"
	case "token", "tokens":
		return p.names == 2 && string(p.sub) == "value"
	}
	return false
}
