package schema

import (
	"encoding/json"
	"time"
)

// An Event is one thing that happened at a provider: the body of a message, one shape for every provider. It never
// changes once accepted. Members that do not apply are absent.
//
// Times are UTC; Received has milliseconds. Providers may leave Outcome, Semantics and Time to [Wire.Encode]. Text goes
// out with U+FFFD in place of what is not valid UTF-8; an ID must be valid.
//
// Use [Wire.Encode] to put an event on the wire: encoding/json would rewrite the bytes of Payload.
type Event struct {
	ID        string    `json:"id"`     // the provider's ID, unique within its source
	Action    Action    `json:"action"` // otp.requested
	Source    string    `json:"source"`
	Provider  string    `json:"provider"`
	Native    string    `json:"native"` // the provider's own spelling: otp_requested
	Time      time.Time `json:"time"`   // when it happened; Received where the provider sends no time
	Received  time.Time `json:"received"`
	Outcome   Outcome   `json:"outcome"`
	Semantics Semantics `json:"semantics"`

	Actor *Actor `json:"actor,omitempty"`
	User  *User  `json:"user,omitempty"`

	OTP     *OTP     `json:"otp,omitempty"`
	Token   *Token   `json:"token,omitempty"`
	Session *Session `json:"session,omitempty"`

	Organization *Thing      `json:"organization,omitempty"`
	Application  *Thing      `json:"application,omitempty"`
	Credential   *Credential `json:"credential,omitempty"`
	Role         *Thing      `json:"role,omitempty"`
	Group        *Thing      `json:"group,omitempty"`
	Connection   *Thing      `json:"connection,omitempty"`
	Directory    *Thing      `json:"directory,omitempty"`
	Domain       *Thing      `json:"domain,omitempty"`
	Device       *Thing      `json:"device,omitempty"`
	Consent      *Thing      `json:"consent,omitempty"`
	Permission   *Thing      `json:"permission,omitempty"`

	// Where an event names several of a thing, the plural holds all and the singular the first.
	Sessions     []Session `json:"sessions,omitempty"`
	Tokens       []Token   `json:"tokens,omitempty"`
	Applications []Thing   `json:"applications,omitempty"`
	Members      []User    `json:"members,omitempty"`

	Changes []string `json:"changes,omitempty"` // names of members of user, or of what the action is about
	Reason  string   `json:"reason,omitempty"`
	Client  *Client  `json:"client,omitempty"`

	// JWS is the signed token that the delivery was, for verifying again. Where something in Payload is sealed it is a
	// compact JWE of it: five parts instead of three.
	JWS     string          `json:"jws,omitempty"`
	Payload json.RawMessage `json:"payload"` // the provider's JSON for this event, its bytes as they came

	// Sensitive names the members of this event's JSON that are sealed before it touches a disk.
	Sensitive []Member `json:"-"`
}

// An Outcome is how it ended, with ECS's values of event.outcome.
type Outcome string

// The outcomes. A command's is unknown: the provider asks, and cannot know.
const (
	Success Outcome = "success"
	Failure Outcome = "failure"
	Unknown Outcome = "unknown"
)

// Semantics tells whether somebody is expected to act.
type Semantics string

// A notice says that something happened; a command asks somebody to act.
const (
	Notice  Semantics = "notice"
	Command Semantics = "command"
)

// An Actor is who did it.
type Actor struct {
	Type string `json:"type"` // user, admin, application, policy or system
	ID   string `json:"id,omitempty"`
	Name string `json:"name,omitempty"`
}

// A User holds OpenID Connect's standard claims of the account that an event is about, under their standard names.
type User struct {
	ID                  string   `json:"id,omitempty"`
	PreferredUsername   *string  `json:"preferred_username,omitempty"`
	Name                *string  `json:"name,omitempty"`
	GivenName           *string  `json:"given_name,omitempty"`
	MiddleName          *string  `json:"middle_name,omitempty"`
	FamilyName          *string  `json:"family_name,omitempty"`
	Nickname            *string  `json:"nickname,omitempty"`
	Profile             *string  `json:"profile,omitempty"`
	Picture             *string  `json:"picture,omitempty"`
	Website             *string  `json:"website,omitempty"`
	Email               *string  `json:"email,omitempty"`
	EmailVerified       *bool    `json:"email_verified,omitempty"`
	Gender              *string  `json:"gender,omitempty"`
	Birthdate           *string  `json:"birthdate,omitempty"`
	Zoneinfo            *string  `json:"zoneinfo,omitempty"`
	Locale              *string  `json:"locale,omitempty"`
	PhoneNumber         *string  `json:"phone_number,omitempty"`
	PhoneNumberVerified *bool    `json:"phone_number_verified,omitempty"`
	Address             *Address `json:"address,omitempty"`

	Password json.RawMessage            `json:"password,omitempty"` // sensitive: {"sealed": "<JWE>"} on the wire
	Custom   map[string]json.RawMessage `json:"custom,omitempty"`   // claims that have no standard name
}

// An Address is OpenID Connect's address claim.
type Address struct {
	Formatted     *string `json:"formatted,omitempty"`
	StreetAddress *string `json:"street_address,omitempty"`
	Locality      *string `json:"locality,omitempty"`
	Region        *string `json:"region,omitempty"`
	PostalCode    *string `json:"postal_code,omitempty"`
	Country       *string `json:"country,omitempty"`
}

// An OTP is a one-time code that is to be made and delivered.
type OTP struct {
	ID      string `json:"id,omitempty"`
	Channel string `json:"channel,omitempty"` // email, sms or call
	To      string `json:"to,omitempty"`      // an address or an E.164 number
	Hint    string `json:"hint,omitempty"`    // To, masked for display
	Purpose string `json:"purpose,omitempty"`
}

// A Token is one that was issued, refreshed or revoked. Value is in clear only where the token is no longer a secret.
type Token struct {
	ID        string          `json:"id,omitempty"`
	Value     json.RawMessage `json:"value,omitempty"` // a string, or {"sealed": "<JWE>"}
	Type      string          `json:"type,omitempty"`
	GrantType string          `json:"grant_type,omitempty"`
	Scopes    []string        `json:"scopes,omitempty"`
}

// A Session is a sign-in that lasts.
type Session struct {
	ID string `json:"id"`
}

// A Thing is whatever else has an ID and a name: an organization, an application, a role, a connection.
type Thing struct {
	ID   string `json:"id,omitempty"`
	Name string `json:"name,omitempty"`
}

// A Credential is what a user proves their identity with.
type Credential struct {
	Type string `json:"type,omitempty"` // CAEP's list, else the provider's word in lower case
	ID   string `json:"id,omitempty"`
	Name string `json:"name,omitempty"`
}

// A Client is where the request came from that caused the event. IP is text as the provider sent it, perhaps masked.
type Client struct {
	IP        string `json:"ip,omitempty"`
	UserAgent string `json:"user_agent,omitempty"`
}
