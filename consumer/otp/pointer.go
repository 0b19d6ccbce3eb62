package otp

import (
	"encoding/json"
	"strconv"
	"strings"
)

// pointer gives what a JSON pointer (RFC 6901) finds in a document.
func pointer(doc []byte, path string) (json.RawMessage, bool) {
	here := json.RawMessage(doc)
	unescape := strings.NewReplacer("~1", "/", "~0", "~")
	for step := range strings.SplitSeq(strings.TrimPrefix(path, "/"), "/") {
		next, ok := member(here, unescape.Replace(step))
		if !ok {
			return nil, false
		}
		here = next
	}
	return here, true
}

// member is one step: into an object by name, into an array by index.
func member(doc json.RawMessage, name string) (json.RawMessage, bool) {
	var object map[string]json.RawMessage
	if json.Unmarshal(doc, &object) == nil && object != nil {
		v, ok := object[name]
		return v, ok
	}
	var array []json.RawMessage
	if json.Unmarshal(doc, &array) != nil {
		return nil, false
	}
	i, err := strconv.Atoi(name)
	if err != nil || i < 0 || i >= len(array) || strconv.Itoa(i) != name {
		return nil, false
	}
	return array[i], true
}
