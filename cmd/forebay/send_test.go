package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/forebayhq/forebay/config"
	"github.com/forebayhq/forebay/provider"
)

func testConfig() *config.Config {
	source := func(name, of string) config.Source {
		return config.Source{Name: name, Provider: of, Path: "/hooks/" + name, Secrets: []config.Secret{"invented-secret"}}
	}
	return &config.Config{
		File: "forebay.yaml", Listen: "0.0.0.0:8080",
		Sources: config.Sources{source("acme", "ssofy"), source("zeta", "ssofy"), source("mgpass", "mgpass")},
	}
}

func TestTarget(t *testing.T) {
	for _, c := range []struct {
		send sendCommand
		url  string // or a part of the error
	}{
		{sendCommand{Provider: "mgpass"}, "http://127.0.0.1:8080/hooks/mgpass"},
		{sendCommand{Provider: "acme"}, "http://127.0.0.1:8080/hooks/acme"},
		{sendCommand{Provider: "ssofy", Source: "zeta"}, "http://127.0.0.1:8080/hooks/zeta"},
		{sendCommand{Provider: "zeta", To: "https://hooks.example.com"}, "https://hooks.example.com/hooks/zeta"},
		{sendCommand{Provider: "zeta", To: "https://hooks.example.com/a%2Fb?c=d"}, "https://hooks.example.com/a%2Fb?c=d"},
		{sendCommand{Provider: "ssofy"}, "choose with --source: acme, zeta"},
		{sendCommand{Provider: "mgpass", Source: "acme"}, "source acme is of provider ssofy, not mgpass"},
		{sendCommand{Provider: "okta"}, "no provider or source"},
		{sendCommand{Provider: "acme", To: "hooks.example.com"}, "--to: want a URL"},
	} {
		target, err := c.send.target(testConfig())
		switch {
		case err != nil && !strings.Contains(err.Error(), c.url):
			t.Errorf("%+v: %v, want %s", c.send, err, c.url)
		case err == nil && target.url.String() != c.url:
			t.Errorf("%+v: got %s, want %s", c.send, target.url, c.url)
		}
	}
}

// What is sent verifies at the URL that is called: SSOfy signs its path, and public_url has a path of its own.
func TestSignedForTheURLThatIsCalled(t *testing.T) {
	c := testConfig()
	c.Sources[0].PublicURL = config.URL{URL: &url.URL{Scheme: "https", Host: "hooks.example.com", Path: "/prefix"}}
	for to, at := range map[string]provider.Config{
		"":                                       {Path: "/hooks/acme", PublicURL: c.Sources[0].PublicURL.URL},
		"https://hooks.example.com/prefix/a%2fb": {Path: "/prefix/a%2fb"},
		"https://hooks.example.com/prefix/hooks/": {Path: "/hooks/", PublicURL: c.Sources[0].PublicURL.URL},
	} {
		target, err := (&sendCommand{Provider: "acme", To: to}).target(c)
		check(t, err)
		d, err := target.make("otp_requested")
		check(t, err)
		at.Source, at.Secrets = "acme", []string{"invented-secret"}
		p, err := providers["ssofy"](at)
		check(t, err)
		arrived := d.request
		arrived.URL, err = url.Parse(at.Path)
		check(t, err)
		if err := p.Verify(arrived); err != nil {
			t.Errorf("--to %q: %v", to, err)
		}
	}
}

