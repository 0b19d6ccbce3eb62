package scalekit_test

import (
	_ "embed"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/provider/providertest"
	"github.com/forebayhq/forebay/provider/scalekit"
)

//go:embed schema.json
var bodySchema []byte

// testSecret has no padding, so that the suite can make other keys by adding characters. One of these differs in the
// prefix alone, which is no part of the key: that is why every case lists key as uncovered, and why
// TestBothSecretsOfARotation and refuse-wrong-secret are there.
const testSecret = "whsec_Zm9yZWJheS10ZXN0cy1zaWduLXdpdGgtdGhpcy1rZXk"

func TestProvider(t *testing.T) {
	providertest.Run(t, providertest.Suite{
		New:    scalekit.New,
		Schema: bodySchema,
		Config: "secrets: [" + testSecret + "]\npath: /webhooks/scalekit",
		Tamper: tamperAttempt,
	})
}

// tamperAttempt changes the three headers. What a case lists as "same" says the same in other words.
func tamperAttempt(r provider.Request) map[string]provider.Request {
	const prefix = "Webhook-"
	at, signature := r.Header.Get(prefix+"Timestamp"), r.Header.Get(prefix+"Signature")
	with := func(name, value string) provider.Request {
		changed := r
		changed.Header = r.Header.Clone()
		changed.Header.Set(name, value)
		return changed
	}
	svix := r
	svix.Header = r.Header.Clone()
	for _, name := range []string{"Id", "Timestamp", "Signature"} {
		svix.Header["Svix-"+name] = svix.Header[prefix+name]
		delete(svix.Header, prefix+name)
	}
	other := "v1," + base64.StdEncoding.EncodeToString(make([]byte, 32))
	return map[string]provider.Request{
		"same: leading zero":        with(prefix+"Timestamp", "0"+at),
		"same: svix names":          svix,
		"same: svix names beside":   with("Svix-Id", "msg_other"),
		"same: further signatures":  with(prefix+"Signature", "v1 v2,x "+other+" "+signature+" v1a,AAAA"),
		"signature of another":      with(prefix+"Signature", other),
		"signature without label":   with(prefix+"Signature", strings.TrimPrefix(signature, "v1,")),
		"signature labelled v1a":    with(prefix+"Signature", strings.Replace(signature, "v1", "v1a", 1)),
		"signature without padding": with(prefix+"Signature", strings.TrimRight(signature, "=")),
		"timestamp with fraction":   with(prefix+"Timestamp", at+".0"),
		"timestamp with sign":       with(prefix+"Timestamp", "+"+at),
		"timestamp moved into ID":   with(prefix+"Id", r.Header.Get(prefix+"Id")+"."+at),
	}
}

func TestSecrets(t *testing.T) {
	const key = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	for _, secret := range []string{"whsec_" + key, "skwebhook_" + key, "_" + key, "v1,whsec_" + key, "whsec_AQI", "whsec_AQI="} {
		if _, err := scalekit.New(provider.Config{Secrets: []string{secret}}); err != nil {
			t.Errorf("%s: %v", secret, err)
		}
	}
	for _, secret := range []string{
		key, "whsec_", "_", "whsec_" + key + "|whsec_" + key, "whsec__" + key, "whsec_not base64", "whsec_-_-_", "whsec_A",
		"whpk_" + key, "whsk_" + key, "a_whpk_" + key,
	} {
		_, err := scalekit.New(provider.Config{Secrets: []string{"whsec_" + key, secret}})
		if err == nil {
			t.Errorf("%s: no error", secret)
		} else if strings.Contains(err.Error(), key) {
			t.Errorf("the error repeats the secret: %v", err)
		}
	}
}

func TestBothSecretsOfARotation(t *testing.T) {
	const old = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	p, both := newProvider(t, old), newProvider(t, testSecret, old)
	r := providertest.Signed(t, p, "user.login")
	if err := both.Verify(r); err != nil {
		t.Errorf("the second secret is not tried: %v", err)
	}
	if newProvider(t, testSecret).Verify(r) == nil {
		t.Error("accepted without the secret that signed")
	}
}

func newProvider(t testing.TB, secrets ...string) provider.Provider {
	t.Helper()
	p, err := scalekit.New(provider.Config{Secrets: secrets, Path: "/webhooks/scalekit", Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return p
}
