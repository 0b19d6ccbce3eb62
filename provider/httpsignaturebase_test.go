package provider

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/dunglas/httpsfv"
)

// The request of RFC 9421, appendix B.2.
const rfcRequest = `POST /foo?param=Value&Pet=dog HTTP/1.1
Host: example.com
Date: Tue, 20 Apr 2021 02:07:55 GMT
Content-Type: application/json
Content-Digest: sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:
Content-Length: 18

{"hello": "world"}`

func readRFCRequest(t *testing.T) Request {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(rfcRequest)))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return Request{Method: r.Method, URL: r.URL, Header: r.Header, Body: body}
}

// rfcBase builds the base of the request for the value of Signature-Input.
func rfcBase(t *testing.T, public, input string) (string, error) {
	t.Helper()
	u, err := url.Parse(public)
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewHTTPSignature(HTTPSignatureConfig{
		Keys: []*Key{{secret: "test-secret"}}, Label: "sig", Components: []string{"content-digest"}, PublicURL: u,
	})
	if err != nil {
		t.Fatal(err)
	}
	member, err := dictionaryMember(http.Header{"Signature-Input": {"sig=" + input}}, "Signature-Input", "sig")
	if err != nil {
		t.Fatal(err)
	}
	base, err := s.base(readRFCRequest(t), member.(httpsfv.InnerList))
	return string(base), err
}

// Appendix B.2.5: the base and its MAC.
func TestSignatureBaseOfB25(t *testing.T) {
	got, err := rfcBase(t, "https://example.com",
		`("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret"`)
	if err != nil {
		t.Fatal(err)
	}
	want := `"date": Tue, 20 Apr 2021 02:07:55 GMT
"@authority": example.com
"content-type": application/json
"@signature-params": ("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret"`
	if got != want {
		t.Errorf("got base\n%s\nwant\n%s", got, want)
	}
	secret, err := base64.StdEncoding.DecodeString(
		"uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==")
	if err != nil {
		t.Fatal(err)
	}
	mac := (&Key{secret: string(secret)}).Sum([]byte(got))
	if got := base64.StdEncoding.EncodeToString(mac[:]); got != "pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=" {
		t.Errorf("got MAC %s", got)
	}
}

// Appendix B.2.3 has nearly every component; the rest are from section 2.2.
func TestSignatureBaseComponents(t *testing.T) {
	got, err := rfcBase(t, "https://EXAMPLE.com:443/", `("date" "@method" "@path"  "@query" "@authority" "content-type" `+
		`"content-digest" "content-length" "@target-uri" );created=1618884473; keyid="test-key-rsa-pss"`)
	if err != nil {
		t.Fatal(err)
	}
	want := `"date": Tue, 20 Apr 2021 02:07:55 GMT
"@method": POST
"@path": /foo
"@query": ?param=Value&Pet=dog
"@authority": example.com
"content-type": application/json
"content-digest": sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:
"content-length": 18
"@target-uri": https://example.com/foo?param=Value&Pet=dog
"@signature-params": ("date" "@method" "@path" "@query" "@authority" "content-type" "content-digest" ` +
		`"content-length" "@target-uri");created=1618884473;keyid="test-key-rsa-pss"`
	if got != want {
		t.Errorf("got base\n%s\nwant\n%s", got, want)
	}
}

func TestSignatureBaseRefusesComponents(t *testing.T) {
	for _, list := range []string{
		`("@status")`, `("@query-param";name="x")`, `("@signature-params")`, `("x-absent")`, `("Date")`, `(date)`, `(5)`,
		`("")`, `("@")`, `("date" "date")`, `("date";sf)`, `("da te")`, `("host")`,
	} {
		if base, err := rfcBase(t, "https://example.com", list); err == nil {
			t.Errorf("%s: no error, base %q", list, base)
		}
	}
}

func TestComponentRefusesWhatALineCannotHold(t *testing.T) {
	s := &HTTPSignature{scheme: "https", authority: "example.com"}
	for _, value := range []string{"a\nb", "a\rb", "\x00", "\x7f", "caf\u00e9", "\xff"} {
		r := Request{Header: http.Header{"X-Value": {value}}}
		if got, err := s.component(r, "x-value"); err == nil {
			t.Errorf("%q: no error, value %q", value, got)
		}
	}
	r := Request{Header: http.Header{"X-Value": {" a\tb ", "", "\tc"}}}
	if got, err := s.component(r, "x-value"); err != nil || got != "a\tb, , c" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestTargetURI(t *testing.T) {
	for _, c := range []struct{ public, line, want string }{
		{"https://a.example", "/in/x", "https://a.example/in/x"},
		{"https://a.example/", "/in/x?", "https://a.example/in/x?"},
		{"https://a.example:443/p/", "/in/x?y=%2f&z", "https://a.example/p/in/x?y=%2f&z"},
		{"http://a.example:80", "/%2F/../b", "http://a.example/%2F/../b"},
		{"http://a.example:443", "/", "http://a.example:443/"},
		{"https://[2001:DB8::1]:8443", "/a", "https://[2001:db8::1]:8443/a"},
		{"https://a.example/é", "/in/ü?x=%C3", "https://a.example/%C3%A9/in/%C3%BC?x=%C3"},
	} {
		line, err := url.ParseRequestURI(c.line)
		if err != nil {
			t.Fatal(err)
		}
		public, err := url.Parse(c.public)
		if err != nil {
			t.Fatal(err)
		}
		s, err := NewHTTPSignature(HTTPSignatureConfig{
			Keys: []*Key{{secret: "x"}}, Label: "sig", Components: []string{"content-digest"}, PublicURL: public,
		})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := s.component(Request{URL: line}, "@target-uri"); err != nil || got != c.want {
			t.Errorf("%s called at %s: got %s, %v, want %s", c.public, c.line, got, err, c.want)
		}
	}
}

// The digest of the RFC's request, and RFC 9530's own of the same body.
func TestContentDigest(t *testing.T) {
	r := readRFCRequest(t)
	const sha256 = "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:"
	for _, value := range []string{r.Header.Get("Content-Digest"), sha256, "md5=:AAAA:, " + sha256} {
		h := http.Header{"Content-Digest": {value}}
		if err := checkDigest(h, r.Body); err != nil {
			t.Errorf("%s: %v", value, err)
		}
		if checkDigest(h, append(bytes.Clone(r.Body), '\n')) == nil {
			t.Errorf("%s: fits another body", value)
		}
	}
}
