package main

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
)

// A message is the text of one delivery after the other: an event of mgPass over HTTP/1.1, each with an ID and a user of
// its own, and signed. Only what differs is written again.
type message struct {
	text      []byte // request line, headers and body
	body      []byte // of text
	signature []byte // of text
	fresh     [][]byte
	serial    *serial
	signer    *signer
}

// Where text is filled in. Both are as long as what takes their place.
const (
	idPrefix      = "evt_"
	freshMark     = "################"
	signatureMark = "@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@"
)

// What mgPass calls the events of the load. The second is an urgent one.
const (
	nativeLogin   = "user.login.success"
	nativeRevoked = "session.revoked"
)

// actionOf is what forebay calls them.
func actionOf(native string) string {
	if native == nativeRevoked {
		return native
	}
	return "login.succeeded"
}

const event = `{"id":"` + idPrefix + freshMark + `","type":"%s","created_at":%d,"data":{` +
	`"user_id":"usr_` + freshMark + `","email":"kwame.` + freshMark + `@example.com","method":"password",` +
	`"client_id":"app_portal1","ip_address":"203.0.x.x",` +
	`"user_agent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"%s}}`

const request = "POST %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: mgPass-Webhook/1.0\r\nContent-Type: application/json\r\n" +
	"Content-Length: %d\r\n" + signatureHeader + ": " + signatureMark + "\r\n\r\n%s"

// newMessage makes deliveries with a body of size bytes, or a little more where that is too few.
func newMessage(host, path, native string, size int) *message {
	body := fmt.Sprintf(event, native, time.Now().Unix(), "")
	body = fmt.Sprintf(event, native, time.Now().Unix(), filler(size-len(body)))
	text := fmt.Appendf(nil, request, path, host, len(body), body)
	m := &message{text: text, body: text[len(text)-len(body):], serial: newSerial(), signer: newSigner()}
	at := bytes.Index(text, []byte(signatureMark))
	m.signature = text[at : at+len(signatureMark)]
	for at = 0; ; at += len(freshMark) {
		next := bytes.Index(text[at:], []byte(freshMark))
		if next < 0 {
			return m
		}
		at += next
		m.fresh = append(m.fresh, text[at:at+len(freshMark)])
	}
}

// filler makes what mgPass may say beside what it documents, as long as is asked for: members of some forty bytes.
func filler(length int) string {
	const begin, end = `,"metadata":{`, "}"
	const shortest, usual = len(`"claim_000":""`), 40
	room := length - len(begin) - len(end)
	if room < shortest {
		return strings.Repeat(" ", max(length, 0))
	}
	var b strings.Builder
	b.WriteString(begin)
	for n := 0; room > 0; n++ {
		size := usual
		if room < usual+len(",")+shortest { // too little is left for one more
			size = room
		}
		fmt.Fprintf(&b, `"claim_%03d":"%s"`, n%1000, strings.Repeat("portal 7.2 ", 6)[:size-shortest])
		if room -= size; room > 0 {
			b.WriteByte(',')
			room--
		}
	}
	b.WriteString(end)
	return b.String()
}

// next is the text of the next delivery, good until the one after it.
func (m *message) next() []byte {
	id := m.serial.next()
	for _, place := range m.fresh {
		copy(place, id)
	}
	mac := m.signer.sum(m.body)
	hex.Encode(m.signature, mac[:])
	return m.text
}

// id is the ID of the event in the text that next gave last.
func (m *message) id() string { return idPrefix + string(m.serial.text[:]) }

// A serial makes IDs: 16 hex digits that no other serial makes, since a random half begins them and a count ends them.
type serial struct {
	text  [len(freshMark)]byte
	start [4]byte
	count uint32
}

func newSerial() *serial {
	s := &serial{}
	rand.Read(s.start[:]) // never fails (crypto/rand)
	return s
}

func (s *serial) next() []byte {
	s.count++
	n := [8]byte{s.start[0], s.start[1], s.start[2], s.start[3],
		byte(s.count >> 24), byte(s.count >> 16), byte(s.count >> 8), byte(s.count)}
	hex.Encode(s.text[:], n[:])
	return s.text[:]
}
