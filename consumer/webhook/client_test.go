package webhook

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// The receiver's certificate is checked against the authority of the configuration, and it sees ours.
func TestTLS(t *testing.T) {
	dir := t.TempDir()
	pool, cert, key := clientCertificate(t, dir)
	r := unstarted(status(http.StatusOK))
	r.TLS = &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool, MinVersion: tls.VersionTLS13}
	r.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	r.EnableHTTP2 = true
	r.StartTLS()
	t.Cleanup(r.Close)
	ca := write(t, filepath.Join(dir, "ca.pem"), "CERTIFICATE", r.Certificate().Raw)

	if err := newJob(t, Options{URL: r.URL, TLS: TLS{CA: ca, Cert: cert, Key: key}}).Handle(t.Context(), message(t)); err != nil {
		t.Error(err)
	}
	for _, o := range []Options{{URL: r.URL}, {URL: r.URL, TLS: TLS{CA: ca}}, {URL: r.URL, TLS: TLS{Cert: cert, Key: key}}} {
		if err := newJob(t, o).Handle(t.Context(), message(t)); err == nil {
			t.Errorf("%+v: got through", o.TLS)
		}
	}
	if n := len(r.all()); n != 1 {
		t.Errorf("%d requests came, want 1", n)
	}
}

// clientCertificate makes one that signs itself.
func clientCertificate(t *testing.T, dir string) (pool *x509.CertPool, certFile, keyFile Path) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(cert)
	if err != nil {
		t.Fatal(err)
	}
	pool = x509.NewCertPool()
	pool.AddCert(parsed)
	return pool, write(t, filepath.Join(dir, "cert.pem"), "CERTIFICATE", cert), write(t, filepath.Join(dir, "key.pem"), "PRIVATE"+" KEY", key)
}

