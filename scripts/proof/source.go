package main

import (
	"encoding/base64"
	"net/http"
)

// publicURL is what providers call, as far as signatures know.
const publicURL = "https://hooks.example.com"

// streamName is where events end up, on identity.<source>.<action>.
const streamName = "IDENTITY"

// A source is one that sends, with what its provider documents about it.
type source struct {
	name     string
	provider string
	secret   string
	options  string // of the provider, as YAML
	kinds    []kind
	wrap     func(m *maker, k *kind) object        // the body around a kind's data, for one event
	sign     func(d *delivery, header http.Header) // as for the first time
	events   int                                   // at most, in a delivery
}

// A kind is a native action, what it is on the stream, and what the provider tells with it.
type kind struct {
	native string
	action string
	urgent bool
	sealed bool // forebay encrypts a part of it: the payload is not what was sent
	data   func(*maker) object
}

func (s *source) path() string { return "/webhooks/" + s.name }

// sources are one of each of the five seed providers, Asgardeo's both ways of delivery, and a product without a provider
// of its own, which sends several events at once.
func sources() []*source {
	return []*source{
		{
			name: "ssofy", provider: "ssofy", secret: "invented-for-the-proofs-ssofy",
			kinds: ssofyKinds(), wrap: wrapSSOfy, sign: signSSOfy, events: 1,
		}, {
			name: "acme", provider: "asgardeo", secret: "invented for the proofs, a hub", options: `{mode: hub, topics: ["acme.*"]}`,
			kinds: asgardeoKinds(), wrap: wrapAsgardeo, sign: signHub, events: 1,
		}, {
			name: "wso2", provider: "asgardeo", secret: "invented for the proofs, direct", options: "{mode: direct}",
			kinds: asgardeoKinds(), wrap: wrapAsgardeo, sign: signDirect, events: 1,
		}, {
			name: "staff", provider: "entrust", secret: "invented-for-the-proofs-entrust",
			kinds: entrustKinds(), wrap: wrapEntrust, sign: signEntrust, events: 1,
		}, {
			name: "b2b", provider: "scalekit",
			secret: "whsec_" + base64.StdEncoding.EncodeToString([]byte("invented-for-the-proofs-of-forebay")),
			kinds:  scalekitKinds(), wrap: wrapScalekit, sign: signScalekit, events: 1,
		}, {
			name: "rewards", provider: "mgpass", secret: "invented-for-the-proofs-mgpass",
			kinds: mgpassKinds(), wrap: wrapMgpass, sign: signMgpass, events: 1,
		}, {
			name: "crowd", provider: "generic", secret: "invented-for-the-proofs-crowd", options: crowdOptions,
			kinds: crowdKinds(), wrap: wrapCrowd, sign: signCrowd, events: 12,
		},
	}
}

const crowdOptions = `{verify: {hmac: {headers: [X-Crowd-Signature], form: kv, time_unit: s, signed: "{t}.{body}"}}, ` +
	`events: /events, id: /id, type: /type, time: /time, subject: /user/id, members: {user.email: /user/email}, ` +
	`actions: {user.*: same, signed_in: login.succeeded}}`

func ssofyKinds() []kind {
	return []kind{
		{"otp_requested", "otp.requested", true, false, func(m *maker) object {
			return object{"option": object{"id": "authentication-email-" + m.user, "type": "email", "to": m.email(),
				"hint": "*da@e******.com", "user_id": m.user, "action": "authentication"}, "ip": m.ip()}
		}},
		{"token_deleted", "token.revoked", true, false, func(m *maker) object { return object{"token": m.hex(32)} }},
		{"safety_reset", "cache.reset", true, false, func(*maker) object { return object{} }},
		{"user_updated", "user.updated", false, false, func(m *maker) object {
			return object{"user": object{"id": m.user, "email": m.email(), "nickname": m.text()}, "ip": m.ip()}
		}},
		{"user_created", "user.created", false, true, func(m *maker) object {
			return object{"user": object{"username": m.user, "email": m.email(), "password": m.hex(20)}, "ip": m.ip()}
		}},
		{"password_reset", "password.reset", true, true, func(m *maker) object {
			return object{"token": "tmp_" + m.hex(8), "password": m.hex(20), "ip": m.ip()}
		}},
	}
}

