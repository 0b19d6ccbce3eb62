package schema

import (
	"encoding/json"
	"maps"
	"slices"
	"time"
)

// appendEvent appends an event's JSON. It is written by hand because encoding/json would rewrite the bytes of the
// payload, and allocate on the way in of every event.
func appendEvent(b []byte, e *Event) []byte {
	w := bodyWriter{append(b, '{')}
	w.head(e)
	w.actor(e.Actor)
	w.user(e.User)
	w.otp(e.OTP)
	if e.Token != nil {
		w.key("token")
		w.token(*e.Token)
	}
	if e.Session != nil {
		w.key("session")
		w.session(*e.Session)
	}
	w.things(e)
	w.plurals(e)
	w.texts("changes", e.Changes)
	w.text("reason", e.Reason)
	w.client(e.Client)
	w.text("jws", e.JWS)
	w.raw("payload", e.Payload)
	return append(w.buf, '}')
}

// A bodyWriter appends members of JSON objects. Members without a value are left out.
type bodyWriter struct{ buf []byte }

func (w *bodyWriter) head(e *Event) {
	w.must("id", e.ID)
	w.must("action", string(e.Action))
	w.must("source", e.Source)
	w.must("provider", e.Provider)
	w.must("native", e.Native)
	w.time("time", e.Time)
	w.time("received", e.Received)
	w.must("outcome", string(e.Outcome))
	w.must("semantics", string(e.Semantics))
}

func (w *bodyWriter) things(e *Event) {
	w.thing("organization", e.Organization)
	w.thing("application", e.Application)
	w.credential(e.Credential)
	w.thing("role", e.Role)
	w.thing("group", e.Group)
	w.thing("connection", e.Connection)
	w.thing("directory", e.Directory)
	w.thing("domain", e.Domain)
	w.thing("device", e.Device)
	w.thing("consent", e.Consent)
	w.thing("permission", e.Permission)
}

func (w *bodyWriter) plurals(e *Event) {
	list(w, "sessions", e.Sessions, (*bodyWriter).session)
	list(w, "tokens", e.Tokens, (*bodyWriter).token)
	list(w, "applications", e.Applications, (*bodyWriter).thingValue)
	list(w, "members", e.Members, (*bodyWriter).userValue)
}

func (w *bodyWriter) actor(a *Actor) {
	if a == nil {
		return
	}
	w.open("actor")
	w.must("type", a.Type)
	w.text("id", a.ID)
	w.text("name", a.Name)
	w.close()
}

func (w *bodyWriter) user(u *User) {
	if u != nil {
		w.key("user")
		w.userValue(*u)
	}
}

func (w *bodyWriter) userValue(u User) {
	w.begin()
	w.text("id", u.ID)
	w.optional("preferred_username", u.PreferredUsername)
	w.optional("name", u.Name)
	w.optional("given_name", u.GivenName)
	w.optional("middle_name", u.MiddleName)
	w.optional("family_name", u.FamilyName)
	w.optional("nickname", u.Nickname)
	w.optional("profile", u.Profile)
	w.optional("picture", u.Picture)
	w.optional("website", u.Website)
	w.optional("email", u.Email)
	w.flag("email_verified", u.EmailVerified)
	w.optional("gender", u.Gender)
	w.optional("birthdate", u.Birthdate)
	w.optional("zoneinfo", u.Zoneinfo)
	w.optional("locale", u.Locale)
	w.optional("phone_number", u.PhoneNumber)
	w.flag("phone_number_verified", u.PhoneNumberVerified)
	w.address(u.Address)
	w.raw("password", u.Password)
	w.custom(u.Custom)
	w.close()
}

func (w *bodyWriter) address(a *Address) {
	if a == nil {
		return
	}
	w.open("address")
	w.optional("formatted", a.Formatted)
	w.optional("street_address", a.StreetAddress)
	w.optional("locality", a.Locality)
	w.optional("region", a.Region)
	w.optional("postal_code", a.PostalCode)
	w.optional("country", a.Country)
	w.close()
}

