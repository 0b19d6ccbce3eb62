package publisher

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/forebayhq/forebay/broker/brokertest"
	"github.com/forebayhq/forebay/publisher/journal"
	"github.com/forebayhq/forebay/schema"
)

func mortal(id, ttl string) schema.Message {
	m := message("otp.requested", id)
	m.Header += schema.Header("Nats-TTL: " + ttl + "\r\n")
	return m
}

// A code that has expired in the stream was not forgotten by it.
func TestExpiredCodeStaysAway(t *testing.T) {
	r := newRig(t, time.Hour)
	r.store(mortal("code", "1s"))
	r.waitIdle()
	eventually(t, "the code has expired", func() bool {
		stream, err := r.server.JetStream(t).Stream(t.Context(), "IDENTITY")
		return err == nil && stream.CachedInfo().State.Msgs == 0
	})
	eventually(t, "it is remembered that the code was acknowledged", func() bool {
		mark, err := r.journal.Mark("IDENTITY")
		return err == nil && string(mark[len(mark)-len(`"next":[2,1]}`):]) == `"next":[2,1]}`
	})
	r.restart()
	r.storeSignIns(1, 1)
	r.waitIdle()
	if got := r.ids("IDENTITY", ">"); len(got) != 1 {
		t.Errorf("after a restart the stream has %v, want the sign-in alone", got)
	}
}

func TestCodeThatWaitedLivesNoLonger(t *testing.T) {
	r := newRig(t, time.Hour)
	r.server.Stop()
	accepted := time.Now()
	r.store(mortal("waited", "10m0s"))
	r.stop()
	r.now = func() time.Time { return accepted.Add(4 * time.Minute) }
	r.server.Start()
	r.start()
	r.store(mortal("fresh", "10m0s"))
	r.waitIdle()
	for seq, want := range map[uint64]string{1: "6m0s", 2: "10m0s"} {
		stream, err := r.server.JetStream(t).Stream(t.Context(), "IDENTITY")
		if err != nil {
			t.Fatal(err)
		}
		m, err := stream.GetMsg(t.Context(), seq)
		if err != nil {
			t.Fatal(err)
		}
		if got := m.Header.Get("Nats-TTL"); got != want {
			t.Errorf("message %d: Nats-TTL %s, want %s", seq, got, want)
		}
	}
}

// The dedupe index is how records are recognised in the stream: it outlives the horizon for those that are still there.
func TestDownLongerThanTheHorizon(t *testing.T) {
	r := newRig(t, time.Hour)
	r.storeSignIns(1, 50)
	r.waitIdle()
	r.stop()
	time.Sleep(110 * time.Millisecond) //nolint:forbidigo // the duplicate window passes
	r.now = func() time.Time { return time.Now().Add(10 * 24 * time.Hour) }
	r.start()
	r.waitIdle()
	r.wantSignIns(1, 50)
}

func TestSetAsideDoesNotMultiply(t *testing.T) {
	r := newRig(t, time.Hour)
	huge := message("login.succeeded", "huge")
	huge.Body = make([]byte, 2<<20)
	r.store(huge)
	for range 4 {
		r.waitIdle()
		r.restart()
	}
	r.waitIdle()
	if _, last := r.journal.Bounds(journal.Normal); last != 1 {
		t.Errorf("%d records of one event", last)
	}
}

// What the stream would not take is taken by the next server, which allows more.
func TestSetAsideAndThenTakenIsPublishedOnce(t *testing.T) {
	r := newRig(t, time.Hour)
	r.stop()
	var ahead atomic.Int64
	r.now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	var largest atomic.Int32
	largest.Store(1000)
	r.prepare = func(ctx context.Context, js jetstream.JetStream, stream string) error {
		subject := map[string]string{"IDENTITY": "identity.>", "IDENTITY_QUARANTINE": "identity-quarantine.>"}[stream]
		_, err := js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
			Name: stream, Subjects: []string{subject}, Duplicates: 100 * time.Millisecond, MaxMsgSize: largest.Load(),
		})
		return err
	}
	r.start()
	large := message("login.succeeded", "large")
	large.Body = make([]byte, 2000)
	r.store(large)
	eventually(t, "it is set aside", func() bool { return testutil.ToFloat64(r.metrics.aside) > 0 })

	largest.Store(-1)
	r.server.Stop()
	r.server.Start()
	eventually(t, "it is taken", func() bool { return testutil.ToFloat64(r.metrics.published.WithLabelValues("normal")) == 1 })
	eventually(t, "the journal is trimmed", func() bool {
		ahead.Add(int64(time.Hour))
		return r.journal.Bytes(journal.Normal) == 0
	})
	r.restart()
	r.waitIdle()
	if got := r.ids("IDENTITY", "identity.ssofy.login.succeeded"); len(got) != 1 {
		t.Errorf("it is in the stream %d times", len(got))
	}
}