func asgardeoKinds() []kind {
	user := func(m *maker) object {
		return object{"id": m.user, "claims": []any{object{"uri": "http://wso2.org/claims/emailaddress", "value": m.email()}}}
	}
	return []kind{
		{"login/event-type/loginSuccess", "login.succeeded", false, false, func(m *maker) object {
			return object{"initiatorType": "USER", "initiatorIpAddress": m.ip(), "user": user(m),
				"application": object{"id": m.hex(8), "name": m.text()}, "authenticationMethods": []any{"BasicAuthenticator"}}
		}},
		{"user/event-type/userProfileUpdated", "user.updated", false, false, func(m *maker) object {
			return object{"initiatorType": "ADMIN", "action": "UPDATE", "user": object{"id": m.user, "updatedClaims": []any{
				object{"uri": "http://wso2.org/claims/nickname", "value": m.text()}}}}
		}},
		{"user/event-type/userAccountLocked", "user.locked", true, false, func(m *maker) object {
			return object{"user": user(m)}
		}},
		{"session/event-type/sessionRevoked", "session.revoked", true, false, func(m *maker) object {
			return object{"initiatorType": "USER", "user": user(m), "sessionId": m.hex(16)}
		}},
	}
}

func entrustKinds() []kind {
	data := func(m *maker) object {
		return object{"subject": m.user, "subjectName": m.text(), "subjectType": "USER", "resourceName": "User Portal",
			"sourceIp": m.ip(), "entityId": m.hex(8), "entityName": m.text()}
	}
	return []kind{
		{"authentication.succeeded", "login.succeeded", false, false, data},
		{"passkey.created", "passkey.created", false, false, data},
		{"user.updated", "user.updated", false, false, data},
	}
}

func scalekitKinds() []kind {
	return []kind{
		{"user.login", "login.succeeded", false, false, func(m *maker) object {
			return object{"user": object{"id": m.user, "email": m.email()},
				"user_session": object{"session_id": "ses_" + m.hex(8), "device": object{"ip": m.ip(), "user_agent": m.text()}}}
		}},
		{"organization.directory.user_created", "scim.user_provisioned", false, false, func(m *maker) object {
			return object{"id": "diruser_" + m.user, "email": m.email(), "given_name": m.text(), "active": true}
		}},
		{"organization.domain_created", "domain.created", false, true, func(m *maker) object {
			return object{"id": "dom_" + m.hex(8), "domain": "example.com", "txt_record_secret": m.hex(20)}
		}},
	}
}

func mgpassKinds() []kind {
	return []kind{
		{"user.login.success", "login.succeeded", false, false, func(m *maker) object {
			return object{"user_id": "usr_" + m.user, "email": m.email(), "ip_address": "41.215.x.x", "user_agent": m.text()}
		}},
		{"session.revoked", "session.revoked", true, false, func(m *maker) object { return object{"user_id": "usr_" + m.user} }},
		{"user.suspended", "user.disabled", true, false, func(m *maker) object { return object{"user_id": "usr_" + m.user} }},
		{"rewards.points_awarded", "other.rewards_points_awarded", false, false, func(m *maker) object {
			return object{"user_id": "usr_" + m.user, "points": m.rng.IntN(1000), "event_type": "purchase", "note": m.hex(16)}
		}},
	}
}

func crowdKinds() []kind {
	data := func(m *maker) object { return object{"id": m.user, "email": m.email(), "name": m.text()} }
	return []kind{
		{"signed_in", "login.succeeded", false, false, data},
		{"user.updated", "user.updated", false, false, data},
		{"user.disabled", "user.disabled", true, false, data},
	}
}
