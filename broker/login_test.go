package broker

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nkeys"

	"github.com/forebayhq/forebay/broker/brokertest"
)

func TestLogin(t *testing.T) {
	userSeed, userKey := newKey(t, nkeys.CreateUser)
	_, strangerKey := newKey(t, nkeys.CreateUser)
	operator, creds, strangerCreds := newOperator(t)
	for name, c := range map[string]struct {
		server       brokertest.Options
		right, wrong Config
	}{
		"user": {
			brokertest.Options{User: "ann", Password: "correct horse"},
			Config{User: "ann", Password: "correct horse"}, Config{User: "ann", Password: "wrong secret"},
		},
		"token": {
			brokertest.Options{Token: "correct horse"}, Config{Token: "correct horse"}, Config{Token: "wrong secret"},
		},
		"nkey": {
			brokertest.Options{Config: fmt.Sprintf("authorization {users: [{nkey: %s}]}", publicKey(t, userKey))},
			Config{NKey: write0600(t, userSeed)}, Config{NKey: write0600(t, seedOf(t, strangerKey))},
		},
		"creds": {
			brokertest.Options{Config: operator}, Config{Creds: write0600(t, creds)}, Config{Creds: write0600(t, strangerCreds)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := brokertest.Start(t, c.server)
			c.right.URL, c.wrong.URL = s.URL, s.URL
			if err := start(t, c.right).Check(t.Context()); err != nil {
				t.Errorf("the right login: %v", err)
			}
			err := start(t, c.wrong).Check(t.Context())
			wantError(t, err, "connect to "+s.URL, "refuses the login")
			if strings.Contains(err.Error(), "wrong secret") {
				t.Errorf("the error holds the secret: %v", err)
			}
			wantError(t, start(t, Config{URL: s.URL}).Check(t.Context()), "refuses the login")
		})
	}
}

func TestLoginInURL(t *testing.T) {
	s := brokertest.Start(t, brokertest.Options{User: "ann", Password: "correct horse"})
	host := strings.TrimPrefix(s.URL, "nats://")
	b := start(t, Config{URL: "nats://ann:correct%20horse@" + host + ", localhost:1"})
	if err := b.Check(t.Context()); err != nil {
		t.Error(err)
	}
	if got, want := b.URL(), s.URL+",nats://localhost:1"; got != want {
		t.Errorf("URL: got %s, want %s", got, want)
	}
}

func TestTLS(t *testing.T) {
	ca := newAuthority(t)
	server, client := ca.issue(t, "127.0.0.1"), ca.issue(t, "forebay")
	s := brokertest.Start(t, brokertest.Options{Config: fmt.Sprintf(
		`tls {cert_file: %q, key_file: %q, ca_file: %q, verify: true}`, server.Cert, server.Key, ca.file)})
	full := TLS{CA: ca.file, Cert: client.Cert, Key: client.Key}
	if err := start(t, Config{URL: s.URL, TLS: full}).Check(t.Context()); err != nil {
		t.Errorf("CA and certificate: %v", err)
	}
	if err := start(t, Config{URL: s.URL, TLS: TLS{CA: ca.file}}).Check(t.Context()); err == nil {
		t.Error("without our certificate: got no error")
	}
	stranger := newAuthority(t)
	full.CA = stranger.file
	err := start(t, Config{URL: s.URL, TLS: full}).Check(t.Context())
	wantError(t, err, "certificate is signed by nobody we trust", "nats.tls.ca")

	plain := brokertest.Start(t)
	err = start(t, Config{URL: plain.URL, TLS: TLS{CA: ca.file}}).Check(t.Context())
	wantError(t, err, "does not speak TLS", "nats.tls")
}

