package schema

import "errors"

var errTooLarge = errors.New("larger than the broker's max_payload")

// A bodySealer replaces values of one event's JSON. Equal values share one JWE: encrypting is what costs.
type bodySealer struct {
	sealer *Sealer
	known  map[secret]string
	limit  int64 // of the result, in bytes; 0: none
}

// A secret is a value to be sealed: a string's text, or JSON.
type secret struct {
	plain  string
	isText bool
}

// sealBody replaces every sensitive value of an event's JSON by {"sealed": "<JWE>"}. All other bytes stay as they are.
func (w Wire) sealBody(body []byte, m *matcher) ([]byte, error) {
	spans, err := sensitiveSpans(body, m)
	if err != nil || len(spans) == 0 {
		return body, err
	}
	s := bodySealer{sealer: w.Seal, known: make(map[secret]string), limit: w.MaxBytes}
	return s.replace(body, spans)
}

func (s *bodySealer) replace(body []byte, spans []span) ([]byte, error) {
	out := make([]byte, 0, len(body)+512)
	done := 0
	for _, at := range spans {
		compact, err := s.seal(body[at.start:at.end])
		if err != nil {
			return nil, err
		}
		out = append(out, body[done:at.start]...)
		out = appendSealed(out, compact, at.bare)
		done = at.end
		// Stop early: a hostile payload could ask for more encrypting than fits.
		if s.limit > 0 && int64(len(out)) > s.limit {
			return nil, errTooLarge
		}
	}
	return append(out, body[done:]...), nil
}

func (s *bodySealer) seal(raw []byte) (compact string, err error) {
	plain, isText := raw, raw[0] == '"'
	if isText {
		if plain, err = unquote(raw); err != nil {
			return "", err
		}
	}
	key := secret{string(plain), isText}
	if compact, ok := s.known[key]; ok {
		return compact, nil
	}
	if compact, err = s.sealer.sealValue(plain, isText); err != nil {
		return "", err
	}
	s.known[key] = compact
	return compact, nil
}

func appendSealed(b []byte, compact string, bare bool) []byte {
	if bare {
		return appendText(b, compact)
	}
	b = append(b, `{"sealed":`...)
	b = appendText(b, compact)
	return append(b, '}')
}