// The prefix of the stream is changed while a backlog waits.
func TestNewPrefix(t *testing.T) {
	r := newRig(t, time.Hour)
	r.server.Stop()
	r.storeSignIns(1, 20)
	r.stop()
	r.server.Start()
	r.usePrefix("people")
	r.start()
	r.waitIdle()
	if got := r.ids("IDENTITY", "people.ssofy.login.succeeded"); len(got) != 20 {
		t.Errorf("%d of 20 are published", len(got))
	}
}

func TestTroubleWithTheQuarantineIsItsOwn(t *testing.T) {
	r := newRig(t, time.Hour)
	r.stop()
	prepare := r.prepare
	r.prepare = func(ctx context.Context, js jetstream.JetStream, stream string) error {
		if stream != "IDENTITY" {
			return errors.New("no right to have it")
		}
		return prepare(ctx, js, stream)
	}
	r.start()
	r.store(message("otp.requested", "1"))
	eventually(t, "the code is published", func() bool {
		return testutil.ToFloat64(r.metrics.published.WithLabelValues("urgent")) == 1
	})
	if r.Problem() == nil {
		t.Error("the problem is not told")
	}
}

// What was in doubt is purged while the stream is read for it.
func TestPurgedWhileRead(t *testing.T) {
	r := newRig(t, time.Hour)
	r.storeSignIns(1, 20000)
	r.waitIdle()
	r.stop()
	stream, err := r.server.JetStream(t).Stream(t.Context(), "IDENTITY")
	if err != nil {
		t.Fatal(err)
	}
	r.start()
	eventually(t, "the stream is read", func() bool {
		info, err := stream.Info(t.Context())
		return err == nil && info.State.Consumers > 0
	})
	if err := stream.Purge(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.store(message("otp.requested", "urgent"))
	r.waitIdle()
	if got := r.ids("IDENTITY", "identity.*.otp.requested"); len(got) != 1 {
		t.Errorf("codes: %v", got)
	}
}

// A stream that does not answer is noticed although events keep coming.
func TestSilence(t *testing.T) {
	r := newRig(t, time.Hour)
	r.stop()
	var silent atomic.Bool
	r.silent = func() { silent.Store(true) }
	r.prepare = func(ctx context.Context, js jetstream.JetStream, stream string) error {
		c := jetstream.StreamConfig{Name: stream, Subjects: []string{"identity.>"}, NoAck: true}
		if stream != "IDENTITY" {
			c.Subjects = nil
		}
		_, err := js.CreateOrUpdateStream(ctx, c)
		return err
	}
	r.start()
	eventually(t, "a session", func() bool { return r.streams[0].problem.Load() == nil })
	begin := time.Now()
	for n := 1; !silent.Load(); n++ {
		if time.Since(begin) > ackWait*3/2 {
			t.Fatalf("not noticed in %s", time.Since(begin))
		}
		r.storeSignIns(n, n)
		time.Sleep(200 * time.Millisecond) //nolint:forbidigo // events that keep coming
	}
}

func TestDirectGoesOnWithAnEmptyServer(t *testing.T) {
	server := brokertest.Start(t)
	r := &rig{t: t, server: server, url: server.URL}
	d := &Direct{Dial: r.dial, Prepare: prepare, Streams: []string{"IDENTITY"}, Wait: 2 * time.Second}
	defer d.Close()
	store := func(id string) error {
		_, err := d.Store(t.Context(), []schema.Message{message("login.succeeded", id)})
		return err
	}
	if err := store("1"); err != nil {
		t.Fatal(err)
	}
	server.Replace()
	eventually(t, "it stores again", func() bool { return store("2") == nil })
}

// Deliveries that find nobody do not wait one behind the other.
func TestDirectConnectsOnceForAll(t *testing.T) {
	d := &Direct{
		Dial:    func() (*nats.Conn, error) { <-t.Context().Done(); return nil, errors.New("i/o timeout") },
		Prepare: prepare, Wait: 200 * time.Millisecond,
	}
	begin := time.Now()
	ended := make(chan error)
	for range 20 {
		go func() {
			_, err := d.Store(t.Context(), []schema.Message{message("login.succeeded", "1")})
			ended <- err
		}()
	}
	for range 20 {
		if err := <-ended; !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	}
	if took := time.Since(begin); took > 2*time.Second {
		t.Errorf("the last of 20 waited %s, each may wait %s", took, d.Wait)
	}
}

func TestDirectRecoversFromLostAcknowledgements(t *testing.T) {
	server := brokertest.Start(t)
	r := &rig{t: t, server: server, url: server.URL}
	silent := true
	d := &Direct{Dial: r.dial, Streams: []string{"IDENTITY"}, Wait: 50 * time.Millisecond}
	d.Prepare = func(ctx context.Context, js jetstream.JetStream, stream string) error {
		_, err := js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{Name: stream, Subjects: []string{"identity.>"}, NoAck: silent})
		return err
	}
	defer d.Close()
	store := func() error {
		_, err := d.Store(t.Context(), []schema.Message{message("login.succeeded", "1")})
		return err
	}
	for range 3 {
		if store() == nil {
			t.Fatal("stored without an acknowledgement")
		}
	}
	silent = false
	eventually(t, "it stores again", func() bool { return store() == nil })
}
