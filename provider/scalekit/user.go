package scalekit

import (
	"cmp"
	"encoding/json"

	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/schema"
)

// accountUser reads a user of Scalekit: its record, and its profile inside.
func accountUser(user provider.Value) *schema.User {
	u := &schema.User{ID: user.Get("id").Text()}
	profile := user.Get("user_profile")
	setClaims(u, user)
	setClaims(u, profile)
	setCustomAttributes(u, user.Get("custom_attributes"))
	setCustomAttributes(u, profile.Get("custom_attributes"))
	return u
}

// directoryUser reads a user as a directory pushes it: record and profile are one object.
func directoryUser(data provider.Value) *schema.User {
	u := &schema.User{ID: data.Get("id").Text()}
	setClaims(u, data)
	setCustomAttributes(u, data.Get("custom_attributes"))
	return u
}

// setClaims reads the members that are about the person. The others (times, metadata, what the directory sent raw) stay
// in the payload.
func setClaims(u *schema.User, object provider.Value) {
	for _, claim := range object.Members() {
		switch name := string(claim.Name()); name {
		case "email_verified":
			u.EmailVerified = claim.OptionalBool()
		case "phone_number_verified":
			u.PhoneNumberVerified = claim.OptionalBool()
		case "address":
			u.Address = readAddress(claim)
		case "external_id", "dp_id", "active", "title", "department", "division", "cost_center", "employee_id",
			"user_type", "language", "groups", "roles":
			setCustom(u, name, claim)
		default:
			if text := textClaim(u, name); text != nil && filled(claim) != nil {
				*text = filled(claim)
			}
		}
	}
}

// filled is the text of v, nil where it is none or empty: Scalekit sends "" for what is not set.
func filled(v provider.Value) *string {
	if v.Text() == "" {
		return nil
	}
	return v.OptionalText()
}

// textClaim gives the place of a claim that is a text and has its standard name at Scalekit too, nil for any other.
func textClaim(u *schema.User, name string) **string {
	switch name {
	case "email":
		return &u.Email
	case "name":
		return &u.Name
	case "given_name":
		return &u.GivenName
	case "family_name":
		return &u.FamilyName
	case "nickname":
		return &u.Nickname
	case "preferred_username":
		return &u.PreferredUsername
	case "picture":
		return &u.Picture
	case "profile":
		return &u.Profile
	case "phone_number":
		return &u.PhoneNumber
	case "gender":
		return &u.Gender
	case "locale":
		return &u.Locale
	case "zoneinfo":
		return &u.Zoneinfo
	}
	return nil
}

// setCustomAttributes takes over the attributes that the customer named. What Scalekit itself calls so comes first.
func setCustomAttributes(u *schema.User, attributes provider.Value) {
	for _, a := range attributes.Members() {
		setCustom(u, string(a.Name()), a)
	}
}

// setCustom keeps the first value of a name. Null and the empty text are none.
func setCustom(u *schema.User, name string, v provider.Value) {
	if _, taken := u.Custom[name]; taken || v.Kind() == provider.KindNull {
		return
	}
	if v.Kind() == provider.KindText && filled(v) == nil {
		return
	}
	if u.Custom == nil {
		u.Custom = make(map[string]json.RawMessage)
	}
	u.Custom[name] = v.Raw()
}

// readAddress reads the names of OpenID Connect and those of SCIM, which directories send; nil where it finds nothing.
func readAddress(v provider.Value) *schema.Address {
	text := func(names ...string) *string {
		for _, name := range names {
			if t := filled(v.Get(name)); t != nil {
				return t
			}
		}
		return nil
	}
	a := schema.Address{
		Formatted:     cmp.Or(text("formatted"), filled(v)),
		StreetAddress: text("street_address", "streetAddress"),
		Locality:      text("locality"),
		Region:        text("region"),
		PostalCode:    text("postal_code", "postalCode"),
		Country:       text("country"),
	}
	if a == (schema.Address{}) {
		return nil
	}
	return &a
}
