package cache_test

import (
	"context"
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

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"github.com/forebayhq/forebay/consumer"
	"github.com/forebayhq/forebay/consumer/cache"
	"github.com/forebayhq/forebay/consumer/consumertest"
	"github.com/forebayhq/forebay/schema"
)

const (
	verify = "request:v1/authenticated/verify:"
	whoami = "request:v1/authenticated/user:"
)

// SSOfy's reference keys need no configuration beyond the address.
func TestReferenceKeys(t *testing.T) {
	s := consumertest.StartRedis(t)
	c := s.Client()
	set(t, c, verify+"9f8e", whoami+"9f8e", verify+"other", whoami+"other", "mine")
	job := start(t, "url: "+s.URL())
	for range 2 { // a repeat does no harm
		handle(t, job, event("token.revoked", `"token":{"value":"9f8e"}`))
		want(t, c, "mine", whoami+"other", verify+"other")
	}
	handle(t, job, event("user.updated", `"user":{"id":"42"}`))
	handle(t, job, event("token.revoked", `"token":{"id":"42"}`)) // of a provider that names no value
	want(t, c, "mine", whoami+"other", verify+"other")
	handle(t, job, event("cache.reset", ""))
	want(t, c, "mine")
}

func TestTemplates(t *testing.T) {
	s := consumertest.StartRedis(t)
	c := s.Client()
	for _, test := range []struct{ template, members, drops string }{
		{`user:{{.user.id}}`, `"user":{"id":"42"}`, "user:42"},
		{`user:{{.user.id}}`, `"user":{"id":""}`, ""},
		{`user:{{.user.id}}`, `"user":{}`, ""},
		{`user:{{.user.id}}`, ``, ""},
		{`n:{{.user.custom.n}}`, `"user":{"custom":{"n":12345678901234567890}}`, "n:12345678901234567890"},
		{`b:{{.user.email_verified}}`, `"user":{"email_verified":true}`, "b:true"},
		{`{{range .sessions}}s:{{.id}}{{"\n"}}{{end}}`, `"sessions":[{"id":"1"}]`, "refused"},
		{"{{range .sessions}}s:{{.id}}\n{{end}}", `"sessions":[{"id":"1"},{"id":"2"}]`, "s:1 s:2"},
		{`{{with .session}}s:{{.id}}{{end}}`, ``, ""},
		{`{{$id := .user.id}}user:{{$id}}`, `"user":{"id":"42"}`, "user:42"},
		{`user:{{printf "%s/%s" .source .user.id}}`, `"user":{"id":"42"}`, "user:ssofy/42"},
		{`user:{{.user}}`, `"user":{"id":"42"}`, "refused"},
		{`user:{{.user.id}}`, `"user":{"id":"42\nvictim"}`, "refused"},
		{`user:{{.user.id}}`, `"user":{"id":"*"}`, "user:*"},
		{`t:{{.token.value}}`, `"token":{"value":{"sealed":"a.b.c.d.e"}}`, "refused"},
	} {
		all := append(strings.Fields(strings.TrimPrefix(test.drops, "refused")), "victim")
		set(t, c, all...)
		job := start(t, fmt.Sprintf("url: %s\nkeys: {user.*: [%q]}", s.URL(), test.template))
		err := job.Handle(t.Context(), event("user.updated", test.members))
		verdict := "ack"
		if test.drops == "refused" {
			verdict = "permanent"
		}
		if consumertest.Verdict(err) != verdict {
			t.Errorf("%s of %s: %v, want the verdict %s", test.template, test.members, err, verdict)
		}
		want(t, c, "victim")
	}
}

// A key needs the readable value: without the private key the event is a dead letter that says so.
func TestSealedValue(t *testing.T) {
	s := consumertest.StartRedis(t)
	set(t, s.Client(), verify+"9f8e")
	m := event("token.revoked", `"token":{"value":{"sealed":"a.b.c.d.e"}}`)
	err := start(t, "url: "+s.URL()).Handle(t.Context(), m)
	if consumertest.Verdict(err) != "permanent" || !strings.Contains(err.Error(), "a key needs the readable value") {
		t.Errorf("without the key: %v", err)
	}
	handle(t, start(t, "url: "+s.URL(), func(c *consumer.JobConfig) {
		c.Open = func(sealed string) ([]byte, error) { return []byte("9f8e"), nil }
	}), m)
	want(t, s.Client())
}

