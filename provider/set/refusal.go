package set

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/forebayhq/forebay/provider"
)

// A code is what a refusal is called in the answer (RFC 8935, section 2.4).
type code string

const (
	invalidRequest       code = "invalid_request"
	invalidKey           code = "invalid_key"
	invalidIssuer        code = "invalid_issuer"
	invalidAudience      code = "invalid_audience"
	authenticationFailed code = "authentication_failed"
)

// A refusal is an error with the code that the transmitter is told.
type refusal struct {
	code code
	error
}

func (r refusal) Unwrap() error { return r.error }

// refuse gives err a code; nil stays nil.
func refuse(c code, err error) error {
	if err == nil {
		return nil
	}
	return refusal{c, err}
}

// Answer is 202 without a body for what is stored or a duplicate, and 400 with a code for every refusal, also of a wrong
// Authorization.
func (p *Provider) Answer(_ provider.Request, o provider.Outcome) provider.Answer {
	if o.Step == provider.Accepted {
		return provider.Answer{Status: http.StatusAccepted}
	}
	answer := struct {
		Err         code   `json:"err"`
		Description string `json:"description"`
	}{invalidRequest, "the token cannot be read as an event"}
	if r := (refusal{}); errors.As(o.Err, &r) { // our own words: they name the check and never quote the token
		answer.Err, answer.Description = r.code, r.Error()
	}
	body, err := json.Marshal(answer)
	if err != nil {
		return provider.Answer{Status: http.StatusBadRequest}
	}
	header := http.Header{"Content-Type": {"application/json"}, "Content-Language": {"en"}}
	return provider.Answer{Status: http.StatusBadRequest, Header: header, Body: body}
}
