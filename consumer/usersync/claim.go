package usersync

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/forebayhq/forebay/schema"
)

// claimColumns are the claims that have a column, under the names of OpenID Connect.
func claimColumns() []string {
	return []string{
		"preferred_username", "name", "given_name", "middle_name", "family_name", "nickname", "profile", "picture",
		"website", "email", "email_verified", "gender", "birthdate", "zoneinfo", "locale", "phone_number",
		"phone_number_verified", "address",
	}
}

// addClaims sets the claims that a user has, and removes those that changes lists and the user lacks.
func (v values) addClaims(user schema.User, changes []string) error {
	custom := user.Custom
	user.Custom, user.Password = nil, nil
	text, err := json.Marshal(user)
	if err != nil {
		return errors.New("user: cannot be encoded")
	}
	var standard values
	if err := json.Unmarshal(text, &standard); err != nil {
		return errors.New("user: is no object")
	}
	delete(standard, "id")
	for name, value := range standard {
		if v[name], err = clean(value); err != nil {
			return err
		}
	}
	for name, value := range custom {
		if v["custom."+noNUL(name)], err = clean(value); err != nil {
			return err
		}
	}
	v.removeClaims(changes)
	return nil
}

func (v values) removeClaims(changes []string) {
	columns := claimColumns()
	for _, name := range changes {
		name = noNUL(name)
		_, isCustom := customName(name)
		if _, there := v[name]; !there && (isCustom || slices.Contains(columns, name)) {
			v.clear(name)
		}
	}
}

// clean makes JSON that PostgreSQL takes: NUL and halves of surrogate pairs become U+FFFD.
func clean(value json.RawMessage) (json.RawMessage, error) {
	if len(value) == 0 {
		return json.RawMessage("null"), nil
	}
	if !bytes.Contains(value, []byte(`\u`)) {
		return value, nil
	}
	d := json.NewDecoder(bytes.NewReader(value))
	d.UseNumber()
	var tree any
	if d.Decode(&tree) != nil { // its error may quote the value
		return nil, errors.New("a value is no JSON")
	}
	return json.Marshal(withoutNUL(tree))
}

func withoutNUL(tree any) any {
	switch t := tree.(type) {
	case string:
		return noNUL(t)
	case []any:
		for i := range t {
			t[i] = withoutNUL(t[i])
		}
	case map[string]any:
		all := make(map[string]any, len(t))
		for name, value := range t {
			all[noNUL(name)] = withoutNUL(value)
		}
		return all
	}
	return tree
}

func noNUL(s string) string { return strings.ReplaceAll(s, "\x00", "\uFFFD") }
