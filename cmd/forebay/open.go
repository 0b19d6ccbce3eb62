package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/forebayhq/forebay/schema"
)

// An opener opens sealed members with one private key.
type opener struct {
	key []byte
	out screen
}

// maxJWE is more than any sealed member can be, in bytes: a message has at most 64 MiB.
const maxJWE = 64 << 20

// stream opens what comes in: one JWE, or JSON values as they come.
func (o opener) stream(r io.Reader) error {
	in := bufio.NewReader(r)
	first, err := skipBlanks(in)
	if err != nil {
		return fmt.Errorf("seal open: read standard input: %w", err)
	}
	if first == '{' || first == '[' || first == '"' {
		return o.values(json.NewDecoder(in))
	}
	compact, err := io.ReadAll(io.LimitReader(in, maxJWE))
	if err != nil {
		return fmt.Errorf("seal open: read standard input: %w", err)
	}
	return o.one(string(compact))
}

// skipBlanks gives the first byte that is none, and leaves it there.
func skipBlanks(in *bufio.Reader) (byte, error) {
	for {
		b, err := in.ReadByte()
		if err != nil {
			return 0, err
		}
		if !strings.ContainsRune(" \t\r\n", rune(b)) {
			return b, in.UnreadByte()
		}
	}
}

// one prints what a compact JWE holds: to a terminal with a line end and escaped, elsewhere its exact bytes.
func (o opener) one(compact string) error {
	text, err := schema.OpenSealed(o.key, strings.TrimSpace(compact))
	if err != nil {
		return fmt.Errorf("seal open: %w", err)
	}
	if o.out.terminal {
		_, err = fmt.Fprintln(o.out, printable(string(text)))
	} else {
		_, err = o.out.Write(text)
	}
	return err
}

// values prints JSON values with everything sealed opened. What this key does not open stays sealed and is an error
// in the end.
func (o opener) values(in *json.Decoder) error {
	var errs []error
	for {
		var value json.RawMessage
		err := in.Decode(&value)
		if errors.Is(err, io.EOF) {
			return errors.Join(errs...)
		}
		if err != nil {
			return fmt.Errorf("seal open: standard input: %w", err)
		}
		text, err := o.value("", value)
		if err != nil {
			errs = append(errs, fmt.Errorf("seal open: %w", err))
		}
		if err := o.print(text); err != nil {
			return err
		}
	}
}

func (o opener) print(text json.RawMessage) error {
	if o.out.terminal {
		return o.out.pretty(text)
	}
	return o.out.json(text)
}

// value opens everything inside a JSON value. Order, repeated names and the spelling of numbers stay.
func (o opener) value(path string, text json.RawMessage) (json.RawMessage, error) {
	if compact, ok := schema.Sealed(text); ok {
		opened, err := o.open(compact)
		if err != nil {
			return text, fmt.Errorf("%s: %w", printable(path), err)
		}
		return opened, nil
	}
	switch text[0] {
	case '{', '[':
		return o.inside(path, text)
	case '"':
		return o.token(path, text), nil
	}
	return text, nil
}

// inside opens the members of an object or the elements of an array.
func (o opener) inside(path string, text json.RawMessage) (json.RawMessage, error) {
	in := json.NewDecoder(bytes.NewReader(text))
	if _, err := in.Token(); err != nil {
		return text, err
	}
	out := []byte{text[0]}
	var errs []error
	for in.More() {
		if len(out) > 1 {
			out = append(out, ',')
		}
		at := path
		if text[0] == '{' {
			name, quoted, err := nextName(in)
			if err != nil {
				return text, err
			}
			at = strings.TrimPrefix(path+"."+name, ".")
			out = append(append(out, quoted...), ':')
		}
		var value json.RawMessage
		if err := in.Decode(&value); err != nil {
			return text, err
		}
		opened, err := o.value(at, value)
		errs = append(errs, err)
		out = append(out, opened...)
	}
	return append(out, text[len(text)-1]), errors.Join(errs...)
}

func nextName(in *json.Decoder) (name string, quoted []byte, err error) {
	token, err := in.Token()
	if err != nil {
		return "", nil, err
	}
	name, _ = token.(string) // what stands at this place of an object is one
	quoted, err = marshal(name)
	return name, quoted, err
}

// token opens an event's jws, which is sealed where it would tell what the payload hides. One that was not is left.
func (o opener) token(path string, text json.RawMessage) json.RawMessage {
	var compact string
	if path != "jws" && path != "event.jws" || json.Unmarshal(text, &compact) != nil || strings.Count(compact, ".") != 4 {
		return text
	}
	if opened, err := o.open(compact); err == nil {
		return opened
	}
	return text
}

// open gives a sealed value as JSON: text, unless its header says that it is JSON.
// https://www.rfc-editor.org/rfc/rfc7516#section-4.1.12
func (o opener) open(compact string) (json.RawMessage, error) {
	opened, err := schema.OpenSealed(o.key, compact)
	if err != nil {
		return nil, err
	}
	if contentType(compact) == "json" && json.Valid(opened) {
		return opened, nil
	}
	return marshal(string(opened))
}

func contentType(compact string) string {
	encoded, _, _ := strings.Cut(compact, ".")
	header, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil {
		return ""
	}
	var h struct {
		ContentType string `json:"cty"`
	}
	if json.Unmarshal(header, &h) != nil {
		return ""
	}
	return h.ContentType
}