// custom writes the claims in the order of their names, so that one event has one text.
func (w *bodyWriter) custom(claims map[string]json.RawMessage) {
	if len(claims) == 0 {
		return
	}
	w.open("custom")
	for _, name := range slices.Sorted(maps.Keys(claims)) {
		w.comma()
		w.buf = appendText(w.buf, name)
		w.buf = append(w.buf, ':')
		w.buf = append(w.buf, claims[name]...)
	}
	w.close()
}

func (w *bodyWriter) otp(o *OTP) {
	if o == nil {
		return
	}
	w.open("otp")
	w.text("id", o.ID)
	w.text("channel", o.Channel)
	w.text("to", o.To)
	w.text("hint", o.Hint)
	w.text("purpose", o.Purpose)
	w.close()
}

func (w *bodyWriter) token(t Token) {
	w.begin()
	w.text("id", t.ID)
	w.raw("value", t.Value)
	w.text("type", t.Type)
	w.text("grant_type", t.GrantType)
	w.texts("scopes", t.Scopes)
	w.close()
}

func (w *bodyWriter) session(s Session) {
	w.begin()
	w.must("id", s.ID)
	w.close()
}

func (w *bodyWriter) thing(name string, t *Thing) {
	if t != nil {
		w.key(name)
		w.thingValue(*t)
	}
}

func (w *bodyWriter) thingValue(t Thing) {
	w.begin()
	w.text("id", t.ID)
	w.text("name", t.Name)
	w.close()
}

func (w *bodyWriter) credential(c *Credential) {
	if c == nil {
		return
	}
	w.open("credential")
	w.text("type", c.Type)
	w.text("id", c.ID)
	w.text("name", c.Name)
	w.close()
}

func (w *bodyWriter) client(c *Client) {
	if c == nil {
		return
	}
	w.open("client")
	w.text("ip", c.IP)
	w.text("user_agent", c.UserAgent)
	w.close()
}

func (w *bodyWriter) must(name, v string) {
	w.key(name)
	w.buf = appendText(w.buf, v)
}

func (w *bodyWriter) text(name, v string) {
	if v != "" {
		w.must(name, v)
	}
}

func (w *bodyWriter) optional(name string, v *string) {
	if v != nil {
		w.must(name, *v)
	}
}

func (w *bodyWriter) flag(name string, v *bool) {
	switch {
	case v == nil:
	case *v:
		w.raw(name, []byte("true"))
	default:
		w.raw(name, []byte("false"))
	}
}

func (w *bodyWriter) raw(name string, v json.RawMessage) {
	if len(v) > 0 {
		w.key(name)
		w.buf = append(w.buf, v...)
	}
}

func (w *bodyWriter) time(name string, t time.Time) {
	w.key(name)
	w.buf = append(w.buf, '"')
	w.buf = t.AppendFormat(w.buf, time.RFC3339Nano)
	w.buf = append(w.buf, '"')
}

func (w *bodyWriter) texts(name string, vs []string) {
	list(w, name, vs, func(w *bodyWriter, v string) { w.buf = appendText(w.buf, v) })
}

// list writes an array; an empty one is left out.
func list[T any](w *bodyWriter, name string, vs []T, write func(*bodyWriter, T)) {
	if len(vs) == 0 {
		return
	}
	w.key(name)
	w.buf = append(w.buf, '[')
	for _, v := range vs {
		w.comma()
		write(w, v)
	}
	w.buf = append(w.buf, ']')
}

func (w *bodyWriter) open(name string) {
	w.key(name)
	w.begin()
}

func (w *bodyWriter) begin() { w.buf = append(w.buf, '{') }

func (w *bodyWriter) close() { w.buf = append(w.buf, '}') }

// key starts a member. Names are ours: none needs escaping.
func (w *bodyWriter) key(name string) {
	w.comma()
	w.buf = append(w.buf, '"')
	w.buf = append(w.buf, name...)
	w.buf = append(w.buf, '"', ':')
}

// comma separates a member or element from the one before it. No JSON value ends with an opening bracket.
func (w *bodyWriter) comma() {
	if c := w.buf[len(w.buf)-1]; c != '{' && c != '[' {
		w.buf = append(w.buf, ',')
	}
}
