package broker

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/forebayhq/forebay/broker/brokertest"
)

// identity are the streams of design.md section 8.
func identity() Streams {
	return Streams{
		Name: "IDENTITY", Prefix: "identity", Replicas: 1, MaxAge: 720 * time.Hour, MaxBytes: 10 << 20,
		DuplicateWindow: 2 * time.Minute, GuardWindow: 20 * time.Second,
	}
}

func mustEnsure(t *testing.T, js jetstream.JetStream, s Streams) []string {
	t.Helper()
	differences, err := Ensure(t.Context(), js, s)
	if err != nil {
		t.Fatalf("ensure: %v", err)
	}
	return differences
}

func configOf(t *testing.T, js jetstream.JetStream, name string) jetstream.StreamConfig {
	t.Helper()
	stream, err := js.Stream(t.Context(), name)
	if err != nil {
		t.Fatalf("stream %s: %v", name, err)
	}
	return stream.CachedInfo().Config
}

// edit changes a stream as somebody else would, with the metadata left as they are.
func edit(t *testing.T, js jetstream.JetStream, name string, change func(*jetstream.StreamConfig)) {
	t.Helper()
	c := configOf(t, js, name)
	change(&c)
	if _, err := js.UpdateStream(t.Context(), c); err != nil {
		t.Fatalf("edit %s: %v", name, err)
	}
}

func TestEnsureMakesStreams(t *testing.T) {
	js := brokertest.Start(t).JetStream(t)
	if got := mustEnsure(t, js, identity()); len(got) != 0 {
		t.Errorf("differences of new streams: %q", got)
	}
	for name, subjects := range map[string]string{
		"IDENTITY":            "identity-redrive.> and identity.>",
		"IDENTITY_QUARANTINE": "identity-quarantine.>",
	} {
		c := configOf(t, js, name)
		got := texts(c)
		for key, want := range map[string]string{
			"subjects": subjects, "storage": "file", "retention": "limits", "discard": "old", "max_age": "720h",
			"max_bytes": "10MiB", "num_replicas": "1", "duplicate_window": "2m", "allow_msg_ttl": "on", "allow_direct": "on",
			"max_msgs": "unlimited", "max_msgs_per_subject": "unlimited", "max_msg_size": "unlimited",
		} {
			if got[key] != want {
				t.Errorf("stream %s: %s is %s, want %s", name, key, got[key], want)
			}
		}
		if !isOurs(c) {
			t.Errorf("stream %s is not signed: %v", name, c.Metadata)
		}
	}
}

func TestEnsureAgainChangesNothing(t *testing.T) {
	s := brokertest.Start(t)
	js := s.JetStream(t)
	for _, streams := range []Streams{identity(), {Name: "PLAIN", Prefix: "plain"}, {Name: "SHORT", Prefix: "short", MaxAge: time.Minute}} {
		mustEnsure(t, js, streams)
		nc := s.Conn(t)
		writes, err := nc.SubscribeSync("$JS.EVENT.ADVISORY.STREAM.>")
		if err != nil {
			t.Fatal(err)
		}
		if err := nc.Flush(); err != nil {
			t.Fatal(err)
		}
		if got := mustEnsure(t, js, streams); len(got) != 0 {
			t.Errorf("%s: differences the second time: %q", streams.Name, got)
		}
		if err := nc.Flush(); err != nil {
			t.Fatal(err)
		}
		for n, _, _ := writes.Pending(); n > 0; n-- {
			msg, err := writes.NextMsg(time.Second)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Contains(msg.Data, []byte(`"action":"create"`)) { // of the first time, come late
				t.Errorf("%s: the second time wrote to the server: %s", streams.Name, msg.Data)
			}
		}
	}
}

