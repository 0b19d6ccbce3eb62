package command

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/forebayhq/forebay/broker"
	"github.com/forebayhq/forebay/broker/brokertest"
	"github.com/forebayhq/forebay/consumer"
)

// Events travel from the stream to a program: one is taken when the program asked for it again, one that hangs is
// ended and taken later, and one that the program never wants is a dead letter, while the others go on.
func TestFromStreamToProgram(t *testing.T) {
	server := brokertest.Start(t)
	js := server.JetStream(t)
	stream := consumer.Stream{Name: "IDENTITY", Prefix: "identity"}
	if _, err := broker.Ensure(t.Context(), js, broker.Streams{Name: "IDENTITY", Prefix: "identity"}); err != nil {
		t.Fatal(err)
	}
	letters := &consumer.DeadLetters{JS: js, Stream: stream}
	if err := letters.Declare(t.Context()); err != nil {
		t.Fatal(err)
	}
	background(t, letters.Run)

	dir := t.TempDir()
	o := shell(`
		case $FOREBAY_ID-$FOREBAY_ATTEMPT in
		later-1) echo retry-after: 1; exit 75;;
		hangs-1) sleep 600;;
		never-*) exit 65;;
		esac
		grep -q "\"id\":\"$FOREBAY_ID\"" && echo "$FOREBAY_ID $FOREBAY_ATTEMPT" >>done`)
	o.Dir, o.Timeout, o.Grace = Path(dir), 2*time.Second, time.Second
	j := newJob(t, o)
	config := consumer.Config{
		Name: "crm", Stream: stream, Retry: []time.Duration{4 * time.Second}, Handler: j.Handle,
	}
	if _, err := consumer.Declare(t.Context(), js, config); err != nil {
		t.Fatal(err)
	}
	c, err := consumer.New(js, config)
	if err != nil {
		t.Fatal(err)
	}
	background(t, j.Run)
	background(t, c.Run)

	for _, id := range []string{"never", "hangs", "later", "plain"} {
		m := encode(t, id)
		if _, err := js.PublishMsg(t.Context(), &nats.Msg{Subject: m.Subject, Header: m.Header.Map(), Data: m.Body}); err != nil {
			t.Fatal(err)
		}
	}
	var dead []consumer.Dead
	eventually(t, "three events done and a dead letter", func() bool {
		dead = nil
		err := consumer.List(t.Context(), js, stream, consumer.DeadFilter{}, func(d consumer.Dead) error {
			dead = append(dead, d)
			return nil
		})
		return err == nil && len(dead) == 1 && len(doneIn(dir)) == 3
	})
	if done := doneIn(dir); done["plain"] == "" || done["later"] < "2" || done["hangs"] < "2" {
		t.Errorf("done: %v", done)
	}
	const want = "permanent: run sh: exit status 65 (0 bytes on standard output, 0 on standard error)"
	if dead[0].EventID != "never" || dead[0].Reason != want {
		t.Errorf("got dead letter of %s: %s", dead[0].EventID, dead[0].Reason)
	}
}

// doneIn reads at which attempt each event was done.
func doneIn(dir string) map[string]string {
	done := map[string]string{}
	text, _ := os.ReadFile(filepath.Join(dir, "done")) // it is not there at first
	for line := range strings.Lines(string(text)) {
		id, attempt, _ := strings.Cut(strings.TrimSpace(line), " ")
		done[id] = attempt
	}
	return done
}

// background runs f until the test ends.
func background(t *testing.T, f func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("stop: %v", err)
		}
	})
}
