package otp

import (
	"encoding/json"

	"github.com/forebayhq/forebay/schema"
)

// A Person is a user as templates can say it. What the event does not tell is empty, so that {{if}} and {{with}} do what
// one expects, and nothing prints "<nil>".
type Person struct {
	ID, PreferredUsername                       string
	Name, GivenName, MiddleName, FamilyName     string
	Nickname, Profile, Picture, Website, Gender string
	Email, PhoneNumber                          string
	Birthdate, Zoneinfo, Locale                 string
	EmailVerified, PhoneNumberVerified          bool
	Custom                                      map[string]string // text as it is, anything else as JSON
}

func personOf(u schema.User) Person {
	p := Person{
		ID: u.ID, PreferredUsername: value(u.PreferredUsername),
		Name: value(u.Name), GivenName: value(u.GivenName), MiddleName: value(u.MiddleName), FamilyName: value(u.FamilyName),
		Nickname: value(u.Nickname), Profile: value(u.Profile), Picture: value(u.Picture), Website: value(u.Website),
		Gender: value(u.Gender), Email: value(u.Email), PhoneNumber: value(u.PhoneNumber),
		Birthdate: value(u.Birthdate), Zoneinfo: value(u.Zoneinfo), Locale: value(u.Locale),
		EmailVerified: value(u.EmailVerified), PhoneNumberVerified: value(u.PhoneNumberVerified),
		Custom: map[string]string{},
	}
	for name, claim := range u.Custom {
		var text string
		if json.Unmarshal(claim, &text) != nil {
			text = string(claim)
		}
		p.Custom[name] = text
	}
	return p
}

// anybody is a user of whom much is known, to try templates with.
func anybody() Person {
	text := "x"
	return personOf(schema.User{
		ID: text, PreferredUsername: &text, Name: &text, GivenName: &text, MiddleName: &text, FamilyName: &text,
		Nickname: &text, Profile: &text, Picture: &text, Website: &text, Gender: &text, Email: &text, PhoneNumber: &text,
		Birthdate: &text, Zoneinfo: &text, Locale: &text,
	})
}

// value is what a pointer points to; nil: the zero value.
func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
