package asgardeo

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/schema"
)

// readUser reads an ID and the claims in these lists under their standard names, later lists over earlier ones. A claim
// in removedClaims is gone, whatever the lists say. A claim without a standard name is custom, and a standard one of an
// unexpected type stays in the payload alone. Nil: there is nothing to read.
func readUser(user provider.Value, lists ...string) *schema.User {
	u := &schema.User{ID: user.Get("id").Text()}
	removed := claimURIs(user.Get("removedClaims"))
	filled := u.ID != ""
	for _, list := range lists {
		for _, claim := range user.Get(list).Elements() {
			uri := claim.Get("uri").Text()
			if uri != "" && !slices.Contains(removed, uri) && setClaim(u, uri, claim.Get("value")) {
				filled = true
			}
		}
	}
	if !filled {
		return nil
	}
	return u
}

func claimURIs(list provider.Value) []string {
	var uris []string
	for _, claim := range list.Elements() {
		uris = append(uris, claim.Get("uri").Text())
	}
	return uris
}

// setClaim puts a claim into its member and reports whether it had a value to put. Secrets have no member.
func setClaim(u *schema.User, uri string, v provider.Value) bool {
	name, standard := claimName(uri)
	if v.Kind() == provider.KindAbsent || v.Kind() == provider.KindNull || isSecret(uri) {
		return false
	}
	if !standard {
		if u.Custom == nil {
			u.Custom = make(map[string]json.RawMessage)
		}
		u.Custom[name] = v.Raw()
		return true
	}
	if flag := flagMember(u, name); flag != nil {
		*flag = truth(v)
		return *flag != nil
	}
	if v.Kind() != provider.KindText {
		return false
	}
	if text := textMember(u, name); text != nil {
		*text = v.OptionalText()
		return true
	}
	setAddress(u, name, v.Text())
	return true
}

func flagMember(u *schema.User, name string) **bool {
	switch name {
	case "email_verified":
		return &u.EmailVerified
	case "phone_number_verified":
		return &u.PhoneNumberVerified
	}
	return nil
}

// truth reads a boolean that is mostly written as a text.
func truth(v provider.Value) *bool {
	yes := strings.EqualFold(v.Text(), "true")
	if !yes && !strings.EqualFold(v.Text(), "false") {
		return v.OptionalBool()
	}
	return &yes
}

// textMember gives the place of a standard claim that is a text, nil for every other.
func textMember(u *schema.User, name string) **string {
	switch name {
	case "preferred_username":
		return &u.PreferredUsername
	case "email":
		return &u.Email
	case "phone_number":
		return &u.PhoneNumber
	case "given_name":
		return &u.GivenName
	case "middle_name":
		return &u.MiddleName
	case "family_name":
		return &u.FamilyName
	case "name":
		return &u.Name
	case "nickname":
		return &u.Nickname
	case "gender":
		return &u.Gender
	case "birthdate":
		return &u.Birthdate
	case "website":
		return &u.Website
	case "picture":
		return &u.Picture
	case "zoneinfo":
		return &u.Zoneinfo
	case "locale":
		return &u.Locale
	}
	return nil
}

func setAddress(u *schema.User, name, text string) {
	if u.Address == nil {
		u.Address = &schema.Address{}
	}
	switch name {
	case "address.country":
		u.Address.Country = &text
	case "address.locality":
		u.Address.Locality = &text
	case "address.region":
		u.Address.Region = &text
	case "address.street_address":
		u.Address.StreetAddress = &text
	case "address.postal_code":
		u.Address.PostalCode = &text
	}
}

// claimChanges names the members of user that an update set or removed, each once.
func claimChanges(user provider.Value) []string {
	var names []string
	for _, list := range []string{"addedClaims", "updatedClaims", "removedClaims"} {
		for _, uri := range claimURIs(user.Get(list)) {
			if name := changeName(uri); name != "" && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// changeName is the member of user that a claim is in, empty for those that are never in it.
func changeName(uri string) string {
	if uri == "" || isSecret(uri) {
		return ""
	}
	name, standard := claimName(uri)
	if !standard {
		return "custom." + name
	}
	member, _, _ := strings.Cut(name, ".") // the address is one member
	return member
}
