package provider

import (
	"bytes"
	"fmt"
)

// ParseBounded is [ParseObject] for a text that may be anybody's: one of more than most values is refused before anything
// is set aside for them. A value takes 24 bytes and as few as two of the text, and what reads them takes time for each.
func ParseBounded(text []byte, most int) (Value, error) {
	places := bytes.Count(text, []byte(",")) + bytes.Count(text, []byte("[")) + bytes.Count(text, []byte("{"))
	if places >= most && countValues(text) > most {
		return Value{}, fmt.Errorf("json: more than %d values", most)
	}
	return ParseObject(text)
}

// countValues is how many values a well-formed text has, itself included: one after each comma, and one after each
// opening bracket or brace unless the closing one follows.
func countValues(text []byte) int {
	count, last := 1, byte(0)
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch c {
		case ' ', '\t', '\n', '\r':
			continue
		case ',', '[', '{':
			count++
		case ']', '}':
			if last == '[' || last == '{' {
				count--
			}
		case '"':
			i = closingQuote(text, i+1)
		}
		last = c
	}
	return count
}

// closingQuote is where the string ends whose text begins at i, the end of the text where it does not.
func closingQuote(text []byte, i int) int {
	for ; i < len(text) && text[i] != '"'; i++ {
		if text[i] == '\\' {
			i++
		}
	}
	return i
}
