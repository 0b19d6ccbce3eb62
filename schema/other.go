package schema

import "strings"

// Other is the action of a native action that we do not know: "other." and its name, made fit for a subject.
//
// Of a URI only the last part is taken: after "/event-type/" with the path segment before it in front
// ("https://schemas.openid.net/secevent/risc/event-type/opt-in" is "other.risc_opt_in"), else after the last '/', ':' or
// '#'. What starts with a scheme and a colon (RFC 3986, section 3.1) is a URI.
func Other(native string) Action {
	return CategoryOther + "." + Action(sanitize(lastPart(native)))
}

// lastPart is the part of a native action that tells it from others of its provider.
func lastPart(native string) string {
	if !isURI(native) {
		return native
	}
	if before, after, ok := strings.Cut(native, "/event-type/"); ok {
		return before[strings.LastIndexByte(before, '/')+1:] + "_" + after
	}
	return native[strings.LastIndexAny(native, "/:#")+1:]
}

// isURI reports whether s starts with a scheme and a colon.
func isURI(s string) bool {
	for i := range len(s) {
		c := s[i]
		switch {
		case isLower(c), isUpper(c):
		case i > 0 && (isDigit(c) || c == '+' || c == '-' || c == '.'):
		default:
			return i > 0 && c == ':'
		}
	}
	return false
}

// sanitize makes a token of an action from any text: ASCII capitals become small, other strange characters '_'.
func sanitize(s string) string {
	b := make([]byte, 0, maxToken)
	for _, r := range s {
		c := sanitizeRune(r)
		if len(b) == 0 && !isLower(c) {
			b = append(b, 'x')
		}
		if len(b) == maxToken {
			break
		}
		b = append(b, c)
	}
	if len(b) == 0 {
		return "x"
	}
	return string(b)
}

func sanitizeRune(r rune) byte {
	switch {
	case r > 0x7f:
		return '_'
	case isUpper(byte(r)):
		return byte(r) + 'a' - 'A'
	case isLower(byte(r)), isDigit(byte(r)):
		return byte(r)
	}
	return '_'
}