// What contradicts itself or cannot be read is an error of Start, which makes no connection.
func TestStartRefuses(t *testing.T) {
	const url = "nats://127.0.0.1:1"
	seed, _ := newKey(t, nkeys.CreateUser)
	accountSeed, _ := newKey(t, nkeys.CreateAccount)
	ca := newAuthority(t)
	missing, garbage := filepath.Join(t.TempDir(), "missing"), write0600(t, []byte("not what it should be"))
	for _, c := range []struct {
		config Config
		words  []string
	}{
		{Config{URL: url, User: "ann", Password: "horse", Token: "horse"}, []string{"nats.user and nats.token are set"}},
		{Config{URL: url, Creds: missing, NKey: missing}, []string{"nats.creds and nats.nkey are set", "one way"}},
		{Config{URL: url, Password: "horse"}, []string{"nats.password is set without nats.user"}},
		{Config{URL: url, User: "ann"}, []string{"nats.user is set without nats.password"}},
		{Config{Creds: garbage}, []string{"nats.creds needs nats.url"}},
		{Config{NKey: garbage}, []string{"nats.nkey needs nats.url"}},
		{Config{TLS: TLS{CA: ca.file}}, []string{"nats.tls.ca needs nats.url"}},
		{Config{URL: url, Creds: missing}, []string{"read nats.creds", missing}},
		{Config{URL: url, Creds: garbage}, []string{"read nats.creds", garbage, "user JWT and its seed"}},
		{Config{URL: url, NKey: missing}, []string{"read nats.nkey", missing}},
		{Config{URL: url, NKey: garbage}, []string{"read nats.nkey", garbage, "nkey user seed"}},
		{Config{URL: url, NKey: write0600(t, accountSeed)}, []string{"nkey user seed"}},
		{Config{URL: url, TLS: TLS{Cert: "c"}}, []string{"cert and key belong together"}},
		{Config{URL: url, TLS: TLS{Key: "k"}}, []string{"cert and key belong together"}},
		{Config{URL: url, TLS: TLS{CA: missing}}, []string{"read nats.tls", missing}},
		{Config{URL: url, TLS: TLS{CA: garbage}}, []string{"read nats.tls", garbage}},
		{Config{URL: url, TLS: TLS{Cert: garbage, Key: garbage}}, []string{"read nats.tls"}},
		{Config{URL: "http://127.0.0.1:1"}, []string{`nats.url: scheme "http"`, "want nats"}},
		{Config{URL: "nats://:4222"}, []string{"nats.url: the host is missing"}},
		{Config{URL: "nats://ann:horse#1@127.0.0.1:1"}, []string{"nats.url is not a URL"}},
	} {
		b, err := Start(t.Context(), c.config)
		if b != nil {
			t.Errorf("%+v: got a broker beside the error", c.config)
		}
		wantError(t, err, c.words...)
		for _, secret := range []string{"horse", string(seed), string(accountSeed), "not what it should be"} {
			if strings.Contains(fmt.Sprint(err), secret) {
				t.Errorf("the error holds a secret: %v", err)
			}
		}
	}
}

func newKey(t *testing.T, create func() (nkeys.KeyPair, error)) (seed []byte, key nkeys.KeyPair) {
	t.Helper()
	key, err := create()
	if err != nil {
		t.Fatal(err)
	}
	return seedOf(t, key), key
}

func seedOf(t *testing.T, key nkeys.KeyPair) []byte {
	t.Helper()
	seed, err := key.Seed()
	if err != nil {
		t.Fatal(err)
	}
	return seed
}

func publicKey(t *testing.T, key nkeys.KeyPair) string {
	t.Helper()
	text, err := key.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// newOperator makes the configuration of a server in operator mode with one account, the credentials of a user of that
// account, and those of a user whom another account signed.
func newOperator(t *testing.T) (config string, creds, stranger []byte) {
	t.Helper()
	_, operator := newKey(t, nkeys.CreateOperator)
	_, account := newKey(t, nkeys.CreateAccount)
	_, system := newKey(t, nkeys.CreateAccount)
	_, other := newKey(t, nkeys.CreateAccount)

	claims := jwt.NewAccountClaims(publicKey(t, account))
	claims.Limits.JetStreamLimits = jwt.JetStreamLimits{MemoryStorage: -1, DiskStorage: -1, Streams: -1, Consumer: -1}
	op := jwt.NewOperatorClaims(publicKey(t, operator))
	op.SystemAccount = publicKey(t, system)
	sys := jwt.NewAccountClaims(op.SystemAccount)
	config = fmt.Sprintf("operator: %s\nresolver: MEMORY\nresolver_preload {\n%s: %s\n%s: %s\n}",
		encode(t, op, operator), claims.Subject, encode(t, claims, operator), sys.Subject, encode(t, sys, operator))
	return config, newCreds(t, account), newCreds(t, other)
}

func newCreds(t *testing.T, account nkeys.KeyPair) []byte {
	t.Helper()
	seed, user := newKey(t, nkeys.CreateUser)
	text, err := jwt.FormatUserConfig(encode(t, jwt.NewUserClaims(publicKey(t, user)), account), seed)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func encode(t *testing.T, c jwt.Claims, signer nkeys.KeyPair) string {
	t.Helper()
	text, err := c.Encode(signer)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func write0600(t *testing.T, text []byte) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// An authority signs certificates for the length of a test.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	file string
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	a := authority{cert: &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}}
	a.key = newECKey(t)
	der, err := x509.CreateCertificate(rand.Reader, a.cert, a.cert, &a.key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	a.file = write0600(t, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	return a
}

// issue makes a certificate for a name, to serve and to connect with.
func (a authority) issue(t *testing.T, name string) TLS {
	t.Helper()
	cert := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if ip := net.ParseIP(name); ip != nil {
		cert.IPAddresses = []net.IP{ip}
	}
	key := newECKey(t)
	der, err := x509.CreateCertificate(rand.Reader, cert, a.cert, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return TLS{
		Cert: write0600(t, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		Key:  write0600(t, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})),
	}
}

func newECKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
