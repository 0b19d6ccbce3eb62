package main

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/forebayhq/forebay/config"
)

// rewrite changes the configuration of a daemon and has it read again. It returns when it was.
func (d *daemon) rewrite(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(d.config())
	check(t, err)
	if !strings.Contains(string(text), from) {
		t.Fatalf("the configuration does not say %s", from)
	}
	check(t, os.WriteFile(d.config(), []byte(strings.Replace(string(text), from, to, 1)), 0o600))
	const done = "configuration reloaded"
	before := strings.Count(d.logText(), done)
	check(t, d.signal("HUP"), poll(func() error {
		if strings.Count(d.logText(), done) == before {
			return fmt.Errorf("not reloaded: %s", d.logText())
		}
		return nil
	}))
}

// A reload leaves a consumer alone that goes by what it went by, whatever stands around it, and begins a changed one
// beside its former self. In either case an attempt under way is finished, and other events come meanwhile.
func TestReloadHoldsNobodyUp(t *testing.T) {
	arrived, release := make(chan string, 64), make(chan struct{})
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		arrived <- r.URL.Path + " " + r.Header.Get("Ce-Type")
		if r.Header.Get("Ce-Type") == "user.created" {
			<-release
		}
	}))
	t.Cleanup(hook.Close)
	done := sync.OnceFunc(func() { close(release) })
	t.Cleanup(done) // before Close, which waits for requests
	d := newDaemon(t, forebayYAML+fmt.Sprintf("consumers:\n  crm: {run: webhook, webhook: {unsigned: true, url: %q}}\n",
		hook.URL+"/one"))
	d.run(t)
	send := func(action string) {
		t.Helper()
		if stdout, stderr, code := call(t, "--config", d.config(), "send", "mgpass", action); code != 0 {
			t.Fatalf("exit code %d: %s%s", code, stdout, stderr)
		}
	}
	send("user.created")
	wantArrival(t, arrived, "/one user.created")
	d.rewrite(t, "consumers:\n", "consumers:\n  audit: {}\n")
	send("token.issued")
	wantArrival(t, arrived, "/one token.issued")
	d.rewrite(t, "/one", "/two")
	send("token.issued")
	wantArrival(t, arrived, "/two token.issued")
	done()
	check(t, poll(func() error {
		stdout, _, _ := call(t, "--config", d.config(), "consumers", "--json")
		return matches(stdout, `^{"consumer":"crm",.*"lag":0,"in_flight":0,"attempts":3,`)
	}))
	check(t, d.stop())
}

// A shorter schedule is the server's only when the former self is done, whose signs of life would come too late for it: an
// attempt under way is not made a second time.
func TestReloadShortensRetry(t *testing.T) {
	arrived, release := make(chan string, 64), make(chan struct{})
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		arrived <- r.Header.Get("Ce-Type")
		if r.Header.Get("Ce-Type") == "user.created" {
			<-release
		}
	}))
	t.Cleanup(hook.Close)
	done := sync.OnceFunc(func() { close(release) })
	t.Cleanup(done) // before Close, which waits for requests
	d := newDaemon(t, forebayYAML+fmt.Sprintf(
		"consumers:\n  crm: {retry: [1m], run: webhook, webhook: {unsigned: true, url: %q}}\n", hook.URL))
	d.run(t)
	d.forebay(t, "send", "mgpass", "user.created")
	wantArrival(t, arrived, "user.created")
	d.rewrite(t, "retry: [1m]", "retry: [200ms]")
	select {
	case got := <-arrived:
		t.Errorf("%s arrived while the former self is at work", got)
	case <-time.After(2 * time.Second):
	}
	done()
	d.forebay(t, "send", "mgpass", "token.issued")
	wantArrival(t, arrived, "token.issued")
	check(t, d.stop())
}

// Whoever asks whether a code is right is answered while the job that checks it is made anew, also when a slow client
// keeps the former one busy.
func TestReloadAnswersVerify(t *testing.T) {
	address := "127.0.0.1:" + freePort()
	const token = "invented-token-of-a-server"
	d := newDaemon(t, forebayYAML+"consumers:\n  otp: {actions: [otp.requested], run: otp, otp: {key: "+strings.Repeat("k", 32)+
		", lifetime: 5m, smtp: {host: 127.0.0.1, port: 1, tls: none, from: a@example.com}, verify: {listen: \""+address+
		"\", tokens: ["+token+"], rate: 100000}}}\n")
	d.run(t)
	check(t, poll(func() error { return matches(d.logText(), "codes are checked") }))
	for n := range 4 {
		busy := slowly(t, address)
		stop := askOften(t, address, token)
		d.rewrite(t, fmt.Sprintf("lifetime: %dm", 5+n), fmt.Sprintf("lifetime: %dm", 6+n))
		check(t, poll(func() error {
			if got := strings.Count(d.logText(), "codes are checked"); got != n+2 {
				return fmt.Errorf("made %d times, want %d", got, n+2)
			}
			return nil
		}))
		if asked, refused := stop(); len(refused) > 0 || asked == 0 {
			t.Errorf("reload %d: %d of %d requests were refused: %v", n+1, len(refused), asked, refused)
		}
		busy()
	}
	check(t, d.stop())
}