func TestReset(t *testing.T) {
	s := consumertest.StartRedis(t)
	c := s.Client()
	const keys = "\nkeys: {user.deleted: [\"user:{{.user.id}}\"]}\n"

	set(t, c, "app:user:1", "app:user:2", "app:gen", "user:1", "appXuser:1")
	handle(t, start(t, "url: "+s.URL()+keys+"prefix: \"app:\"\nreset: {prefix: \"user:\"}"),
		event("cache.reset", ""))
	want(t, c, "app:gen", "appXuser:1", "user:1")

	generation := start(t, "url: "+s.URL()+keys+"prefix: \"app:\"\nreset: {generation: generation}")
	handle(t, generation, event("cache.reset", ""))
	if got := c.Get(t.Context(), "app:generation").Val(); got != "1" {
		t.Errorf("generation is %q, want 1", got)
	}
	want(t, c, "app:gen", "app:generation", "appXuser:1", "user:1")
	c.Set(t.Context(), "app:generation", "text", 0)
	if err := generation.Handle(t.Context(), event("cache.reset", "")); consumertest.Verdict(err) != "permanent" {
		t.Errorf("no number: %v", err)
	}

	err := start(t, "url: "+s.URL()+keys).Handle(t.Context(), event("cache.reset", ""))
	if consumertest.Verdict(err) != "permanent" || !strings.Contains(err.Error(), "neither reset.prefix nor reset.generation") {
		t.Errorf("no reset: %v", err)
	}
}

// What looks like a pattern in a prefix is none.
func TestResetIsLiteral(t *testing.T) {
	s := consumertest.StartRedis(t)
	c := s.Client()
	set(t, c, `a[b]?c\^:1`, "ab:1", "abXc:1")
	handle(t, start(t, "url: "+s.URL()+"\nkeys: {user.deleted: [x]}\nreset: {prefix: 'a[b]?c\\^:'}"), event("cache.reset", ""))
	want(t, c, "ab:1", "abXc:1")
}

func TestResetOfMany(t *testing.T) {
	s := consumertest.StartRedis(t)
	c := s.Client()
	_, err := c.Pipelined(t.Context(), func(p redis.Pipeliner) error {
		for i := range 5000 {
			p.Set(t.Context(), fmt.Sprintf("%s%d", verify, i), 1, 0)
			p.Set(t.Context(), fmt.Sprintf("mine:%d", i), 1, 0)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	handle(t, start(t, "url: "+s.URL()), event("cache.reset", ""))
	if n := c.DBSize(t.Context()).Val(); n != 5000 {
		t.Errorf("%d keys left, want 5000", n)
	}
}

func TestCluster(t *testing.T) {
	addresses := startCluster(t)
	c := redis.NewClusterClient(&redis.ClusterOptions{Addrs: addresses})
	t.Cleanup(func() { c.Close() })
	var keep []string
	for i := range 60 {
		set(t, c, fmt.Sprintf("%s%d", verify, i), fmt.Sprintf("%s%d", whoami, i), fmt.Sprintf("mine:%d", i))
		keep = append(keep, fmt.Sprintf("mine:%d", i))
	}
	count := func() (n int64) {
		for _, a := range addresses {
			one := redis.NewClient(&redis.Options{Addr: a})
			n += one.DBSize(t.Context()).Val()
			one.Close()
		}
		return n
	}
	for _, options := range []string{
		"addresses: [" + strings.Join(addresses, ", ") + "]", "cluster: true\naddresses: [" + addresses[2] + "]",
	} {
		job := start(t, options)
		before := count()
		handle(t, job, event("token.revoked", fmt.Sprintf(`"token":{"value":"%d"}`, before%7)))
		if got := count(); got != before-2 {
			t.Errorf("%d keys after a token was revoked, want %d", got, before-2)
		}
	}
	handle(t, start(t, "cluster: true\nurl: redis://"+addresses[1]), event("cache.reset", ""))
	if got := count(); got != 60 {
		t.Errorf("%d keys after the reset, want 60", got)
	}
	if n := c.Exists(t.Context(), keep[0]).Val(); n != 1 {
		t.Error("the reset dropped a key without its prefix")
	}
}

func TestSentinel(t *testing.T) {
	master := consumertest.StartRedis(t)
	sentinel := startSentinel(t, master)
	set(t, master.Client(), verify+"1", "mine")
	job := start(t, "addresses: ["+sentinel.Addr()+"]\nmaster: main")
	handle(t, job, event("token.revoked", `"token":{"value":"1"}`))
	handle(t, job, event("cache.reset", ""))
	want(t, master.Client(), "mine")
}

// The rights that the manual names are enough, and a wrong password is no dead letter: the operator mends it.
func TestACL(t *testing.T) {
	s := consumertest.StartRedis(t)
	c := s.Client()
	set(t, c, verify+"1", verify+"2")
	err := c.Do(t.Context(), "ACL", "SETUSER", "forebay", "on", ">sesame", "~request:*", "+unlink", "+scan", "+ping").Err()
	if err != nil {
		t.Fatal(err)
	}
	wrong := start(t, "addresses: ["+s.Addr()+"]\nuser: forebay\npassword: wrong")
	m := event("token.revoked", `"token":{"value":"1"}`)
	if err := wrong.Handle(t.Context(), m); consumertest.Verdict(err) != "retry" || strings.Contains(err.Error(), "sesame") {
		t.Errorf("wrong password: %v", err)
	}
	job := start(t, "addresses: ["+s.Addr()+"]\nuser: forebay\npassword: sesame")
	handle(t, job, m)
	handle(t, job, event("cache.reset", ""))
	want(t, c)
}

// A server that is away is no dead letter either; when it is back the next attempt succeeds.
func TestRedisAway(t *testing.T) {
	s := consumertest.StartRedis(t)
	job := start(t, "url: "+s.URL())
	m := event("token.revoked", `"token":{"value":"1"}`)
	handle(t, job, m)
	s.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := job.Handle(ctx, m); consumertest.Verdict(err) != "retry" {
		t.Fatalf("got %v, want an error that is not permanent", err)
	}
	s.Start()
	set(t, s.Client(), verify+"1")
	consumertest.Eventually(t, "an attempt that succeeds", func() bool { return job.Handle(t.Context(), m) == nil })
	want(t, s.Client())
}

func TestTLS(t *testing.T) {
	cert, key := certificate(t)
	port := consumertest.FreePort()
	consumertest.StartRedis(t, "--tls-port", fmt.Sprint(port), "--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", cert)
	m := event("token.revoked", `"token":{"value":"1"}`)
	trusting := fmt.Sprintf("tls: {ca: %s, cert: %s, key: %s}\n", cert, cert, key)
	for _, address := range []string{fmt.Sprintf("url: rediss://127.0.0.1:%d", port), fmt.Sprintf("addresses: [\"127.0.0.1:%d\"]", port)} {
		handle(t, start(t, trusting+address), m)
		if err := start(t, "tls: {}\n"+address).Handle(t.Context(), m); consumertest.Verdict(err) != "retry" {
			t.Errorf("%s: an unknown authority: %v", address, err)
		}
	}
}

// certificate makes files for 127.0.0.1.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	write := func(name, kind string, bytes []byte) string {
		file := filepath.Join(folder, name)
		if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: bytes}), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	return write("cert.pem", "CERTIFICATE", der), write("key.pem", "PRIVATE KEY", pkcs8)
}

