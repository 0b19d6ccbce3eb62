package ingress_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/forebayhq/forebay/ingress"
)

// A pair is a self-signed certificate, its key, and the files that hold them.
type pair struct{ cert, key string }

func writePair(t *testing.T, at pair, serial int64, modified time.Time) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{
		at.cert: {Type: "CERTIFICATE", Bytes: der}, at.key: {Type: "EC PRIVATE KEY", Bytes: keyDER},
	} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, modified, modified); err != nil {
			t.Fatal(err)
		}
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// serveTLS serves one source by TLS and gives its URL.
func serveTLS(t *testing.T, c *tls.Config) string {
	t.Helper()
	b := newBench(t, fake{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := ingress.Server(b.in, b.config.Log)
	server.TLSConfig = c
	done := make(chan error, 1)
	go func() { done <- server.ServeTLS(l, "", "") }()
	t.Cleanup(func() { _ = server.Close(); <-done })
	return "https://" + l.Addr().String() + path
}

// answered is what came back over TLS.
type answered struct {
	status, protocol int
	serial           int64 // of the server's certificate
}

// postTLS sends a delivery over a connection of its own.
func postTLS(t *testing.T, url string, c *tls.Config) (answered, error) {
	t.Helper()
	r, err := http.NewRequest("POST", url, strings.NewReader(`{"id":"1"}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = http.Header{"Content-Type": {"application/json"}, "X-Signature": {signed}}
	transport := &http.Transport{TLSClientConfig: c, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	res, err := transport.RoundTrip(r)
	if err != nil {
		return answered{}, err
	}
	return answered{res.StatusCode, res.ProtoMajor, res.TLS.PeerCertificates[0].SerialNumber.Int64()}, res.Body.Close()
}

func files(t *testing.T, name string) pair {
	return pair{filepath.Join(t.TempDir(), name+".crt"), filepath.Join(t.TempDir(), name+".key")}
}

// TestTLS: HTTP/2, a certificate that changes on disk, and files that are broken for a while.
func TestTLS(t *testing.T) {
	server, now := files(t, "server"), time.Now()
	first := writePair(t, server, 1, now.Add(-2*time.Minute))
	c, err := ingress.TLSConfig(server.cert, server.key, "")
	if err != nil {
		t.Fatal(err)
	}
	url := serveTLS(t, c)
	client := func(cert *x509.Certificate) *tls.Config {
		pool := x509.NewCertPool()
		pool.AddCert(cert)
		return &tls.Config{RootCAs: pool}
	}
	res, err := postTLS(t, url, client(first))
	if err != nil || res.status != 200 || res.protocol != 2 {
		t.Fatalf("got %+v, %v; want 200 over HTTP/2", res, err)
	}
	old := client(first)
	old.MaxVersion = tls.VersionTLS11
	if _, err := postTLS(t, url, old); err == nil {
		t.Error("TLS 1.1: got no error")
	}

	if err := os.WriteFile(server.cert, []byte("half a certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := postTLS(t, url, client(first)); err != nil {
		t.Errorf("while the file is broken: %v", err)
	}
	second := writePair(t, server, 2, now.Add(-time.Minute))
	if res, err := postTLS(t, url, client(second)); err != nil || res.serial != 2 {
		t.Errorf("after the change: %v", err)
	}
}

func TestClientCertificates(t *testing.T) {
	server, client, other := files(t, "server"), files(t, "client"), files(t, "other")
	root := writePair(t, server, 1, time.Now())
	writePair(t, client, 2, time.Now())
	writePair(t, other, 3, time.Now())
	c, err := ingress.TLSConfig(server.cert, server.key, client.cert)
	if err != nil {
		t.Fatal(err)
	}
	url := serveTLS(t, c)
	for name, p := range map[string]*pair{"known": &client, "unknown": &other, "none": nil} {
		pool := x509.NewCertPool()
		pool.AddCert(root)
		c := &tls.Config{RootCAs: pool}
		if p != nil {
			cert, err := tls.LoadX509KeyPair(p.cert, p.key)
			if err != nil {
				t.Fatal(err)
			}
			c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &cert, nil }
		}
		if _, err := postTLS(t, url, c); (err == nil) != (name == "known") {
			t.Errorf("%s certificate: got %v", name, err)
		}
	}
}

func TestTLSConfigRefuses(t *testing.T) {
	good, none := files(t, "good"), files(t, "none")
	writePair(t, good, 1, time.Now())
	for name, c := range map[string][3]string{
		"no files":             {none.cert, none.key, ""},
		"a key for a cert":     {good.key, good.key, ""},
		"no client CA":         {good.cert, good.key, none.cert},
		"a key for client CAs": {good.cert, good.key, good.key},
	} {
		if _, err := ingress.TLSConfig(c[0], c[1], c[2]); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
}
