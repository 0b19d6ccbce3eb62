package set

import (
	"encoding/json"
	"slices"

	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/schema"
)

// claimsChange is the event that lists claims with their new values.
const claimsChange = provider.SignalBase + "caep/event-type/token-claims-change"

// fill sets the common members of e that the token can fill. Data is the event's own object.
func fill(e *schema.Event, claims, data provider.Value) {
	switch initiator := data.Get("initiating_entity").Text(); initiator {
	case "admin", "user", "policy", "system":
		e.Actor = &schema.Actor{Type: initiator}
	}
	e.Reason = reason(data)
	fillSubject(e, claims, data)
	if id := data.Get("ext_id").Text(); id != "" && e.Session == nil {
		e.Session = &schema.Session{ID: id}
	}
	c := schema.Credential{
		Type: data.Get("credential_type").Text(), Name: data.Get("friendly_name").Text(), ID: data.Get("x509_serial").Text(),
	}
	if c != (schema.Credential{}) {
		e.Credential = &c
	}
	if e.Native == claimsChange {
		fillChanges(e, data.Get("claims"))
	}
}

// reason is the transmitter's word, else what it tells administrators, else what it tells users.
func reason(data provider.Value) string {
	if word := data.Get("reason").Text(); word != "" {
		return word
	}
	for _, name := range []string{"reason_admin", "reason_user"} {
		if text := inEnglish(data.Get(name)); text != "" {
			return text
		}
	}
	return ""
}

// inEnglish is a text, or of texts by language the English one, else the first.
func inEnglish(v provider.Value) string {
	if v.Kind() == provider.KindText {
		return v.Text()
	}
	if text := v.Get("en").Text(); text != "" {
		return text
	}
	for _, m := range v.Members() {
		if m.Text() != "" {
			return m.Text()
		}
	}
	return ""
}

// fillChanges names the claims that changed and takes over their values. A claim that is null was removed.
func fillChanges(e *schema.Event, claims provider.Value) {
	for _, claim := range claims.Members() {
		if e.User == nil {
			e.User = &schema.User{}
		}
		name := string(claim.Name())
		if claim.Kind() == provider.KindNull && slices.Contains(standardClaims(), name) || setClaim(e.User, name, claim) {
			e.Changes = append(e.Changes, name)
			continue
		}
		e.Changes = append(e.Changes, "custom."+name)
		if claim.Kind() != provider.KindNull {
			setCustom(e.User, name, claim.Raw())
		}
	}
}

// setClaim sets a standard claim that has the type of one.
func setClaim(u *schema.User, name string, v provider.Value) bool {
	if !slices.Contains(standardClaims(), name) || !fits(name, v.Kind()) {
		return false
	}
	text, err := json.Marshal(map[string]json.RawMessage{name: v.Raw()})
	if err != nil {
		return false
	}
	var one schema.User
	if json.Unmarshal(text, &one) != nil { // an address with members of other types
		return false
	}
	return json.Unmarshal(text, u) == nil
}

// fits reports whether a standard claim may have a value of that kind.
func fits(name string, k provider.Kind) bool {
	switch name {
	case "email_verified", "phone_number_verified":
		return k == provider.KindTrue || k == provider.KindFalse
	case "address":
		return k == provider.KindObject
	}
	return k == provider.KindText
}

func setCustom(u *schema.User, name string, raw json.RawMessage) {
	if u.Custom == nil {
		u.Custom = make(map[string]json.RawMessage)
	}
	u.Custom[name] = raw
}

// standardClaims are those of OpenID Connect that a user has under the same name, sub aside.
func standardClaims() []string {
	return []string{
		"preferred_username", "name", "given_name", "middle_name", "family_name", "nickname", "profile", "picture",
		"website", "email", "email_verified", "gender", "birthdate", "zoneinfo", "locale", "phone_number",
		"phone_number_verified", "address",
	}
}
