package provider_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/forebayhq/forebay/provider"
)

// The secret, the message and the signature that the specification publishes.
const (
	webhookSecret    = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	webhookID        = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	webhookTime      = 1614265330
	webhookBody      = `{"test": 2432232314}`
	webhookSignature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
)

func TestStandardWebhooksVectors(t *testing.T) {
	for file, prefixes := range map[string][]string{
		"standardwebhooks.json":            {"webhook", "svix"},
		"standardwebhooks-asymmetric.json": nil,
		"svix.json":                        {"svix", "webhook"},
		"clerk.json":                       {"svix"},
	} {
		text, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			t.Fatal(err)
		}
		var cases struct {
			Tolerance int64 `json:"tolerance_seconds"`
			Vectors   []webhookVector
		}
		if err := json.Unmarshal(text, &cases); err != nil || len(cases.Vectors) == 0 {
			t.Fatalf("%s: %d vectors, %v", file, len(cases.Vectors), err)
		}
		for _, v := range cases.Vectors {
			t.Run(file+"/"+v.Name, func(t *testing.T) { v.test(t, prefixes, cases.Tolerance) })
		}
	}
}

// A webhookVector is a case of the files above.
type webhookVector struct {
	Name, Secret, Body string

	Headers map[string]string
	Now     int64
	Valid   bool
}

func (v webhookVector) test(t *testing.T, prefixes []string, tolerance int64) {
	w, err := provider.NewStandardWebhooks(provider.StandardWebhooksConfig{
		Secrets: []string{v.Secret}, Prefixes: prefixes, Tolerance: time.Duration(tolerance) * time.Second,
		Now: func() time.Time { return time.Unix(v.Now, 0) },
	})
	if err != nil {
		t.Fatal(err)
	}
	r := delivery(v.Body)
	for name, value := range v.Headers {
		r.Header.Set(name, value)
	}
	if err := w.Verify(r); (err == nil) != v.Valid {
		t.Errorf("Verify: %v, want valid %t", err, v.Valid)
	}
}

func delivery(body string) provider.Request {
	return provider.Request{
		Method: http.MethodPost, URL: &url.URL{Path: "/"}, Header: http.Header{}, Body: []byte(body),
	}
}

// published is the delivery that the specification publishes, with another signature header.
func published(signatures string) provider.Request {
	r := delivery(webhookBody)
	r.Header.Set("webhook-id", webhookID)
	r.Header.Set("webhook-timestamp", strconv.Itoa(webhookTime))
	r.Header.Set("webhook-signature", signatures)
	return r
}

