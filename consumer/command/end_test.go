package command

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/forebayhq/forebay/broker"
	"github.com/forebayhq/forebay/broker/brokertest"
	"github.com/forebayhq/forebay/consumer"
	"github.com/forebayhq/forebay/consumer/consumertest"
)

// Events travel from the stream to a program: one is taken when the program asked for it again, one that hangs is
// ended and taken later, and one that the program never wants is a dead letter, while the others go on.
func TestFromStreamToProgram(t *testing.T) {
	js := brokertest.Start(t).JetStream(t)
	stream := consumer.Stream{Name: "IDENTITY", Prefix: "identity"}
	if _, err := broker.Ensure(t.Context(), js, broker.Streams{Name: "IDENTITY", Prefix: "identity"}); err != nil {
		t.Fatal(err)
	}
	consumertest.Collect(t, &consumer.DeadLetters{JS: js, Stream: stream})

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
	consumertest.Background(t, j.Run)
	consumertest.Run(t, js, consumer.Config{
		Name: "crm", Stream: stream, Retry: []time.Duration{4 * time.Second}, Handler: j.Handle,
	})
	for _, id := range []string{"never", "hangs", "later", "plain"} {
		consumertest.Publish(t, js, encode(t, id))
	}
	var dead []consumer.Dead
	consumertest.Eventually(t, "three events done and a dead letter", func() bool {
		dead = consumertest.Dead(t, js, stream, consumer.DeadFilter{})
		return len(dead) == 1 && len(doneIn(dir)) == 3
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