func TestEnsureByManyAtOnce(t *testing.T) {
	s := brokertest.Start(t)
	errs := make(chan error)
	const many = 8
	for range many {
		js := s.JetStream(t)
		go func() {
			_, err := Ensure(t.Context(), js, identity())
			errs <- err
		}()
	}
	for range many {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

func TestEnsureFollowsTheConfiguration(t *testing.T) {
	js := brokertest.Start(t).JetStream(t)
	mustEnsure(t, js, identity())
	if _, err := js.Publish(t.Context(), "identity.ssofy.otp.requested", nil); err != nil {
		t.Fatal(err)
	}
	edit(t, js, "IDENTITY", func(c *jetstream.StreamConfig) { // not ours to decide
		c.Compression, c.Metadata["team"] = jetstream.S2Compression, "identity"
	})
	streams := identity()
	streams.MaxAge, streams.MaxBytes, streams.DuplicateWindow = 24*time.Hour, 1<<20, 5*time.Minute
	for range 2 {
		if got := mustEnsure(t, js, streams); len(got) != 0 {
			t.Errorf("differences: %q", got)
		}
		c := configOf(t, js, "IDENTITY")
		if c.MaxAge != 24*time.Hour || c.MaxBytes != 1<<20 || c.Duplicates != 5*time.Minute {
			t.Errorf("not updated: max_age %v, max_bytes %d, duplicate_window %v", c.MaxAge, c.MaxBytes, c.Duplicates)
		}
		if c.Compression != jetstream.S2Compression || c.Metadata["team"] != "identity" {
			t.Errorf("the operator's settings are gone: %v, %v", c.Compression, c.Metadata)
		}
	}
	if got := configOf(t, js, "IDENTITY_QUARANTINE").MaxAge; got != 24*time.Hour {
		t.Errorf("quarantine: max_age %v, want 24h", got)
	}
}

func TestEnsureReportsWhatSomebodyElseSet(t *testing.T) {
	js := brokertest.Start(t).JetStream(t)
	mustEnsure(t, js, identity())
	edit(t, js, "IDENTITY", func(c *jetstream.StreamConfig) {
		c.MaxAge, c.MaxMsgs, c.AllowDirect = 24*time.Hour, 1000, false
		c.Subjects = append(c.Subjects, "extra")
	})
	before := configOf(t, js, "IDENTITY")
	streams := identity()
	streams.MaxBytes = 1 << 20
	got := mustEnsure(t, js, streams)
	want := []string{
		"stream IDENTITY: subjects is extra and identity-redrive.> and identity.>, the configuration says identity-redrive.> and identity.>",
		"stream IDENTITY: max_age is 24h, the configuration says 720h",
		"stream IDENTITY: max_bytes is 10MiB, the configuration says 1MiB",
		"stream IDENTITY: max_msgs is 1000, the configuration says unlimited",
		"stream IDENTITY: allow_direct is off, the configuration says on",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("differences:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if after := configOf(t, js, "IDENTITY"); after.MaxAge != before.MaxAge || after.MaxBytes != before.MaxBytes {
		t.Errorf("overwritten: %+v", after)
	}
	// Set back by hand it is ours again.
	edit(t, js, "IDENTITY", func(c *jetstream.StreamConfig) {
		s := identity()
		*c = merge(*c, s.config("IDENTITY", "", "identity.>", "identity-redrive.>"))
	})
	if got := mustEnsure(t, js, streams); len(got) != 0 {
		t.Errorf("differences after it was set back: %q", got)
	}
}

func TestEnsureRefusesWhatBreaksAPromise(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*jetstream.StreamConfig)
		words  []string
	}{
		"subjects": {func(c *jetstream.StreamConfig) { c.Subjects = []string{"identity.>"} },
			[]string{"subjects is identity.>", "does not take identity-redrive.>", "stream.name"}},
		"narrow": {func(c *jetstream.StreamConfig) { c.Subjects = []string{"identity.*.otp.>", "identity-redrive.>"} },
			[]string{"does not take identity.>"}},
		"storage": {func(c *jetstream.StreamConfig) { c.Storage = jetstream.MemoryStorage },
			[]string{"storage is memory", "must be file"}},
		"interest": {func(c *jetstream.StreamConfig) { c.Retention = jetstream.InterestPolicy },
			[]string{"retention is interest", "must be limits"}},
		"work queue": {func(c *jetstream.StreamConfig) { c.Retention = jetstream.WorkQueuePolicy },
			[]string{"retention is workqueue", "must be limits"}},
		"discard": {func(c *jetstream.StreamConfig) { c.Discard = jetstream.DiscardNew },
			[]string{"discard is new", "must be old"}},
		"ttl": {func(c *jetstream.StreamConfig) { c.AllowMsgTTL = false },
			[]string{"allow_msg_ttl is off", "turn it on"}},
		"size": {func(c *jetstream.StreamConfig) { c.MaxMsgSize = 1000 },
			[]string{"max_msg_size is 1000B", "max_payload, 1MiB"}},
		"window": {func(c *jetstream.StreamConfig) { c.Duplicates = 19 * time.Second },
			[]string{"duplicate_window is 19s", "guard window, 20s"}},
		"no ack": {func(c *jetstream.StreamConfig) { c.NoAck = true },
			[]string{"no_ack is set", "must be off"}},
		"mirror": {func(c *jetstream.StreamConfig) {
			*c = jetstream.StreamConfig{Name: c.Name, Mirror: &jetstream.StreamSource{Name: "OTHER"}}
		}, []string{"mirror is set", "takes no messages"}},
		"transform": {func(c *jetstream.StreamConfig) {
			c.SubjectTransform = &jetstream.SubjectTransformConfig{Source: "identity.>", Destination: "id.>"}
		}, []string{"subject_transform is set", "remove it"}},
		"counter": {func(c *jetstream.StreamConfig) { c.AllowMsgCounter, c.AllowMsgTTL = true, false },
			[]string{"allow_msg_counter is set"}},
	} {
		t.Run(name, func(t *testing.T) {
			js := brokertest.Start(t).JetStream(t)
			streams := identity()
			theirs := streams.config("IDENTITY", "", "identity.>", "identity-redrive.>")
			theirs.Metadata = nil
			c.change(&theirs)
			if _, err := js.CreateStream(t.Context(), theirs); err != nil {
				t.Fatal(err)
			}
			_, err := Ensure(t.Context(), js, streams)
			wantError(t, err, append(c.words, "stream IDENTITY: ")...)
			if configOf(t, js, "IDENTITY").Metadata[signature] != "" {
				t.Error("the stream was overwritten")
			}
		})
	}
}

func TestEnsureTakesWhatKeepsThePromises(t *testing.T) {
	js := brokertest.Start(t).JetStream(t)
	streams := identity()
	theirs := streams.config("IDENTITY", "", "identity.>", "identity-redrive.>")
	theirs.Metadata, theirs.MaxBytes, theirs.Discard = nil, 0, jetstream.DiscardNew // unbounded: it never refuses
	theirs.Duplicates = 20 * time.Second
	if _, err := js.CreateStream(t.Context(), theirs); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"stream IDENTITY: discard is new, the configuration says old",
		"stream IDENTITY: max_bytes is unlimited, the configuration says 10MiB",
		"stream IDENTITY: duplicate_window is 20s, the configuration says 2m",
	}
	if got := mustEnsure(t, js, streams); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("differences:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestEnsureSealed(t *testing.T) {
	js := brokertest.Start(t).JetStream(t)
	mustEnsure(t, js, identity())
	edit(t, js, "IDENTITY", func(c *jetstream.StreamConfig) { c.Sealed = true })
	_, err := Ensure(t.Context(), js, identity())
	wantError(t, err, "stream IDENTITY", "sealed is set", "takes no more messages")
}

// All that is wrong is said at once, of both streams.
func TestEnsureNamesEverything(t *testing.T) {
	js := brokertest.Start(t).JetStream(t)
	for _, name := range []string{"IDENTITY", "IDENTITY_QUARANTINE"} {
		theirs := jetstream.StreamConfig{Name: name, Storage: jetstream.MemoryStorage, Subjects: []string{name}}
		if _, err := js.CreateStream(t.Context(), theirs); err != nil {
			t.Fatal(err)
		}
	}
	differences, err := Ensure(t.Context(), js, identity())
	wantError(t, err, "stream IDENTITY: subjects", "stream IDENTITY: storage", "stream IDENTITY: allow_msg_ttl",
		"stream IDENTITY_QUARANTINE: subjects", "stream IDENTITY_QUARANTINE: storage")
	for _, d := range differences {
		if strings.Contains(d, "storage") {
			t.Errorf("reported as harmless: %s", d)
		}
	}
}

func TestEnsureOverlap(t *testing.T) {
	s := brokertest.Start(t, brokertest.Options{Config: accounts})
	js := s.JetStream(t, nats.UserInfo("full", "secret"))
	for _, c := range []jetstream.StreamConfig{
		{Name: "OLD", Subjects: []string{"identity.*.otp.requested"}},
		{Name: "BAD", Subjects: []string{"identity-quarantine.>"}},
	} {
		if _, err := js.CreateStream(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	_, err := Ensure(t.Context(), js, identity())
	wantError(t, err, "create stream IDENTITY: stream OLD already takes messages of identity.>", "stream.prefix",
		"create stream IDENTITY_QUARANTINE: stream BAD already takes messages of identity-quarantine.>")
	_, err = Ensure(t.Context(), s.JetStream(t, nats.UserInfo("narrow", "secret")), identity())
	wantError(t, err, "another stream already takes messages of identity.> or identity-redrive.>")
}

func TestEnsureRights(t *testing.T) {
	s := brokertest.Start(t, brokertest.Options{Config: accounts})
	began := time.Now()
	_, err := Ensure(t.Context(), s.JetStream(t, nats.UserInfo("reader", "secret")), identity())
	wantError(t, err, "create stream IDENTITY: the user lacks the right", "$JS.API.STREAM.CREATE.IDENTITY")
	if took := time.Since(began); took > checkTime/2 {
		t.Errorf("the answer took %v", took)
	}
	mustEnsure(t, s.JetStream(t, nats.UserInfo("full", "secret")), identity())
	if got := mustEnsure(t, s.JetStream(t, nats.UserInfo("reader", "secret")), identity()); len(got) != 0 {
		t.Errorf("streams that exist need no right to make them: %q", got)
	}
	streams := identity()
	streams.MaxAge = time.Hour
	_, err = Ensure(t.Context(), s.JetStream(t, nats.UserInfo("reader", "secret")), streams)
	wantError(t, err, "update stream IDENTITY: the user lacks the right", "$JS.API.STREAM.UPDATE.IDENTITY")
}

func TestEnsureWhatTheServerRefuses(t *testing.T) {
	s := brokertest.Start(t, brokertest.Options{Config: accounts})
	_, err := Ensure(t.Context(), s.JetStream(t, nats.UserInfo("none", "secret")), identity())
	wantError(t, err, "read stream IDENTITY", "not enabled for this account")

	small := s.JetStream(t, nats.UserInfo("small", "secret"))
	_, err = Ensure(t.Context(), small, identity())
	wantError(t, err, "create stream IDENTITY", "storage is too small", "stream.max_bytes")
	streams := identity()
	streams.MaxBytes = 1 << 10
	_, err = Ensure(t.Context(), small, streams)
	wantError(t, err, "create stream IDENTITY_QUARANTINE", "no more streams")

	full := s.JetStream(t, nats.UserInfo("full", "secret"))
	streams = identity()
	streams.Replicas = 3
	_, err = Ensure(t.Context(), full, streams)
	wantError(t, err, "create stream IDENTITY", "stream.replicas is above 1", "not part of a cluster")

	off := brokertest.Start(t, brokertest.Options{NoJetStream: true})
	_, err = Ensure(t.Context(), off.JetStream(t), identity())
	wantError(t, err, "read stream IDENTITY", "JetStream is off at the NATS server")
}

// The server knows nothing of this stream: the error comes before any question.
func TestEnsureRefusesTheConfiguration(t *testing.T) {
	for _, c := range []struct {
		change func(*Streams)
		words  string
	}{
		{func(s *Streams) { s.Name = "" }, "stream.name is empty"},
		{func(s *Streams) { s.Prefix = "" }, "cannot begin a subject"},
		{func(s *Streams) { s.Prefix = "a.>" }, "cannot begin a subject"},
		{func(s *Streams) { s.MaxAge = 10 * time.Second }, "stream.max_age is 10s, shorter than the 20s"},
		{func(s *Streams) { s.MaxAge = time.Minute }, "stream.duplicate_window is 2m, longer than stream.max_age, 1m"},
	} {
		s := identity()
		c.change(&s)
		_, err := Ensure(t.Context(), nil, s)
		wantError(t, err, c.words)
	}
}

func TestDuplicateWindowIsNeverBelowTheGuardWindow(t *testing.T) {
	js := brokertest.Start(t).JetStream(t)
	streams := identity()
	streams.GuardWindow = 4 * time.Minute // an external server's
	if got := mustEnsure(t, js, streams); len(got) != 0 {
		t.Errorf("differences: %q", got)
	}
	if got := configOf(t, js, "IDENTITY").Duplicates; got != 4*time.Minute {
		t.Errorf("duplicate_window: got %v, want 4m", got)
	}
}

func TestText(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "unlimited", time.Second: "1s", 90 * time.Second: "1m30s", 2 * time.Minute: "2m", time.Hour: "1h",
		90 * time.Minute: "1h30m", time.Hour + time.Second: "1h0m1s", 10 * time.Minute: "10m", 720 * time.Hour: "720h",
	} {
		if got := duration(d); got != want {
			t.Errorf("duration: got %s, want %s", got, want)
		}
	}
	for n, want := range map[int64]string{
		-1: "unlimited", 0: "unlimited", 1: "1B", 1023: "1023B", 1024: "1KiB", 1536: "1536B", 10 << 30: "10GiB", 1 << 50: "1024TiB",
	} {
		if got := size(n); got != want {
			t.Errorf("size: got %s, want %s", got, want)
		}
	}
}
