package otp

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/forebayhq/forebay/consumer/consumertest"
	"github.com/forebayhq/forebay/schema"
)

// verifying is a job with a code for an option, and its verifier.
func verifying(t *testing.T, o Options, code string) (*world, *Job) {
	t.Helper()
	w := newWorld(t)
	o.SMTP = SMTP{Host: "localhost", From: "no-reply@example.com"}
	o.Verify.Listen, o.Verify.Tokens = "127.0.0.1:0", []string{testToken}
	j := w.job(o)
	r := &request{source: "ssofy", option: "option 1", user: schema.User{ID: "42"}}
	if err := j.codes.put(t.Context(), r, code); err != nil {
		t.Fatal(err)
	}
	return w, j
}

func (j *Job) ask(method, path, authorization, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", authorization)
	w := httptest.NewRecorder()
	j.verify.ServeHTTP(w, r)
	return w
}

func TestVerifyRefuses(t *testing.T) {
	_, j := verifying(t, Options{}, "123456")
	const right = `{"id":"option 1","code":"123456"}`
	for name, c := range map[string]struct {
		method, path, authorization, body string
		want                              int
	}{
		"no token":        {"POST", verifyPath, "", right, 401},
		"another token":   {"POST", verifyPath, "Bearer " + testToken + "x", right, 401},
		"another scheme":  {"POST", verifyPath, "Basic " + testToken, right, 401},
		"another path":    {"POST", "/", "Bearer " + testToken, right, 404},
		"another method":  {"GET", verifyPath, "Bearer " + testToken, "", 405},
		"no JSON":         {"POST", verifyPath, "Bearer " + testToken, "id=1", 400},
		"no ID":           {"POST", verifyPath, "Bearer " + testToken, `{"code":"123456"}`, 400},
		"no code":         {"POST", verifyPath, "Bearer " + testToken, `{"id":"option 1"}`, 400},
		"a number":        {"POST", verifyPath, "Bearer " + testToken, `{"id":"option 1","code":123456}`, 400},
		"unknown member":  {"POST", verifyPath, "Bearer " + testToken, `{"id":"option 1","code":"123456","otp":"1"}`, 400},
		"wild source":     {"POST", verifyPath, "Bearer " + testToken, `{"id":"option 1","code":"123456","source":"*"}`, 400},
		"too long":        {"POST", verifyPath, "Bearer " + testToken, `{"id":"` + strings.Repeat("i", maxAsk) + `"}`, 400},
		"right after all": {"POST", verifyPath, "bearer " + testToken, `{"id":"option 0","code":"123456"}`, 200},
	} {
		got := j.ask(c.method, c.path, c.authorization, c.body)
		if got.Code != c.want || strings.Contains(got.Body.String(), "true") {
			t.Errorf("%s: %d %s, want %d", name, got.Code, got.Body, c.want)
		}
	}
	if got := j.ask("POST", verifyPath, "Bearer "+testToken, right); got.Body.String() != `{"valid":true}` {
		t.Errorf("none of these was a guess, but the code is dead: %d %s", got.Code, got.Body)
	}
}

func TestVerifyBoundsItsRate(t *testing.T) {
	_, j := verifying(t, Options{Verify: Verify{Rate: 2}}, "123456")
	limited := 0
	for range 4 {
		got := j.ask("POST", verifyPath, "Bearer "+testToken, `{"id":"option 2","code":"123456"}`)
		if got.Code == http.StatusTooManyRequests && got.Header().Get("Retry-After") != "" {
			limited++
		}
	}
	if limited == 0 {
		t.Error("nothing was limited")
	}
}

func TestGuessesEnd(t *testing.T) {
	for wrong, want := range map[int]bool{0: true, 4: true, 5: false, 6: false} {
		_, j := verifying(t, Options{}, "123456")
		g := guess{source: "ssofy", option: "option 1", code: "000000"}
		for range wrong {
			if right, err := j.codes.check(t.Context(), g); right || err != nil {
				t.Fatalf("a wrong code: %t, %v", right, err)
			}
		}
		g.code = "123456"
		if right, err := j.codes.check(t.Context(), g); right != want || err != nil {
			t.Errorf("after %d wrong guesses: %t, %v, want %t", wrong, right, err, want)
		}
	}
}

