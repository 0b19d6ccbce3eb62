package main

import (
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/forebayhq/forebay/broker/brokertest"
)

// What check says of a stream is what serve will do about it: refuse what would break a promise, leave what is somebody
// else's, change what it made.
func TestCheckSaysWhatServeWillDo(t *testing.T) {
	nats := brokertest.Start(t)
	js := nats.JetStream(t)
	yaml := externalYAML(nats.URL, "off") + "consumers: {audit: {}}\n" // with dead letters
	d := newDaemon(t, yaml)
	d.run(t)
	check(t, d.stop())
	if stdout, stderr, code := call(t, "--config", d.config(), "check"); code != 0 || strings.Contains(stdout, "the configuration says") {
		t.Errorf("as serve made them: exit code %d: %s%s", code, stdout, stderr)
	}

	d = newDaemon(t, yaml+"stream: {max_age: 100h}\n")
	stdout, stderr, code := call(t, "--config", d.config(), "check")
	for _, name := range []string{"IDENTITY", "IDENTITY_QUARANTINE", "IDENTITY_DEAD"} {
		if want := "stream " + name; code != 0 || !holdsLine(stdout, want, "max_age is ", "the configuration says 100h", "serve changes it") {
			t.Errorf("ours: no line on %s; exit code %d: %s%s", want, code, stdout, stderr)
		}
	}

	if err := js.DeleteStream(t.Context(), "IDENTITY"); err != nil {
		t.Fatal(err)
	}
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{
		Name: "IDENTITY", Subjects: []string{"identity.>", "identity-redrive.>"}, AllowMsgTTL: true, Duplicates: time.Hour,
		Storage: jetstream.MemoryStorage,
	}); err != nil {
		t.Fatal(err)
	}
	stdout, stderr, code = call(t, "--config", d.config(), "check")
	if code != exitFailed || !holdsLine(stdout, "fail", "storage is memory", "would be lost") ||
		!holdsLine(stdout, "warn", "duplicate_window is 1h", "serve leaves it") {
		t.Errorf("somebody else's: exit code %d: %s%s", code, stdout, stderr)
	}
}

// holdsLine reports whether one line of a text holds all the parts.
func holdsLine(text string, parts ...string) bool {
	for line := range strings.Lines(text) {
		all := true
		for _, part := range parts {
			all = all && strings.Contains(line, part)
		}
		if all {
			return true
		}
	}
	return false
}
