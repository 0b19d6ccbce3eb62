package entrust

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/forebayhq/forebay/provider"
)

// natives are the event types that Entrust documents.
func natives() []string {
	return []string{
		"authentication.succeeded", "authentication.failed", "user.created", "user.updated", "user.deleted",
		"user.registration.completed", "password.updated", "kba.question.created", "grid.created", "grid.email.sent",
		"grid.password.email.sent", "passkey.created", "passkey.updated", "passkey.deleted", "magiclink.email.sent",
		"face.biometric.created",
	}
}

// Natives lists what Entrust documents.
func (p *Provider) Natives() []provider.Native {
	var list []provider.Native
	for _, name := range natives() {
		list = append(list, provider.Native{Name: name, Action: action(name)})
	}
	return list
}

// Sample makes an unsigned delivery of a documented action: one account, a fresh ID, fresh people, the time of now. Where
// Entrust does not show the data of an event, it is like that of its kin.
func (p *Provider) Sample(native string) (provider.Request, error) {
	if !slices.Contains(natives(), native) {
		return provider.Request{}, fmt.Errorf("sample: entrust documents no %q", native)
	}
	now := p.now().UTC()
	return provider.JSONRequest(p.path, sample{
		ID: newID(now), Type: native, AccountID: "5f0d9d0e-8a1b-4c2d-9e3f-0a1b2c3d4e5f",
		EventTime: now.Format("2006-01-02T15:04:05.000Z07:00"), Data: newSampleData(native),
	})
}

type sample struct {
	ID        string     `json:"id"`
	Type      string     `json:"type"`
	AccountID string     `json:"accountId"`
	EventTime string     `json:"eventTime"`
	Data      sampleData `json:"data"`
}

type sampleData struct {
	Subject          string `json:"subject"`
	SubjectName      string `json:"subjectName"`
	SubjectType      string `json:"subjectType"`
	ResourceName     string `json:"resourceName"`
	SourceIP         string `json:"sourceIp"`
	AdminRoleName    string `json:"subscriberAdminRoleName,omitempty"`
	EntityType       string `json:"entityType,omitempty"`
	EntityID         string `json:"entityId,omitempty"`
	EntityName       string `json:"entityName,omitempty"`
	EntityAttributes object `json:"entityAttributes,omitempty"`
	Token            string `json:"token,omitempty"`
}

type object map[string]any

// newSampleData is what a user does for themselves, and what an administrator does for user kofi.
func newSampleData(native string) sampleData {
	fresh := provider.RandomHex(3)
	d := sampleData{
		Subject: randomUUID(), SubjectName: "ama." + fresh, SubjectType: "USER",
		ResourceName: "User Portal", SourceIP: "203.0.113.9",
	}
	kofi := "kofi." + fresh
	switch native {
	case "authentication.succeeded":
		d.Token, d.EntityAttributes = "OTP", object{"registrationRequired": false}
	case "authentication.failed":
		d.Token = "OTP"
	case "user.registration.completed":
		d.entity("USERS", d.Subject, d.SubjectName, nil)
	case "password.updated":
		d.entity("USERPASSWORDS", d.Subject, d.SubjectName, nil)
	case "kba.question.created":
		d.entity("USERQUESTIONS", randomUUID(), "What was the name of your first pet?", nil)
	case "face.biometric.created":
		d.entity("FACE", randomUUID(), "Phone", object{"userId": d.SubjectName, "status": "ACTIVE"})
	case "user.created", "user.updated", "user.deleted":
		d.asAdmin()
		d.entity("USERS", randomUUID(), kofi, sampleUser(native, kofi))
	case "magiclink.email.sent":
		d.asAdmin()
		d.entity("MAGICLINKS", randomUUID(), kofi, object{
			"contactValue": kofi + "@example.com", "magicLinkType": "Registration", "contactType": "Email",
		})
	default:
		d.sampleToken(native, kofi)
	}
	return d
}

// sampleToken fills in grids, which administrators hand out, and passkeys, which users register.
func (d *sampleData) sampleToken(native, owner string) {
	if strings.HasPrefix(native, "grid.") {
		d.asAdmin()
		d.entity("GRIDS", randomUUID(), "2", nil)
		if native == "grid.created" {
			d.EntityAttributes = object{
				"serialNumber": "2", "expired": false, "state": "ACTIVE", "type": "PERSONAL", "userId": owner,
				"createDate": "2026-03-01T12:00:00Z",
			}
		}
		return
	}
	d.entity("FIDOTOKENS", randomUUID(), "laptop", nil)
	if native == "passkey.created" {
		d.EntityAttributes = object{
			"userIdStored": true, "relyingPartyId": "auth.example.com", "origin": "https://auth.example.com",
		}
	}
}

// sampleUser is the attributes of a user where Entrust shows them.
func sampleUser(native, name string) object {
	if native != "user.created" {
		return nil
	}
	return object{"userId": name, "firstName": "Kofi", "lastName": "Mensah", "email": name + "@example.com"}
}

func (d *sampleData) asAdmin() {
	d.ResourceName, d.AdminRoleName = "Administration Portal", "Super Administrator"
}

func (d *sampleData) entity(kind, id, name string, attributes object) {
	d.EntityType, d.EntityID, d.EntityName, d.EntityAttributes = kind, id, name, attributes
}

// newID is a UUID of version 7 (RFC 9562, section 5.7): the time of the event in milliseconds, then chance.
func newID(now time.Time) string {
	return uuid(fmt.Sprintf("%012x7%s8%s", now.UnixMilli(), provider.RandomHex(2)[1:], provider.RandomHex(8)[1:]))
}

// randomUUID is a UUID of version 4.
func randomUUID() string {
	random := provider.RandomHex(16)
	return uuid(random[:12] + "4" + random[13:16] + "8" + random[17:])
}

func uuid(hex string) string {
	return strings.Join([]string{hex[:8], hex[8:12], hex[12:16], hex[16:20], hex[20:]}, "-")
}