// A right code that is offered many times at once is taken once; wrong ones offered at once all count.
func TestGuessesAtOnce(t *testing.T) {
	_, j := verifying(t, Options{}, "123456")
	count := func(n int, code string) (valid int) {
		answers := make(chan bool, n)
		for range n {
			go func() {
				right, err := j.codes.check(context.Background(), guess{source: "ssofy", option: "option 1", code: code})
				if err != nil {
					t.Error(err)
				}
				answers <- right
			}()
		}
		for range n {
			if <-answers {
				valid++
			}
		}
		return valid
	}
	if got := count(4, "000000"); got != 0 {
		t.Errorf("%d wrong codes were right", got)
	}
	if got := count(30, "123456"); got != 1 {
		t.Errorf("the code was taken %d times", got)
	}
	if err := j.codes.put(t.Context(), &request{source: "ssofy", option: "option 1"}, "123456"); err != nil {
		t.Fatal(err)
	}
	if got := count(30, "000000") + count(1, "123456"); got != 0 {
		t.Error("a code outlived thirty guesses at once")
	}
}

func TestCodeExpires(t *testing.T) {
	w, j := verifying(t, Options{Lifetime: time.Minute}, "123456")
	g := guess{source: "ssofy", option: "option 1", code: "000000"}
	if right, err := j.codes.check(t.Context(), g); right || err != nil {
		t.Fatal(right, err)
	}
	w.clock.advance(time.Minute) // the guess has written the entry anew, which makes the bucket keep it longer
	g.code = "123456"
	if right, err := j.codes.check(t.Context(), g); right || err != nil {
		t.Errorf("an old code: %t, %v", right, err)
	}
}

// A wrong guess at a code that exists and one at nothing get the same bytes and cost the same writes.
func TestUnknownLooksLikeWrong(t *testing.T) {
	w, j := verifying(t, Options{}, "123456")
	stream, err := w.js.Stream(t.Context(), "KV_IDENTITY_OTP")
	if err != nil {
		t.Fatal(err)
	}
	last := func() uint64 {
		info, err := stream.Info(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return info.State.LastSeq
	}
	seen := map[string]bool{}
	for _, id := range []string{"option 1", "option 2"} {
		before := last()
		got := j.ask("POST", verifyPath, "Bearer "+testToken, `{"id":"`+id+`","code":"000000"}`)
		seen[fmt.Sprint(got.Code, got.Header(), got.Body, last()-before)] = true
	}
	if len(seen) != 1 {
		t.Errorf("they differ: %v", seen)
	}
}

// The broker is away and comes back empty: 503 meanwhile, and then a new code works.
func TestBrokerReplaced(t *testing.T) {
	w, j := verifying(t, Options{}, "123456")
	w.server.Replace()
	put := func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		return j.codes.put(ctx, &request{source: "ssofy", option: "option 1"}, "654321") == nil
	}
	consumertest.Eventually(t, "a code that is kept", put)
	got := j.ask("POST", verifyPath, "Bearer "+testToken, `{"id":"option 1","code":"654321"}`)
	if got.Body.String() != `{"valid":true}` {
		t.Errorf("%d %s", got.Code, got.Body)
	}
}

// Another program checks a code with nothing but the documented layout, and uses it up.
func TestChallengeLayout(t *testing.T) {
	w, j := verifying(t, Options{}, "123456")
	kv, err := w.js.KeyValue(t.Context(), "IDENTITY_OTP")
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte("option 1"))
	key := "ssofy." + hex.EncodeToString(sum[:])
	entry, err := kv.Get(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	var c map[string]any
	if err := json.Unmarshal(entry.Value(), &c); err != nil {
		t.Fatal(err)
	}
	salt, err := hex.DecodeString(c["salt"].(string))
	if err != nil || len(salt) != 16 {
		t.Fatalf("salt %v, %v", c["salt"], err)
	}
	mac := hmac.New(sha256.New, []byte(testKey))
	mac.Write(append(salt, "123456"...))
	if want := hex.EncodeToString(mac.Sum(nil)); c["mac"] != want {
		t.Errorf("mac %v, want %s", c["mac"], want)
	}
	expires, err := time.Parse(time.RFC3339, c["expires"].(string))
	if err != nil || time.Until(expires) > 10*time.Minute || time.Until(expires) < 9*time.Minute {
		t.Errorf("expires %v, %v", c["expires"], err)
	}
	if c["wrong"] != 0.0 || c["guesses"] != 5.0 || c["user"] != "42" || len(c) != 6 {
		t.Errorf("challenge %v", c)
	}
	if err := kv.Delete(t.Context(), key, jetstream.LastRevision(entry.Revision())); err != nil {
		t.Fatal(err)
	}
	if right, err := j.codes.check(t.Context(), guess{source: "ssofy", option: "option 1", code: "123456"}); right || err != nil {
		t.Errorf("used up there, and here: %t, %v", right, err)
	}
}
