package schema

import (
	"errors"
	"iter"
	"strings"
	"time"
)

// The headers of a message: CloudEvents 1.0, NATS binding, binary mode, and NATS's own. Values are escaped as
// [EscapeHeader] does. A header without a value is absent.
const (
	HeaderMsgID       = "Nats-Msg-Id"
	HeaderTTL         = "Nats-TTL"
	HeaderTraceparent = "traceparent"

	HeaderSpecVersion     = "ce-specversion"
	HeaderID              = "ce-id"
	HeaderType            = "ce-type"
	HeaderSource          = "ce-source"
	HeaderSubject         = "ce-subject" // the user's ID
	HeaderTime            = "ce-time"
	HeaderDataContentType = "ce-datacontenttype"
	HeaderDataSchema      = "ce-dataschema"
	HeaderProvider        = "ce-provider"
	HeaderNativeAction    = "ce-nativeaction"
	HeaderReceivedTime    = "ce-receivedtime"
	HeaderOutcome         = "ce-outcome"
)

// sourceURN starts every ce-source: a source is no URI by itself.
const sourceURN = "urn:forebay:"

// maxHeader bounds the headers of one message in bytes. JetStream keeps their length in 16 bits; half of that leaves
// room for what a redrive or a dead letter adds.
const maxHeader = 32 << 10

const hexDigits = "0123456789ABCDEF"

// EscapeHeader makes any text fit for a header value, as the CloudEvents binding says: blank, '"', '%' and every byte
// outside U+0021 to U+007E become %XX.
func EscapeHeader(s string) string {
	if !needsEscape(s) {
		return s
	}
	return string(appendEscaped(make([]byte, 0, len(s)+16), s))
}

// UnescapeHeader reads what [EscapeHeader] wrote. Hex digits of either case pass; what should have been escaped does not.
func UnescapeHeader(s string) (string, error) {
	if !needsEscape(s) {
		return s, nil
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '%':
			decoded, ok := unhex(s[i+1:])
			if !ok {
				return "", errors.New("unescape header: '%' without two hex digits")
			}
			b = append(b, decoded)
			i += 2
		case mustEscape(c):
			return "", errors.New("unescape header: a character that must be escaped is not")
		default:
			b = append(b, c)
		}
	}
	return string(b), nil
}

func appendEscaped(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; mustEscape(c) {
			b = append(b, '%', hexDigits[c>>4], hexDigits[c&15])
		} else {
			b = append(b, c)
		}
	}
	return b
}

func needsEscape(s string) bool {
	for i := range len(s) {
		if mustEscape(s[i]) {
			return true
		}
	}
	return false
}

func mustEscape(c byte) bool { return c <= ' ' || c >= 0x7f || c == '"' || c == '%' }

// unhex decodes the first two digits of s.
func unhex(s string) (byte, bool) {
	if len(s) < 2 {
		return 0, false
	}
	hi := strings.IndexByte(hexDigits, upper(s[0]))
	lo := strings.IndexByte(hexDigits, upper(s[1]))
	return byte(hi<<4 | lo), hi >= 0 && lo >= 0
}

func upper(c byte) byte {
	if isLower(c) {
		return c - 'a' + 'A'
	}
	return c
}

// A Header is the headers of a message as NATS writes them, a line each: "ce-id: 1\r\nce-type: otp.requested\r\n". Values
// are escaped, so no value ends a line.
type Header string

// All gives the names and values, in order.
func (h Header) All() iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		for rest := string(h); rest != ""; {
			var line string
			line, rest, _ = strings.Cut(rest, "\n") // one byte is found faster than two
			name, value, ok := strings.Cut(strings.TrimSuffix(line, "\r"), ":")
			if ok && !yield(name, strings.TrimPrefix(value, " ")) {
				return
			}
		}
	}
}

// Get is the value of a header, empty if there is none.
func (h Header) Get(name string) string {
	for n, value := range h.All() {
		if n == name {
			return value
		}
	}
	return ""
}

// Map gives the headers in the form of nats.Header.
func (h Header) Map() map[string][]string {
	m := make(map[string][]string)
	for name, value := range h.All() {
		m[name] = append(m[name], value)
	}
	return m
}

// size is what they take in a message, in bytes.
func (h Header) size() int { return len("NATS/1.0\r\n") + len(h) + len("\r\n") }

// appendHeader appends a header whose value is the parts, one after the other. Empty parts make no header.
func appendHeader(b []byte, name string, parts ...string) []byte {
	start := len(b)
	b = appendName(b, name)
	value := len(b)
	for _, p := range parts {
		b = appendEscaped(b, strings.ToValidUTF8(p, "\uFFFD"))
	}
	if len(b) == value {
		return b[:start]
	}
	return append(b, "\r\n"...)
}

func appendHeaderTime(b []byte, name string, t time.Time) []byte {
	return append(t.AppendFormat(appendName(b, name), time.RFC3339Nano), "\r\n"...)
}

func appendName(b []byte, name string) []byte { return append(append(b, name...), ": "...) }

// ValidTraceparent reports whether s is a traceparent of version 00 that names a trace: anything else is worth nothing
// to a consumer, and it may come from a stranger. https://www.w3.org/TR/trace-context/#traceparent-header
func ValidTraceparent(s string) bool {
	if len(s) != 55 || s[:3] != "00-" || s[35] != '-' || s[52] != '-' {
		return false
	}
	trace, span, flags := s[3:35], s[36:52], s[53:]
	return isLowerHex(trace) && isLowerHex(span) && isLowerHex(flags) &&
		strings.Trim(trace, "0") != "" && strings.Trim(span, "0") != ""
}

func isLowerHex(s string) bool {
	for i := range len(s) {
		if c := s[i]; !isDigit(c) && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