func newWebhooks(t testing.TB, now int64, secrets ...string) *provider.StandardWebhooks {
	t.Helper()
	w, err := provider.NewStandardWebhooks(provider.StandardWebhooksConfig{
		Secrets: secrets, Now: func() time.Time { return time.Unix(now, 999e6) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestStandardWebhooksSignatures(t *testing.T) {
	other := "v1," + base64.StdEncoding.EncodeToString(make([]byte, 32))
	w := newWebhooks(t, webhookTime, webhookSecret)
	for list, want := range map[string]bool{
		webhookSignature:                                 true,
		other + " " + webhookSignature:                   true,
		webhookSignature + " " + other:                   true,
		"v1 v1, v1,AAAA , v2,x " + webhookSignature:      true,
		" " + webhookSignature + " ":                     true,
		webhookSignature + ", " + other:                  true,
		webhookSignature + ",,further":                   true,
		strings.Repeat(other+" ", 99) + webhookSignature: true,
		other: false,
		strings.TrimPrefix(webhookSignature, "v1,"):         false,
		strings.TrimSuffix(webhookSignature, "="):           false,
		strings.Replace(webhookSignature, "v1", "v1a", 1):   false,
		strings.Replace(webhookSignature, "v1", "V1", 1):    false,
		strings.Replace(webhookSignature, "OE=", "OF=", 1):  false, // bits that the last character does not use
		strings.Replace(webhookSignature, "v1,", "v1,,", 1): false,
		webhookSignature + "\n":                             false,
		"v1,":                                               false,
		" ":                                                 false,
	} {
		if err := w.Verify(published(list)); (err == nil) != want {
			t.Errorf("%.99q: %v, want valid %t", list, err, want)
		}
	}
}

func TestStandardWebhooksTime(t *testing.T) {
	for text, want := range map[string]bool{
		"1614265330": true, "0001614265330": true,
		"": false, "+1614265330": false, "-1614265330": false, " 1614265330": false, "1614265330 ": false,
		"1614265330.0": false, "1614265330abc": false, "1_614_265_330": false, "0x60380d32": false,
		"1614265330000": false, "18446744075323816946": false, "１614265330": false, "1614265331": false,
	} {
		r := published(webhookSignature)
		r.Header.Set("webhook-timestamp", text)
		if err := newWebhooks(t, webhookTime, webhookSecret).Verify(r); (err == nil) != want {
			t.Errorf("%q: %v, want valid %t", text, err, want)
		}
	}
	for off, want := range map[int64]bool{300: true, 301: false, -300: true, -301: false} {
		w := newWebhooks(t, webhookTime+off, webhookSecret)
		if err := w.Verify(published(webhookSignature)); (err == nil) != want {
			t.Errorf("%d s off: %v, want valid %t", off, err, want)
		}
	}
}

func TestStandardWebhooksHeaders(t *testing.T) {
	w := newWebhooks(t, webhookTime, webhookSecret)
	svix := published(webhookSignature)
	for _, name := range []string{"Id", "Timestamp", "Signature"} {
		svix.Header["Svix-"+name] = svix.Header["Webhook-"+name]
		delete(svix.Header, "Webhook-"+name)
	}
	if err := w.Verify(svix); err != nil {
		t.Errorf("svix-*: %v", err)
	}
	id, at, err := w.Attempt(svix.Header)
	if err != nil || id != webhookID || at.Unix() != webhookTime || at.Location() != time.UTC {
		t.Errorf("Attempt gives %q, %v, %v", id, at, err)
	}
	for _, name := range []string{"Webhook-Id", "Webhook-Timestamp", "Webhook-Signature"} {
		svix.Header[name] = []string{""} // even empty, it chooses the prefix
		if w.Verify(svix) == nil {
			t.Errorf("svix-* is accepted beside %s", name)
		}
		delete(svix.Header, name)
	}
	for _, name := range []string{"Webhook-Id", "Webhook-Timestamp", "Webhook-Signature"} {
		r := published(webhookSignature)
		r.Header.Add(name, r.Header.Get(name))
		if w.Verify(r) == nil {
			t.Errorf("%s twice is accepted", name)
		}
		r.Header.Del(name)
		if err := w.Verify(r); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("without %s: %v", name, err)
		}
	}
	if _, _, err := w.Attempt(http.Header{}); err == nil {
		t.Error("Attempt without headers: no error")
	}
}

func TestStandardWebhooksSecrets(t *testing.T) {
	const bare = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	for _, secrets := range [][]string{
		{bare}, {"v1," + webhookSecret}, {"whsec_AAAA", webhookSecret}, {webhookSecret, "whsec_AAAA"},
		{"v1,whsec_AAAA|v1," + webhookSecret},
	} {
		if err := newWebhooks(t, webhookTime, secrets...).Verify(published(webhookSignature)); err != nil {
			t.Errorf("%q: %v", secrets, err)
		}
	}
	public := base64.StdEncoding.EncodeToString(make([]byte, 32))
	for _, secret := range []string{
		"", "whsec_", "v1,whsec_", "v1,", "|", webhookSecret + "|", "whsec_A", "whsec_AA=", "whsec_AAA==", "whsec_AAAA=",
		"whsec_-_-_", "whsec_AA\nAA", " " + webhookSecret, "whsk_" + public, "whpk_", "whpk_AAAA", "v1,whpk_" + public,
		"whpk1_" + public, "whsk1_" + public, "WHSEC_AAAA", "v1a," + webhookSecret, "v1a,whsk_" + public,
		"v1a,whpk_" + public + ":", "v1a,whpk_" + public + ":whsec_AAAA", "v1a,whpk_" + public + ":whsk_-",
	} {
		_, err := provider.NewStandardWebhooks(provider.StandardWebhooksConfig{Secrets: []string{webhookSecret, secret}})
		if err == nil {
			t.Errorf("%q: no error", secret)
		} else if len(secret) > 9 && strings.Contains(err.Error(), secret[6:]) {
			t.Errorf("the error repeats the secret: %v", err)
		}
	}
	for _, tolerance := range []time.Duration{-1, -time.Hour, 999 * time.Millisecond} {
		c := provider.StandardWebhooksConfig{Secrets: []string{webhookSecret}, Tolerance: tolerance}
		if _, err := provider.NewStandardWebhooks(c); err == nil {
			t.Errorf("tolerance %v: no error", tolerance)
		}
	}
}

func TestUnpaddedSecretIsCompleted(t *testing.T) {
	for _, unpadded := range []string{"whsec_AQI", "whsec_AQ", "whsec_AQID"} {
		padded := unpadded + strings.Repeat("=", 3-(len(unpadded)-len("whsec_")+3)%4)
		r := delivery("{}")
		if err := newWebhooks(t, webhookTime, padded).Sign(&r); err != nil {
			t.Fatal(err)
		}
		if err := newWebhooks(t, webhookTime, unpadded).Verify(r); err != nil {
			t.Errorf("%s and %s: %v", padded, unpadded, err)
		}
	}
}

func TestWebhookSigner(t *testing.T) {
	s, err := provider.NewWebhookSigner(webhookSecret)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Sign(webhookID, time.Unix(webhookTime, 999e6), []byte(webhookBody)); got != webhookSignature {
		t.Errorf("got %s, want %s", got, webhookSignature)
	}
	for _, secret := range []string{"", "whsec_", "whsk_", "whsk_AAAA", "whpk_AAAA", "whsk_" + strings.Repeat("A", 86) + "=="} {
		if _, err := provider.NewWebhookSigner(secret); err == nil {
			t.Errorf("%q: no error", secret)
		}
	}
}

func TestEd25519Webhooks(t *testing.T) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := provider.NewWebhookSigner("whsk_" + base64.StdEncoding.EncodeToString(private))
	if err != nil {
		t.Fatal(err)
	}
	whpk := "whpk_" + base64.RawStdEncoding.EncodeToString(public)
	w := newWebhooks(t, webhookTime, whpk)
	signature := s.Sign(webhookID, time.Unix(webhookTime, 0), []byte(webhookBody))
	for _, secret := range []string{
		whpk, "v1a," + whpk, "v1," + webhookSecret + "|v1a," + whpk + ":whsk_" + base64.StdEncoding.EncodeToString(private),
	} {
		if err := newWebhooks(t, webhookTime, secret).Verify(published("v1a,AAAA " + signature)); err != nil {
			t.Errorf("Verify what Sign signed: %v", err)
		}
	}
	if w.Verify(published(strings.Replace(signature, "v1a", "v1", 1))) == nil {
		t.Error("Ed25519 is accepted as v1")
	}
	if newWebhooks(t, webhookTime, webhookSecret).Verify(published(signature)) == nil {
		t.Error("v1a is accepted without a public key")
	}
	both := newWebhooks(t, webhookTime, whpk, webhookSecret)
	for _, list := range []string{signature, webhookSignature, signature + " " + webhookSignature} {
		if err := both.Verify(published(list)); err != nil {
			t.Errorf("both keys, %s: %v", list, err)
		}
	}
	confused, err := provider.NewWebhookSigner(base64.StdEncoding.EncodeToString(public))
	if err != nil {
		t.Fatal(err)
	}
	mac := confused.Sign(webhookID, time.Unix(webhookTime, 0), []byte(webhookBody))
	if both.Verify(published(mac)) == nil {
		t.Error("an HMAC that is keyed with the public key is accepted")
	}
	if err := w.Sign(&provider.Request{}); err == nil {
		t.Error("signing with a public key: no error")
	}
}

func TestSignKeepsTheIDOfARepeat(t *testing.T) {
	w := newWebhooks(t, webhookTime, webhookSecret)
	first, second := provider.Request{Body: []byte(webhookBody)}, published("")
	for _, r := range []*provider.Request{&first, &second} {
		if err := w.Sign(r); err != nil {
			t.Fatal(err)
		}
		if err := w.Verify(*r); err != nil {
			t.Errorf("Verify what Sign signed: %v", err)
		}
	}
	if id := first.Header.Get("webhook-id"); !strings.HasPrefix(id, "msg_") || strings.Contains(id, ".") {
		t.Errorf("got ID %q", id)
	}
	if got := second.Header.Get("webhook-signature"); got != webhookSignature {
		t.Errorf("got %s, want %s", got, webhookSignature)
	}
}

// FuzzStandardWebhooks: what was signed once proves that content and no other.
func FuzzStandardWebhooks(f *testing.F) {
	f.Add("msg_1", []byte(`{}`), "msg_2", webhookTime, []byte(`{}`), "v1,")
	f.Add("a.1614265330", []byte(`x`), "a", webhookTime, []byte(`1614265330.x`), "v1a,AAAA v1,")
	f.Add("", []byte(nil), "\xff", -1, []byte("\n"), webhookSignature)
	f.Fuzz(func(t *testing.T, id string, body []byte, otherID string, at int, other []byte, list string) {
		w := newWebhooks(t, webhookTime, webhookSecret)
		r := provider.Request{Header: http.Header{"Webhook-Id": {id}}, Body: body}
		if err := w.Sign(&r); err != nil {
			t.Fatal(err)
		}
		if err := w.Verify(r); err != nil {
			t.Fatalf("Verify what Sign signed: %v", err)
		}
		signed := content(r)
		r.Header.Set("Webhook-Id", otherID)
		r.Header.Set("Webhook-Timestamp", strconv.Itoa(at))
		r.Body = other
		if w.Verify(r) == nil && !bytes.Equal(content(r), signed) {
			t.Errorf("signed %q: %q is accepted", signed, content(r))
		}
		r.Header.Set("Webhook-Signature", list)
		if w.Verify(r) == nil && !strings.Contains(list, webhookSignature) {
			t.Errorf("signatures %q of %q are accepted", list, content(r))
		}
	})
}

func content(r provider.Request) []byte {
	return []byte(r.Header.Get("Webhook-Id") + "." + r.Header.Get("Webhook-Timestamp") + "." + string(r.Body))
}
