package consumertest

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	netmail "net/mail"
	"regexp"
	"strings"
	"testing"
	"time"
)

// A Mail is one that an SMTP server took.
type Mail struct {
	From, To string // of the envelope
	User     string // who logged in
	Raw      []byte
	At       time.Time // when it was taken
}

// Header reads it as a mail program does.
func (m Mail) Header(t testing.TB) netmail.Header {
	t.Helper()
	return m.read(t).Header
}

func (m Mail) read(t testing.TB) *netmail.Message {
	t.Helper()
	msg, err := netmail.ReadMessage(bytes.NewReader(m.Raw))
	if err != nil {
		t.Fatal(err)
	}
	return msg
}

// Subject is in clear.
func (m Mail) Subject(t testing.TB) string {
	t.Helper()
	text, err := new(mime.WordDecoder).DecodeHeader(m.Header(t).Get("Subject"))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// Parts are the text and the HTML of a mail that has both.
func (m Mail) Parts(t testing.TB) (text, html string) {
	t.Helper()
	msg := m.read(t)
	kind, params, err := mime.ParseMediaType(msg.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("a mail of type %q, %v", kind, err)
	}
	r := multipart.NewReader(msg.Body, params["boundary"])
	return nextPart(t, r, "text/plain"), nextPart(t, r, "text/html")
}

func nextPart(t testing.TB, r *multipart.Reader, want string) string {
	t.Helper()
	p, err := r.NextRawPart()
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Header.Get("Content-Type"); !strings.HasPrefix(got, want) {
		t.Fatalf("a part of type %q, want %q", got, want)
	}
	text, err := io.ReadAll(quotedprintable.NewReader(p))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Code is the one-time code of six digits that both parts name.
func (m Mail) Code(t testing.TB) string {
	t.Helper()
	text, html := m.Parts(t)
	code := regexp.MustCompile(`\b\d{6}\b`).FindString(text)
	if code == "" || !strings.Contains(html, ">"+code+"<") {
		t.Fatalf("no code, or not the same in both parts:\n%s\n%s", text, html)
	}
	return code
}