func TestOptions(t *testing.T) {
	for options, want := range map[string]string{
		"{}":                                                        "url or addresses: neither is given",
		"url: http://x:sesame@h":                                    "url: not redis://",
		"url: redis://x:sesame@h:port":                              "url: not redis://",
		"url: redis://h\naddresses: [h]":                            "give only one",
		"cluster: true\nmaster: m\naddresses: [h]":                  "only one of them",
		"cluster: true\ndb: 1\naddresses: [h]":                      "db: a cluster has only 0",
		"url: redis://h\nkey: x":                                    "unknown field",
		"url: redis://h\nkeys: {user: [x]}":                         `"user" is no action`,
		"url: redis://h\nkeys: {user.*: ['']}":                      "names nothing",
		"url: redis://h\nkeys: {user.*: ['*']}":                     "names nothing",
		"url: redis://h\nkeys: {user.*: ['user:{{.user.id}}:*']}":   "* is no pattern",
		"url: redis://h\nkeys: {user.*: ['user:{{.User.ID}}']}":     `no member "User"`,
		"url: redis://h\nkeys: {user.*: ['user:{{.user.id}']}":      "bad character",
		"url: redis://h\nreset: {prefix: '*'}":                      "reset.prefix",
		"url: redis://h\nreset: {prefix: ':'}":                      "reset.prefix",
		"url: redis://h\nreset: {prefix: 'user:*'}":                 "a prefix is no pattern",
		"url: redis://h\nreset: {prefix: a, generation: b}":         "only one of them",
		"url: redis://h\npurge: {user.*: ['{{.user.profile}}']}":    "does not begin with http",
		"url: redis://h\npurge: {user.*: ['http://{{.user.id}}/']}": "does not begin with http",
		"url: redis://h\ntls: {ca: /nowhere}":                       "tls.ca",
		"url: redis://h\ntls: {cert: /nowhere}":                     "tls.cert",
	} {
		_, err := cache.New(consumer.JobConfig{Consumer: "cache", Options: consumertest.YAML(options)})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "sesame") {
			t.Errorf("%q: got %v, want %q", options, err, want)
		}
	}
	if _, err := cache.New(consumer.JobConfig{Consumer: "cache"}); err == nil {
		t.Error("no options: want an error")
	}
}

// New may be called to check a file, also twice with one registry, and leaves nothing behind (see TestMain).
func TestNewTwice(t *testing.T) {
	c := consumer.JobConfig{Options: consumertest.YAML("cluster: true\naddresses: [127.0.0.1:1]"), Metrics: prometheus.NewRegistry()}
	for _, c.Consumer = range []string{"cache", "other"} {
		if _, err := cache.New(c); err != nil {
			t.Fatal(err)
		}
	}
}

func TestUnreadableMessage(t *testing.T) {
	job := start(t, "url: redis://127.0.0.1:1")
	m := &consumer.Message{Event: schema.Event{Action: "token.revoked"}, Body: []byte(`"9f8e`)}
	if err := job.Handle(t.Context(), m); consumertest.Verdict(err) != "permanent" || strings.Contains(err.Error(), "9f8e") {
		t.Errorf("got %v", err)
	}
}