func write(t *testing.T, name, kind string, der []byte) Path {
	t.Helper()
	if err := os.WriteFile(name, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return Path(name)
}

// There are never more connections than configured, and they are used again.
func TestConnectionLimit(t *testing.T) {
	const most, requests = 2, 40
	var open, peak, opened atomic.Int64
	r := unstarted(status(http.StatusOK))
	r.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		switch s {
		case http.StateNew:
			opened.Add(1)
			for now := open.Add(1); now > peak.Load(); {
				peak.Store(now)
			}
		case http.StateClosed:
			open.Add(-1)
		}
	}
	r.Start()
	t.Cleanup(r.Close)
	j := newJob(t, Options{URL: r.URL, MaxConnections: most})
	var all sync.WaitGroup
	for range requests {
		all.Go(func() {
			if err := j.Handle(t.Context(), message(t)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if peak.Load() > most || opened.Load() > most {
		t.Errorf("%d connections at a time, %d in all, want at most %d", peak.Load(), opened.Load(), most)
	}
	if n := len(r.all()); n != requests {
		t.Errorf("%d requests, want %d", n, requests)
	}
}

// A receiver that was restarted while its connection was idle costs no attempt.
func TestIdleConnectionClosed(t *testing.T) {
	r := receive(t, status(http.StatusOK))
	j := newJob(t, Options{URL: r.URL})
	for range 20 {
		if err := j.Handle(t.Context(), message(t)); err != nil {
			t.Fatal(err)
		}
		r.CloseClientConnections()
	}
}

func TestProxy(t *testing.T) {
	r := receive(t, status(http.StatusOK)) // a proxy gets the whole URL
	if err := newJob(t, Options{URL: "http://crm.example/events", Proxy: r.URL}).Handle(t.Context(), message(t)); err != nil {
		t.Fatal(err)
	}
	if got := r.all()[0].target; got != "POST http://crm.example/events" {
		t.Errorf("got %s", got)
	}
}

// Run lets go of the connections when ctx ends.
func TestRun(t *testing.T) {
	closed := make(chan struct{})
	server := httptest.NewUnstartedServer(status(http.StatusOK))
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateClosed {
			close(closed)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	j := newJob(t, Options{URL: server.URL})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- j.Run(ctx) }()
	if err := j.Handle(t.Context(), message(t)); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	select {
	case <-closed:
	case <-time.After(10 * time.Second):
		t.Error("the connection stays open")
	}
}

func TestOptions(t *testing.T) {
	const url = "https://crm.example/events"
	ok := Options{URL: url, Secret: secret}
	with := func(change func(*Options)) Options {
		o := ok
		change(&o)
		return o
	}
	refused(t, with(func(o *Options) { o.URL = "" }), "url: missing")
	for _, bad := range []string{"crm.example/hush", "ftp://crm.example/hush", "file:///hush", "http://", "http:///hush", "http://[hush", "://hush"} {
		refused(t, with(func(o *Options) { o.URL = bad }), "url: want an absolute URL")
	}
	refused(t, with(func(o *Options) { o.URL = "https://a:hush@crm.example/" }), "Authorization")
	refused(t, with(func(o *Options) { o.URL = url + "#hush" }), "fragment")
	refused(t, with(func(o *Options) { o.Secret = "" }), "secret: missing")
	refused(t, with(func(o *Options) { o.Unsigned = true }), "choose one")
	refused(t, with(func(o *Options) { o.Secrets = []string{""} }), "is empty")
	refused(t, with(func(o *Options) { o.Secret = "whsec_hush?" }), "base64")
	refused(t, with(func(o *Options) { o.Secret = secret[:10] + "\n" + secret[10:] }), "base64")
	refused(t, with(func(o *Options) { o.Secret = "whsec_hush" }), "24 bytes")
	refused(t, with(func(o *Options) { o.Secret = "whsec_" }), "24 bytes")
	refused(t, with(func(o *Options) { o.SecretFile = Path(filepath.Join(t.TempDir(), "none")) }), "secret_file")
	refused(t, with(func(o *Options) { o.Timeout = -1 }), "timeout")
	refused(t, with(func(o *Options) { o.MaxConnections = -1 }), "max_connections")
	refused(t, with(func(o *Options) { o.MaxRetryAfter = -1 }), "max_retry_after")
	for _, name := range []string{"Ce-Id", "webhook-signature", "host", "content-type", "Content-Length", "forebay-seq", "TRACEPARENT"} {
		refused(t, with(func(o *Options) { o.Headers = map[string]string{name: "x"} }), "not for you to set")
	}
	refused(t, with(func(o *Options) { o.Headers = map[string]string{"a b": "x"} }), "no name")
	refused(t, with(func(o *Options) { o.Headers = map[string]string{"": "x"} }), "no name")
	refused(t, with(func(o *Options) { o.Headers = map[string]string{"X-A": "x", "x-a": "y"} }), "twice")
	refused(t, with(func(o *Options) { o.Headers = map[string]string{"X-A": "hush\r\nX-B: y"} }), "printable")
	refused(t, with(func(o *Options) { o.Proxy = "ftp://a:hush@proxy.example" }), "proxy: want http")
	refused(t, with(func(o *Options) { o.Proxy = "hush" }), "proxy: want an absolute URL")
	refused(t, with(func(o *Options) { o.TLS.Cert = "cert.pem" }), "need each other")
	refused(t, with(func(o *Options) { o.TLS.CA = Path(filepath.Join(t.TempDir(), "none")) }), "tls: ca")
	refused(t, with(func(o *Options) { o.URL, o.TLS.CA = "http://crm.example", "ca.pem" }), "not https")
	empty := write(t, filepath.Join(t.TempDir(), "ca.pem"), "OTHER", nil)
	refused(t, with(func(o *Options) { o.TLS.CA = empty }), "no certificate")
	refused(t, with(func(o *Options) { o.TLS.Cert, o.TLS.Key = empty, empty }), "cert and key")
	if _, err := New(config(ok)); err != nil {
		t.Error(err)
	}
}

func TestSecretFile(t *testing.T) {
	for _, end := range []string{"", "\n", "\r\n"} {
		name := filepath.Join(t.TempDir(), "secret")
		if err := os.WriteFile(name, []byte(oldSecret+end), 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Options{SecretFile: Path(name), Secret: secret}.signer()
		if err != nil || len(s) != 2 || !bytes.Equal(s[1], []byte("forebay-tests-signed-with-this-key")) {
			t.Errorf("with %q: got %q, %v", end, s, err)
		}
	}
}