// slowly begins a request that it does not end before it is told to.
func slowly(t *testing.T, address string) (end func()) {
	t.Helper()
	c, err := net.Dial("tcp", address)
	check(t, err)
	_, err = c.Write([]byte("POST /otp/verify HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"))
	check(t, err)
	return func() { _ = c.Close() }
}

// askOften asks in a connection of its own each time, until it is told to stop and once more after that. What was
// refused is every error and every status but 200.
func askOften(t *testing.T, address, token string) (stop func() (asked int, refused []error)) {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: deadline}
	ask := func() error {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+address+"/otp/verify",
			strings.NewReader(`{"id": "one", "code": "000000"}`))
		if err != nil {
			return err
		}
		r.Header.Set("Authorization", "Bearer "+token)
		answer, err := client.Do(r)
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			return fmt.Errorf("status %d", answer.StatusCode)
		}
		return nil
	}
	ended := make(chan struct{})
	var asked int
	var refused []error
	var asking sync.WaitGroup
	asking.Go(func() {
		for last := false; !last; asked++ {
			select {
			case <-ended:
				last = true
			default:
			}
			if err := ask(); err != nil {
				refused = append(refused, err)
			}
		}
	})
	return func() (int, []error) {
		close(ended)
		asking.Wait()
		return asked, refused
	}
}

// What a consumer goes by is what the file, the environment and the files that it names say of it, and not where.
func TestAssignment(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		check(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700), os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	secret := "whsec_" + strings.Repeat("MfKQ", 8)
	env := map[string]string{"PASSWORD": "invented-password"}
	write("hook.secret", secret)
	write("templates/en/email.txt", "Subject: Code\n\n{{.Code}}\n")
	pair := strangerPair(t)
	write("client.pem", readFile(t, string(pair.Cert)))
	write("client.key", readFile(t, string(pair.Key)))
	yaml := `
sources:
  mgpass: {provider: mgpass, secrets: [invented-secret]}
consumers:
  hook: {run: webhook, webhook: {url: "http://127.0.0.1:1/", secret_file: hook.secret}}
  otp: {run: otp, otp: {key: ` + strings.Repeat("k", 32) + `, templates: templates,
    smtp: {host: 127.0.0.1, user: a, password: "${PASSWORD}", from: a@example.com}}}
  audit: {retry: [1s]}
  cache: {run: cache, cache: {url: "rediss://127.0.0.1:1", tls: {cert: client.pem, key: client.key}}}
`
	assign := func(yaml string) (all []assignment) {
		t.Helper()
		write("forebay.yaml", yaml)
		c, err := config.Load(filepath.Join(dir, "forebay.yaml"), config.Options{
			Getenv: func(name string) string { return env[name] }, Providers: providerNames(), Jobs: jobNames(),
		})
		check(t, err)
		for _, each := range c.Consumers {
			a, err := trial(c).assignment(each)
			check(t, err)
			all = append(all, a)
		}
		return all
	}
	before := assign(yaml)
	for _, c := range []struct {
		what    string
		change  func() (yaml string)
		changed []string
	}{
		{"nothing but lines", func() string { return "# a comment\n" + yaml }, nil},
		{"a limit", func() string { return strings.Replace(yaml, `1/"`, `1/", max_connections: 7`, 1) }, []string{"hook"}},
		{"the text of a file with a secret", func() string { write("hook.secret", secret+"MfKQ"); return yaml }, []string{"hook"}},
		{"a template", func() string { write("templates/en/email.txt", "Subject: A code\n\n{{.Code}}\n"); return yaml }, []string{"otp"}},
		{"another template", func() string { write("templates/de/email.txt", "Subject: Code\n\n{{.Code}}\n"); return yaml }, []string{"otp"}},
		{"a variable", func() string { env["PASSWORD"] = "another"; return yaml }, []string{"otp"}},
		{"the key of a certificate", func() string {
			write("client.key", "\n"+readFile(t, string(pair.Key)))
			return yaml
		}, []string{"cache"}},
		{"the private key", func() string { write("data/seal.jwk", "{}"); return yaml }, []string{"hook", "otp", "cache"}},
		{"the schedule", func() string { return strings.Replace(yaml, "1s", "2s", 1) }, []string{"audit"}},
	} {
		t.Run(c.what, func(t *testing.T) {
			for n, a := range assign(c.change()) {
				if got, want := !a.equal(before[n]), slices.Contains(c.changed, a.consumer.Name); got != want {
					t.Errorf("%s changed: got %t, want %t", a.consumer.Name, got, want)
				}
			}
			before = assign(yaml)
		})
	}
}