// An answer is a success by its status and by its signature, where it has one.
func TestAnswers(t *testing.T) {
	c := testConfig()
	verifier, err := newProvider(c.Sources[0])
	check(t, err)
	var forge atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		request := provider.Request{Method: r.Method, URL: r.URL, Header: r.Header, Body: body}
		a := verifier.(provider.Answerer).Answer(request, provider.Outcome{})
		w.Header().Set("Signature", a.Header.Get("Signature"))
		if r.URL.Path == "/other" || forge.Load() {
			_, _ = w.Write([]byte(`{"success":false}`))
			return
		}
		_, _ = w.Write(a.Body)
	}))
	defer server.Close()
	for path, want := range map[string]string{"/hooks/acme": "right", "/other": "wrong"} {
		target, err := (&sendCommand{Provider: "acme", To: server.URL + path}).target(c)
		check(t, err)
		native, err := target.native("otp.requested")
		check(t, err)
		a := target.send(t.Context(), native)
		if a.Status != http.StatusOK || a.Signature != want || a.success() != (want == "right") {
			t.Errorf("%s: %+v, want a signature that is %s", path, a, want)
		}
	}
	forge.Store(true)
	config := filepath.Join(t.TempDir(), "none.yaml")
	check(t, os.WriteFile(config, []byte("sources: {acme: {provider: ssofy, secrets: [invented-secret]}}"), 0o600))
	_, stderr, code := call(t, "--config", config, "send", "acme", "otp_requested", "--to", server.URL)
	if code != exitFailed || !strings.Contains(stderr, "signature of the answer is wrong") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

// Redirects are final: providers do not follow them, and a signature fits one URL.
func TestRedirectIsNoSuccess(t *testing.T) {
	server := httptest.NewServer(http.RedirectHandler("/elsewhere", http.StatusTemporaryRedirect))
	defer server.Close()
	target, err := (&sendCommand{Provider: "acme", To: server.URL}).target(testConfig())
	check(t, err)
	a := target.send(t.Context(), provider.Native{Name: "otp_requested"})
	if a.success() || a.Status != http.StatusTemporaryRedirect {
		t.Errorf("got %+v", a)
	}
}

// The own listener is trusted by its certificate, which names another host; any other certificate is refused.
func TestTrust(t *testing.T) {
	c := testConfig()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.StartTLS()
	defer server.Close()
	c.Listen = server.Listener.Addr().String()
	own := server.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(own.PrivateKey)
	check(t, err)
	c.TLS = writePair(t, own.Certificate[0], key)
	target, err := (&sendCommand{Provider: "mgpass"}).target(c)
	check(t, err)
	if a := target.send(t.Context(), provider.Native{Name: "token.issued"}); a.Status != http.StatusOK {
		t.Errorf("the configured certificate: %+v", a)
	}
	c.TLS = strangerPair(t)
	target, err = (&sendCommand{Provider: "mgpass"}).target(c)
	check(t, err)
	a := target.send(t.Context(), provider.Native{Name: "token.issued"})
	if a.cause == nil || !strings.Contains(a.Error, "another certificate") {
		t.Errorf("another certificate: %+v", a)
	}
}

func writePair(t *testing.T, cert, key []byte) config.TLS {
	t.Helper()
	dir := t.TempDir()
	files := config.TLS{Cert: config.Path(filepath.Join(dir, "cert.pem")), Key: config.Path(filepath.Join(dir, "key.pem"))}
	check(t,
		os.WriteFile(string(files.Cert), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}), 0o600),
		os.WriteFile(string(files.Key), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}), 0o600))
	return files
}

func strangerPair(t *testing.T) config.TLS {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	check(t, err)
	encoded, err := x509.MarshalPKCS8PrivateKey(key)
	check(t, err)
	return writePair(t, cert, encoded)
}

func TestDialable(t *testing.T) {
	for address, want := range map[string]string{
		"127.0.0.1:8080": "127.0.0.1:8080", ":8080": "127.0.0.1:8080", "0.0.0.0:8080": "127.0.0.1:8080",
		"[::]:8080": "127.0.0.1:8080", "[::1]:8080": "[::1]:8080", "hooks.internal:80": "hooks.internal:80",
		"127.0.0.1:0": "", "nowhere": "",
	} {
		if got, err := dialable(address); got != want || (err == nil) != (want != "") {
			t.Errorf("dialable(%q) = %q, %v, want %q", address, got, err, want)
		}
	}
}
