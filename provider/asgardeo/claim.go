package asgardeo

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/schema"
)

// wso2Claims is what the URIs of the product's own claims begin with.
const wso2Claims = "http://wso2.org/claims/"

// claimName is the name of a claim in OpenID Connect, members of address with a full stop; else what follows /claims/ in
// its URI, which is a name for custom.
func claimName(uri string) (name string, standard bool) {
	if own, ok := strings.CutPrefix(uri, wso2Claims); ok {
		if name = standardClaim(own); name != "" {
			return name, true
		}
	}
	if _, after, ok := strings.Cut(uri, "/claims/"); ok && after != "" {
		return after, false
	}
	return uri, false
}

func standardClaim(own string) string {
	switch own {
	case "username":
		return "preferred_username"
	case "emailaddress":
		return "email"
	case "mobile":
		return "phone_number"
	case "identity/emailVerified":
		return "email_verified"
	case "identity/phoneVerified":
		return "phone_number_verified"
	case "givenname":
		return "given_name"
	case "middleName":
		return "middle_name"
	case "lastname":
		return "family_name"
	case "fullname":
		return "name"
	case "nickname", "gender":
		return own
	case "dob":
		return "birthdate"
	case "url", "websiteurl":
		return "website"
	case "photourl":
		return "picture"
	case "timeZone":
		return "zoneinfo"
	case "local":
		return "locale"
	case "country", "locality", "region":
		return "address." + own
	case "streetaddress":
		return "address.street_address"
	case "postalcode":
		return "address.postal_code"
	}
	return ""
}

// isSecret reports whether a claim holds what a second factor is made from: the product keeps that as claims.
func isSecret(uri string) bool {
	_, name, _ := strings.Cut(uri, "/claims/")
	switch name {
	case "identity/secretkey", "identity/verifySecretkey", "identity/backupCodes":
		return true
	}
	return false
}

// anyValue seals every member named value. It stands in where paths cannot say less.
const anyValue schema.Member = "payload.**.value"

// maxSecrets bounds the paths of one event: there are three secret claims, which stand in one or two lists, and schema
// matches few.
const maxSecrets = 8

// secretClaims are the values that hold secrets, element by element of their lists.
func secretClaims(body provider.Value) []schema.Member {
	var found []schema.Member
	visit(body, "", func(claim string) {
		if member := schema.Member("payload.**." + claim + "value"); !slices.Contains(found, member) {
			found = append(found, member)
		}
	})
	if len(found) > maxSecrets {
		return []schema.Member{anyValue}
	}
	return found
}

// visit calls report with the end of the path of each secret claim that there is: "claims.#2.". under is that of v.
func visit(v provider.Value, under string, report func(claim string)) {
	if secretIn(v) {
		report(under)
	}
	list, _, _ := strings.Cut(under, ".") // that v is, or that v is an element of
	n := 0
	for child := range v.Children() {
		switch {
		case child.Kind() != provider.KindObject && child.Kind() != provider.KindArray:
		case v.Kind() == provider.KindObject:
			visit(child, step(child.Name()), report)
		case list == "":
			visit(child, "", report)
		default:
			visit(child, fmt.Sprintf("%s.#%d.", list, n), report)
		}
		n++
	}
}

// step is the name of a member as a path has it, and nothing where a path cannot say it: then all values are sealed.
func step(name []byte) string {
	if len(name) == 0 || string(name) == "**" || bytes.ContainsRune(name, '.') {
		return ""
	}
	return string(name) + "."
}

// secretIn reports whether v is a claim that holds a secret. It looks at every occurrence of a repeated name.
func secretIn(v provider.Value) bool {
	if v.Kind() != provider.KindObject {
		return false
	}
	for child := range v.Children() {
		if string(child.Name()) == "uri" && isSecret(child.Text()) {
			return true
		}
	}
	return false
}
