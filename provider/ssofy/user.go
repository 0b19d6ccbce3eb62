package ssofy

import (
	"encoding/json"
	"errors"

	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/schema"
)

var errNoUser = errors.New("payload.user: not an object")

// readUser reads SSOfy's claims under their standard names. A null claim is absent, a claim without a standard name is
// custom, and a known claim of an unexpected type stays in the payload alone.
func readUser(claims provider.Value) *schema.User {
	u := &schema.User{}
	for _, claim := range claims.Members() {
		if claim.Kind() != provider.KindNull {
			setClaim(u, string(claim.Name()), claim)
		}
	}
	return u
}

func setClaim(u *schema.User, name string, v provider.Value) {
	if text := textClaim(u, name); text != nil {
		*text = v.OptionalText()
		return
	}
	switch name {
	case "id":
		u.ID = v.Text()
	case "email_verified":
		u.EmailVerified = v.OptionalBool()
	case "phone_verified":
		u.PhoneNumberVerified = v.OptionalBool()
	case "address":
		if v.Kind() == provider.KindText {
			u.Address = &schema.Address{Formatted: v.OptionalText()}
		}
	case "password":
		if v.Kind() == provider.KindText {
			u.Password = v.Raw()
		}
	case "created": // whether the record is new: nothing about the user
	default:
		if u.Custom == nil {
			u.Custom = make(map[string]json.RawMessage)
		}
		u.Custom[name] = v.Raw()
	}
}

// textClaim gives the place of a claim that is a text at SSOfy and in OpenID Connect, nil for every other claim.
func textClaim(u *schema.User, name string) **string {
	switch name {
	case "username":
		return &u.PreferredUsername
	case "email":
		return &u.Email
	case "phone":
		return &u.PhoneNumber
	case "name":
		return &u.Name
	case "given_name":
		return &u.GivenName
	case "middle_name":
		return &u.MiddleName
	case "family_name":
		return &u.FamilyName
	case "nickname":
		return &u.Nickname
	case "picture":
		return &u.Picture
	case "profile":
		return &u.Profile
	case "website":
		return &u.Website
	case "gender":
		return &u.Gender
	case "birthdate":
		return &u.Birthdate
	case "zoneinfo":
		return &u.Zoneinfo
	case "locale":
		return &u.Locale
	}
	return nil
}

// changes names the members of user that an update sets or, where they are null, clears. SSOfy sends the claims that
// are configured, so all that it sends counts as changed.
func changes(claims provider.Value) []string {
	var names []string
	for _, claim := range claims.Members() {
		if name := changeName(string(claim.Name())); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// changeName is where readUser puts a claim, empty for what is no change.
func changeName(claim string) string {
	switch claim {
	case "id", "hash", "created":
		return ""
	case "username":
		return "preferred_username"
	case "phone":
		return "phone_number"
	case "phone_verified":
		return "phone_number_verified"
	case "email_verified", "address", "password":
		return claim
	}
	if textClaim(new(schema.User), claim) != nil {
		return claim
	}
	return "custom." + claim
}
