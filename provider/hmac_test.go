package provider_test

import (
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/forebayhq/forebay/provider"
)

// The second test case of RFC 4231.
const rfcDigest = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"

func TestKeys(t *testing.T) {
	keys, err := provider.Config{Secrets: []string{"other", "Jefe", "third"}}.HMACKeys()
	if err != nil {
		t.Fatal(err)
	}
	message := []byte("what do ya want for nothing?")
	for range 3 { // a key is used again and again
		mac := keys[1].Sum(message)
		if got := hex.EncodeToString(mac[:]); got != rfcDigest {
			t.Fatalf("got %s, want %s", got, rfcDigest)
		}
		if provider.FindKey(keys, message, mac) != keys[1] {
			t.Error("the right key is not found")
		}
		mac[31] ^= 1
		if provider.FindKey(keys, message, mac) != nil || provider.FindKey(nil, message, mac) != nil {
			t.Error("a wrong digest fits")
		}
	}
}

func TestKeysRefuseEmptySecrets(t *testing.T) {
	for _, secrets := range [][]string{nil, {""}, {"one", ""}} {
		if _, err := (provider.Config{Secrets: secrets}).HMACKeys(); err == nil {
			t.Errorf("%q: no error", secrets)
		}
	}
}

func TestHexSHA256(t *testing.T) {
	for _, text := range []string{rfcDigest, strings.ToUpper(rfcDigest)} {
		if b, err := provider.HexSHA256(text); err != nil || hex.EncodeToString(b[:]) != rfcDigest {
			t.Errorf("%s: %x, %v", text, b, err)
		}
	}
	for _, text := range []string{"", rfcDigest[:62], rfcDigest + "00", " " + rfcDigest[1:], rfcDigest[:63] + "g"} {
		if _, err := provider.HexSHA256(text); err == nil {
			t.Errorf("%q: no error", text)
		} else if strings.Contains(err.Error(), "g'") {
			t.Errorf("the error repeats the request: %v", err)
		}
	}
}

// The same test case with the other hashes: RFC 4231, and RFC 2202 for sha1.
var rfcDigests = map[string]string{
	"sha1":   "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79",
	"sha256": rfcDigest,
	"sha384": "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649",
	"sha512": "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554" +
		"9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
}

func TestFindMAC(t *testing.T) {
	keys, err := provider.Config{Secrets: []string{"other", "Jefe"}}.HMACKeys()
	if err != nil {
		t.Fatal(err)
	}
	message := []byte("what do ya want for nothing?")
	for hash, digits := range rfcDigests {
		for _, digits := range []string{digits, strings.ToUpper(digits)} {
			m, err := provider.HexMAC(hash, digits)
			if err != nil {
				t.Fatalf("%s: %v", hash, err)
			}
			if provider.FindMAC(keys, message, m) != keys[1] {
				t.Errorf("%s: the right key is not found", hash)
			}
			if provider.FindMAC(keys, message[1:], m) != nil || provider.FindMAC(keys[:1], message, m) != nil {
				t.Errorf("%s: a wrong message or key fits", hash)
			}
		}
	}
}

func TestHexMACRefuses(t *testing.T) {
	tests := map[string][2]string{
		"unknown hash":    {"md5", rfcDigest[:32]},
		"no hash":         {"", rfcDigest},
		"capitals":        {"SHA256", rfcDigest},
		"another's size":  {"sha512", rfcDigest},
		"no digits":       {"sha256", ""},
		"odd":             {"sha256", rfcDigest[1:]},
		"blank":           {"sha256", " " + rfcDigest[1:]},
		"not hexadecimal": {"sha256", rfcDigest[:63] + "g"},
	}
	for name, c := range tests {
		if _, err := provider.HexMAC(c[0], c[1]); err == nil {
			t.Errorf("%s: no error", name)
		} else if strings.Contains(err.Error(), "g'") {
			t.Errorf("the error repeats the request: %v", err)
		}
	}
}

func TestOneHeader(t *testing.T) {
	for name, values := range map[string][]string{"none": nil, "empty": {""}, "two": {"a", "a"}, "late": {"", "a"}} {
		h := http.Header{"X-Webhook-Signature": values}
		if _, err := provider.OneHeader(h, "x-webhook-signature"); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	h := http.Header{"X-Webhook-Signature": {"a"}}
	if got, err := provider.OneHeader(h, "x-webhook-signature"); err != nil || got != "a" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestUnavailable(t *testing.T) {
	err := errors.New("key set")
	if !provider.IsUnavailable(provider.Unavailable(err)) || provider.IsUnavailable(err) || provider.IsUnavailable(nil) {
		t.Error("only what is marked is unavailable")
	}
	if !errors.Is(provider.Unavailable(err), err) {
		t.Error("the mark hides the error")
	}
}
