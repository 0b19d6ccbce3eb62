package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A forebay that only a restart helps is not healthy, and says why.
func TestCheckHealthSaysWhatIsWrong(t *testing.T) {
	admin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/healthz" {
			t.Errorf("asked %s", r.URL.Path)
		}
		answerState(w, state{Problems: []string{"journal: a flush failed"}})
	}))
	defer admin.Close()
	file := filepath.Join(t.TempDir(), "forebay.yaml")
	text := fmt.Sprintf("admin: %s\nsources: {a: {provider: mgpass, secrets: [invented]}}\n", admin.Listener.Addr())
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	stdout, stderr, code := call(t, "--config", file, "check", "--health")
	if code != exitFailed || !strings.Contains(stderr, "not healthy: journal: a flush failed") {
		t.Errorf("exit code %d: %s%s", code, stdout, stderr)
	}
}
