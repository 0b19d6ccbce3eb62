package otp

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/mail"
	"strings"
	"unicode"

	"github.com/forebayhq/forebay/consumer"
	"github.com/forebayhq/forebay/schema"
)

// The channels, as schema.OTP has them.
const (
	channelEmail = "email"
	channelSMS   = "sms"
	channelCall  = "call"
)

// A request is what an event asks for.
type request struct {
	source, event string // event is its ID
	message       string // an ID of the message, the same for every attempt: 32 hex digits
	channel, to   string
	option        string // what the code is checked by later
	hint, purpose string
	user          schema.User
}

// read makes a request of an event. Its errors are permanent and hold no address.
func (j *Job) read(m *consumer.Message) (*request, error) {
	e := &m.Event
	r := &request{source: e.Source, event: e.ID, channel: channelEmail}
	if e.User != nil {
		r.user = *e.User
	}
	r.option = r.user.ID
	if o := e.OTP; o != nil {
		r.channel = cmp.Or(strings.ToLower(o.Channel), channelEmail)
		r.option = cmp.Or(o.ID, r.option)
		r.to, r.hint, r.purpose = o.To, o.Hint, o.Purpose
	}
	r.message = digest(j.config.Consumer, e.Source, e.ID)[:32]
	if r.option == "" {
		return nil, errors.New("the event names neither an option nor a user that a code could be for")
	}
	if j.carriers[r.channel] == nil {
		return nil, fmt.Errorf("nothing is configured to send with for channel %.20q", r.channel)
	}
	return r, r.address()
}

// address fills in where the code goes, from the user where the event does not say, and checks it.
func (r *request) address() error {
	if r.channel != channelEmail {
		r.to = cmp.Or(r.to, value(r.user.PhoneNumber))
		if !number(r.to) {
			return errors.New("the event has no telephone number that could be one")
		}
		return nil
	}
	a, err := mail.ParseAddress(cmp.Or(r.to, value(r.user.Email)))
	if err != nil {
		return errors.New("the event has no mail address that could be one")
	}
	r.to = a.Address
	return nil
}

// number reports whether text can be a telephone number. E.164 is what is expected; the gateway knows better than we do.
func number(text string) bool {
	digits := 0
	for _, c := range text {
		switch {
		case c >= '0' && c <= '9':
			digits++
		case !strings.ContainsRune("+-(). ", c):
			return false
		}
	}
	return digits >= 3 && len(text) <= 40
}

// code makes a code, or takes the provider's. Its errors hold no code.
func (j *Job) code(m *consumer.Message) (string, error) {
	if j.options.Code == "" {
		return makeCode(j.options.Length)
	}
	found, ok := pointer(m.Body, j.options.Code)
	if !ok {
		return "", fmt.Errorf("the event has nothing at %s", j.options.Code)
	}
	code, err := j.open(found)
	if err != nil {
		return "", fmt.Errorf("read the code at %s: %w", j.options.Code, err)
	}
	if code == "" || len(code) > maxCode || strings.ContainsFunc(code, unprintable) {
		return "", fmt.Errorf("what the event has at %s is no code", j.options.Code)
	}
	return code, nil
}

// maxCode bounds a provider's code, and what is taken as a guess, in bytes.
const maxCode = 128

// open gives the text of a code: a string, a number, or either of them sealed.
func (j *Job) open(found json.RawMessage) (string, error) {
	if compact, ok := schema.Sealed(found); ok {
		if j.config.Open == nil {
			return "", errors.New("it is sealed, and the private key is not here")
		}
		plain, err := j.config.Open(compact)
		return string(plain), err
	}
	var text string
	if json.Unmarshal(found, &text) == nil {
		return text, nil
	}
	var n json.Number
	if json.Unmarshal(found, &n) == nil {
		return n.String(), nil
	}
	return "", errors.New("it is neither text nor a number")
}

// makeCode makes n random decimal digits.
func makeCode(n int) (string, error) {
	most := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)
	code, err := rand.Int(rand.Reader, most)
	if err != nil {
		return "", fmt.Errorf("make a code: %w", err)
	}
	return fmt.Sprintf("%0*d", n, code), nil
}

// digest is a SHA-256 over texts, in hex. Lengths keep borders from moving.
func digest(texts ...string) string {
	h := sha256.New()
	for _, text := range texts {
		fmt.Fprintf(h, "%d:%s", len(text), text)
	}
	return hex.EncodeToString(h.Sum(nil))
}

func unprintable(r rune) bool { return !unicode.IsPrint(r) }
