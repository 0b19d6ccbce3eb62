package config

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/forebayhq/forebay/schema"
)

func TestDevelopmentTwice(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	first, err := Development(data, providers, true)
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{first.Listen, first.Admin, first.NATS.Listen} {
		host, _, err := net.SplitHostPort(address)
		if err != nil || !net.ParseIP(host).IsLoopback() {
			t.Errorf("%s is not a loopback address", address)
		}
	}
	if got := first.PublicURL.String(); got != "http://127.0.0.1:8080" {
		t.Errorf("public URL %s", got)
	}
	second, err := Development(data, append(providers, "later"), true)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[Secret]bool{}
	for i, s := range second.Sources {
		if s.Name != s.Provider || s.Path != "/webhooks/"+s.Name || s.Dedupe != first.Journal.Dedupe {
			t.Errorf("got %+v", s)
		}
		if i < len(first.Sources) && !slices.Equal(s.Secrets, first.Sources[i].Secrets) {
			t.Errorf("%s: another secret", s.Name)
		}
		if len(s.Secrets) != 1 || len(s.Secrets[0]) < 26 || seen[s.Secrets[0]] {
			t.Errorf("%s: no good secret", s.Name)
		}
		seen[s.Secrets[0]] = true
		checkMode(t, filepath.Join(data, "secrets", s.Name), 0o600)
	}
	checkMode(t, data, fs.ModeDir|0o700)
	checkMode(t, filepath.Join(data, "secrets"), fs.ModeDir|0o700)
}

func checkMode(t *testing.T, path string, want fs.FileMode) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != want {
		t.Errorf("%s has mode %s, want %s", path, info.Mode(), want)
	}
}

func TestDevelopmentRefusesAnEmptySecret(t *testing.T) {
	data := t.TempDir()
	if err := os.Mkdir(filepath.Join(data, "secrets"), 0o700); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(data, "secrets", "ssofy"), "\n")
	if c, err := Development(data, providers, true); err == nil {
		t.Errorf("got %+v", c)
	}
}

// Several processes start at once in an empty folder: all see the same secrets and the same key pair.
func TestFirstStartAtTheSameMoment(t *testing.T) {
	const starters = 16
	data := filepath.Join(t.TempDir(), "data")
	var (
		all   sync.WaitGroup
		start = make(chan struct{})
		seen  = make(chan string, starters)
	)
	for range starters {
		all.Go(func() {
			<-start
			c, err := Development(data, providers, true)
			if err == nil {
				err = c.EnsureSealKey()
			}
			if err != nil {
				t.Error(err)
				return
			}
			public, err := os.ReadFile(string(c.Seal.Recipient))
			seen <- fmt.Sprintf("%s %s %s %v", c.Sources[0].Config(nil).Secrets, c.Sources[1].Config(nil).Secrets, public, err)
		})
	}
	close(start)
	all.Wait()
	close(seen)
	first := <-seen
	for other := range seen {
		if other != first {
			t.Errorf("one saw %s, another %s", first, other)
		}
	}
	checkPair(t, data)
	leftovers, err := filepath.Glob(filepath.Join(data, "*", ".new-*"))
	if err != nil || len(leftovers) > 0 {
		t.Errorf("left behind: %q, %v", leftovers, err)
	}
}

// checkPair seals to the public key of a data folder and opens with the private one.
func checkPair(t *testing.T, data string) {
	t.Helper()
	public, err := os.ReadFile(filepath.Join(data, "seal.pub.jwk"))
	if err != nil {
		t.Fatal(err)
	}
	var members map[string]any
	if err := json.Unmarshal(public, &members); err != nil || members["d"] != nil || members["kid"] == nil {
		t.Fatalf("the public key has members %v: %v", members, err)
	}
	private, err := os.ReadFile(filepath.Join(data, "seal.jwk"))
	if err != nil {
		t.Fatal(err)
	}
	sealer, err := schema.NewSealer(public)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := sealer.Seal([]byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := schema.OpenSealed(private, sealed); err != nil || string(plain) != "x" {
		t.Errorf("opened %q, %v", plain, err)
	}
	checkMode(t, filepath.Join(data, "seal.jwk"), 0o600)
	checkMode(t, filepath.Join(data, "seal.pub.jwk"), 0o644)
}

func TestSealKeyIsNeverReplaced(t *testing.T) {
	c := load(t, write(t, source))
	data := string(c.Data)
	ensure := func() *schema.Sealer {
		t.Helper()
		c.Seal = Seal{}
		if err := c.EnsureSealKey(); err != nil {
			t.Fatal(err)
		}
		sealer, err := c.Sealer()
		if err != nil || sealer == nil {
			t.Fatalf("got %v, %v", sealer, err)
		}
		return sealer
	}
	ensure()
	checkPair(t, data)
	before, err := os.ReadFile(c.SealKeyFile())
	if err != nil {
		t.Fatal(err)
	}

	// Died between the two files: the public half comes from the private one.
	if err := os.Remove(filepath.Join(data, "seal.pub.jwk")); err != nil {
		t.Fatal(err)
	}
	ensure()
	checkPair(t, data)
	if after, err := os.ReadFile(c.SealKeyFile()); err != nil || string(after) != string(before) {
		t.Errorf("another private key: %v", err)
	}

	// The private key was moved to where it is safe: no new one appears.
	if err := os.Remove(c.SealKeyFile()); err != nil {
		t.Fatal(err)
	}
	ensure()
	if _, err := os.Stat(c.SealKeyFile()); !os.IsNotExist(err) {
		t.Errorf("a private key came back: %v", err)
	}
}

func TestSealKeyIsMadeOnlyWhereNeeded(t *testing.T) {
	folder := t.TempDir()
	for _, c := range []*Config{
		{Data: Path(folder), Seal: Seal{Off: true}},
		{Data: Path(folder), Seal: Seal{Recipient: "elsewhere"}},
	} {
		if err := c.EnsureSealKey(); err != nil {
			t.Error(err)
		}
	}
	if err := (&Config{Data: Path(folder), NATS: NATS{URL: "x"}}).EnsureSealKey(); err == nil {
		t.Error("made for a broker of one's own")
	}
	if made, err := os.ReadDir(folder); err != nil || len(made) > 0 {
		t.Errorf("made %v, %v", made, err)
	}
	if s, err := (&Config{Seal: Seal{Off: true}}).Sealer(); s != nil || err != nil {
		t.Errorf("off: got %v, %v", s, err)
	}
	for _, recipient := range []string{"", filepath.Join(folder, "none")} {
		if _, err := (&Config{Seal: Seal{Recipient: Path(recipient)}}).Sealer(); err == nil {
			t.Errorf("%q: sealed to nothing", recipient)
		}
	}
}

func TestBrokenPrivateKeyIsNotShown(t *testing.T) {
	for _, text := range []string{"hunter2", `{"kty":"RSA","d":"hunter2"}`, `["hunter2"]`} {
		c := &Config{Data: Path(t.TempDir())}
		writeFile(t, c.SealKeyFile(), text)
		if err := c.EnsureSealKey(); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: got %v", text, err)
		}
		if _, err := os.Stat(filepath.Join(string(c.Data), "seal.pub.jwk")); !os.IsNotExist(err) {
			t.Errorf("%s: made a public key: %v", text, err)
		}
	}
}
