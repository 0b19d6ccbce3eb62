package config

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"testing"
)

// pair makes a certificate that signs itself, and its private key, both in PEM.
func pair(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	signed, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed}))
	return cert, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}))
}

// The key of another certificate is found out before anybody calls.
func TestKeyOfAnotherCertificate(t *testing.T) {
	cert, key := pair(t)
	_, other := pair(t)
	text := source + "nats:\n  user: u\n  password: p\n  tls: {cert: c.pem, key: k.pem}\n"
	load(t, write(t, text, "c.pem", cert, "k.pem", key))
	path := write(t, text, "c.pem", cert, "k.pem", other)
	_, err := Load(path, Options{Getenv: environment(nil), Providers: providers})
	want := path + ":5: nats.tls: cert and key: private key does not match public key: " +
		"want a certificate and its private key, both in PEM"
	if err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
}
