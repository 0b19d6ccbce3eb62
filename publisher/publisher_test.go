package publisher

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/forebayhq/forebay/broker/brokertest"
	"github.com/forebayhq/forebay/publisher/journal"
	"github.com/forebayhq/forebay/schema"
)

// A rig is a publisher between a journal on disk and a NATS server in process.
type rig struct {
	*Publisher
	t       *testing.T
	server  *brokertest.Server
	url     string
	dir     string
	prefix  string // of the stream's subjects
	guard   time.Duration
	now     func() time.Time
	prepare func(context.Context, jetstream.JetStream, string) error
	silent  func()
	journal *journal.Journal
	stop    func()
}

func newRig(t *testing.T, guard time.Duration) *rig {
	t.Helper()
	r := &rig{t: t, server: brokertest.Start(t), dir: t.TempDir(), guard: guard, now: time.Now}
	r.usePrefix("identity")
	r.url = r.server.URL // the server changes it, to the same, when it starts again
	r.start()
	t.Cleanup(func() { r.stop() })
	return r
}

var log = slog.New(slog.DiscardHandler)

// start opens the journal and runs a publisher, as a process does.
func (r *rig) start() {
	r.t.Helper()
	var err error
	r.journal, err = journal.Open(journal.Config{Dir: r.dir, Now: r.now, Log: log})
	if err != nil {
		r.t.Fatal(err)
	}
	r.Publisher = New(Config{
		Journal: r.journal, Dial: r.dial, Prepare: r.prepare, Silent: r.silent, Stream: "IDENTITY", Quarantine: "IDENTITY_QUARANTINE",
		Prefix: r.prefix, Guard: r.guard, Now: r.now, Log: log, Metrics: prometheus.NewRegistry(),
	}, Rules{Urgent: schema.Urgent(), Dedupe: 96 * time.Hour})
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := r.Run(ctx); err != nil {
			r.t.Error(err)
		}
	})
	r.stop = sync.OnceFunc(func() {
		cancel()
		running.Wait()
		if err := r.journal.Close(); err != nil {
			r.t.Error(err)
		}
	})
}

func (r *rig) usePrefix(prefix string) { r.prefix, r.prepare = prefix, prepareWith(prefix) }

func (r *rig) restart() {
	r.t.Helper()
	r.stop()
	r.start()
}

func (r *rig) dial() (*nats.Conn, error) {
	return nats.Connect(r.url, nats.NoReconnect(), nats.ReconnectBufSize(-1), nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
}

// prepare makes a stream with the shortest duplicate window there is, so that nothing leans on it.
func prepare(ctx context.Context, js jetstream.JetStream, stream string) error {
	return prepareWith("identity")(ctx, js, stream)
}

func prepareWith(prefix string) func(context.Context, jetstream.JetStream, string) error {
	return func(ctx context.Context, js jetstream.JetStream, stream string) error {
		subject := prefix + ".>"
		if stream == "IDENTITY_QUARANTINE" {
			subject = prefix + "-quarantine.>"
		}
		_, err := js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
			Name: stream, Subjects: []string{subject}, Duplicates: 100 * time.Millisecond, AllowMsgTTL: true,
		})
		return err
	}
}

func message(action schema.Action, id string) schema.Message {
	return schema.Message{
		ID: "ssofy/" + id, Source: "ssofy", Action: action, Subject: "identity.ssofy." + string(action),
		Header: schema.Header("Nats-Msg-Id: ssofy/" + id + "\r\n"), Body: []byte(`{}`),
	}
}

func (r *rig) store(messages ...schema.Message) {
	r.t.Helper()
	if _, err := r.Store(r.t.Context(), messages); err != nil {
		r.t.Fatal(err)
	}
}

// storeSignIns stores sign-ins named from first to last.
func (r *rig) storeSignIns(first, last int) {
	r.t.Helper()
	for at := first; at <= last; at += 100 {
		var batch []schema.Message
		for i := at; i <= min(at+99, last); i++ {
			batch = append(batch, message("login.succeeded", fmt.Sprint(i)))
		}
		r.store(batch...)
	}
}

// ids are those of a stream's messages on a subject, in order.
func (r *rig) ids(stream, subject string) []string {
	r.t.Helper()
	js := r.server.JetStream(r.t)
	reader, err := js.OrderedConsumer(r.t.Context(), stream, jetstream.OrderedConsumerConfig{FilterSubjects: []string{subject}})
	if err != nil {
		r.t.Fatal(err)
	}
	info, err := reader.Info(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	var ids []string
	for uint64(len(ids)) < info.NumPending {
		m, err := reader.Next()
		if err != nil {
			r.t.Fatal(err)
		}
		ids = append(ids, strings.TrimPrefix(m.Headers().Get("Nats-Msg-Id"), "ssofy/"))
	}
	return ids
}

// waitIdle waits until nothing waits to be published.
func (r *rig) waitIdle() {
	r.t.Helper()
	eventually(r.t, "everything is published", func() bool {
		for _, d := range r.Depths() {
			if d.Events > 0 {
				return false
			}
		}
		return r.Problem() == nil
	})
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) { //nolint:forbidigo // between two looks, with a deadline
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

func numbers(first, last int) (n []string) {
	for i := first; i <= last; i++ {
		n = append(n, fmt.Sprint(i))
	}
	return n
}

func (r *rig) wantSignIns(first, last int) {
	r.t.Helper()
	got, want := r.ids("IDENTITY", "identity.ssofy.login.succeeded"), numbers(first, last)
	if !reflect.DeepEqual(got, want) {
		r.t.Errorf("the stream has %d events %.60s…, want %d in order", len(got), fmt.Sprint(got), len(want))
	}
}

func TestEveryLaneReachesItsStream(t *testing.T) {
	r := newRig(t, time.Hour)
	unreadable := schema.Message{
		ID: "ssofy/q", Source: "ssofy", Subject: "identity-quarantine.ssofy",
		Header: "Nats-Msg-Id: ssofy/q\r\n", Body: []byte(`{}`),
	}
	r.store(message("login.succeeded", "1"), message("otp.requested", "o"), message("login.succeeded", "2"), unreadable)
	r.waitIdle()
	r.wantSignIns(1, 2)
	if got := r.ids("IDENTITY", "identity.*.otp.requested"); !slices.Equal(got, []string{"o"}) {
		t.Errorf("codes: %v", got)
	}
	if got := r.ids("IDENTITY_QUARANTINE", ">"); !slices.Equal(got, []string{"q"}) {
		t.Errorf("quarantine: %v", got)
	}
}

func TestAcceptsWhileTheBrokerIsAway(t *testing.T) {
	r := newRig(t, time.Hour)
	r.storeSignIns(1, 500)
	r.waitIdle()
	r.server.Stop()
	r.storeSignIns(501, 6000) // more than a lane keeps in memory
	eventually(t, "the problem is told", func() bool { return r.Problem() != nil })
	r.server.Start()
	r.waitIdle()
	r.wantSignIns(1, 6000)
}

// The broker dies in the middle of publishing, over and over, and the duplicate window is too short to help.
func TestBrokerRestartsUnderLoad(t *testing.T) {
	r := newRig(t, time.Hour)
	var load sync.WaitGroup
	load.Go(func() { r.storeSignIns(1, 8000) })
	for range 6 {
		published := testutil.ToFloat64(r.metrics.published.WithLabelValues("normal"))
		eventually(t, "publishing goes on", func() bool {
			return testutil.ToFloat64(r.metrics.published.WithLabelValues("normal")) > published
		})
		r.server.Stop()
		time.Sleep(150 * time.Millisecond) //nolint:forbidigo // the duplicate window passes
		r.server.Start()
	}
	load.Wait()
	r.waitIdle()
	r.wantSignIns(1, 8000)
}

func TestForebayRestartsUnderLoad(t *testing.T) {
	r := newRig(t, time.Hour)
	for i := range 10 {
		r.storeSignIns(i*400+1, i*400+400)
		r.stop()
		time.Sleep(110 * time.Millisecond) //nolint:forbidigo // the duplicate window passes
		r.start()
	}
	r.waitIdle()
	r.wantSignIns(1, 4000)
}

func TestEmptyBrokerGetsTheGuardWindow(t *testing.T) {
	r := newRig(t, time.Hour)
	r.storeSignIns(1, 3000)
	r.waitIdle()
	r.server.Replace()
	eventually(t, "the loss is noticed", func() bool { return testutil.ToFloat64(r.metrics.reoffered) == 3000 })
	r.waitIdle()
	r.wantSignIns(1, 3000)
}

// A NATS host loses power: its stream comes back without what it had acknowledged and not yet flushed.
func TestForgetfulStream(t *testing.T) {
	r := newRig(t, time.Hour)
	r.storeSignIns(1, 1000)
	r.waitIdle()
	r.server.Stop()
	flushed := t.TempDir()
	if err := os.CopyFS(flushed, os.DirFS(r.server.Store)); err != nil {
		t.Fatal(err)
	}
	r.server.Start()
	r.storeSignIns(1001, 2000)
	r.waitIdle()

	r.server.Stop()
	if err := os.RemoveAll(r.server.Store); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(r.server.Store, os.DirFS(flushed)); err != nil {
		t.Fatal(err)
	}
	r.server.Start()
	eventually(t, "the loss is noticed", func() bool { return testutil.ToFloat64(r.metrics.reoffered) == 1000 })
	r.waitIdle()
	r.wantSignIns(1, 2000)

	r.restart() // what was offered again is not offered a third time
	r.waitIdle()
	r.wantSignIns(1, 2000)
}

func TestLossBetweenTwoRuns(t *testing.T) {
	r := newRig(t, time.Hour)
	r.storeSignIns(1, 1000)
	r.waitIdle()
	r.stop()
	r.server.Replace()
	r.start()
	eventually(t, "everything is there again", func() bool { return len(r.ids0("IDENTITY")) == 1000 })
	r.wantSignIns(1, 1000)
}

// ids0 is ids of a stream that may not exist yet.
func (r *rig) ids0(stream string) []string {
	if _, err := r.server.JetStream(r.t).Stream(r.t.Context(), stream); err != nil {
		return nil
	}
	return r.ids(stream, ">")
}

// What the journal holds at a start waits, also before the publisher has looked at it: nobody may take it for published.
func TestDepthAtTheStart(t *testing.T) {
	r := newRig(t, time.Hour)
	r.server.Stop()
	r.storeSignIns(1, 10)
	r.stop()
	j, err := journal.Open(journal.Config{Dir: r.dir, Now: time.Now, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = j.Close() }()
	p := New(Config{Journal: j, Now: time.Now, Log: log, Metrics: prometheus.NewRegistry()}, Rules{})
	waiting := uint64(0)
	for _, d := range p.Depths() {
		waiting += d.Events
	}
	if waiting != 10 {
		t.Errorf("%d events wait, want 10", waiting)
	}
}

func TestUrgentOvertakes(t *testing.T) {
	r := newRig(t, time.Hour)
	r.server.Stop()
	r.storeSignIns(1, 8000)
	r.store(message("otp.requested", "code"))
	r.server.Start()
	r.waitIdle()
	all := r.ids("IDENTITY", ">")
	if at := slices.Index(all, "code"); at < 0 || at > 2*window {
		t.Errorf("the code stands behind %d of %d sign-ins", at, len(all)-1)
	}
}

func TestJournalForgetsAfterTheGuardWindow(t *testing.T) {
	r := newRig(t, 100*time.Millisecond)
	r.storeSignIns(1, 2000)
	r.store(message("otp.requested", "code"))
	r.waitIdle()
	eventually(t, "the journal is trimmed", func() bool {
		return r.journal.Bytes(journal.Normal) == 0 && r.journal.Bytes(journal.Urgent) == 0
	})
	r.restart()
	r.storeSignIns(2001, 2100)
	r.waitIdle()
	r.wantSignIns(1, 2100)
}

func TestGuardWindowIsKept(t *testing.T) {
	r := newRig(t, time.Hour)
	r.storeSignIns(1, 100)
	r.waitIdle()
	for _, s := range r.streams {
		if err := s.trim(time.Now().Add(time.Hour - time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	if first, last := r.journal.Bounds(journal.Normal); first != 1 || last != 100 {
		t.Errorf("the journal holds %d to %d, want 1 to 100", first, last)
	}
}

func TestTooLargeAnEventIsSetAside(t *testing.T) {
	r := newRig(t, time.Hour)
	huge := message("login.succeeded", "huge")
	huge.Body = make([]byte, 2<<20)
	r.storeSignIns(1, 10)
	r.store(huge)
	r.storeSignIns(11, 20)
	r.waitIdle()
	r.wantSignIns(1, 20)
	if got := testutil.ToFloat64(r.metrics.aside); got != 1 {
		t.Errorf("%v set aside, want 1", got)
	}
}

func TestDirect(t *testing.T) {
	server := brokertest.Start(t)
	r := &rig{t: t, server: server, url: server.URL}
	d := &Direct{Dial: r.dial, Prepare: prepare, Streams: []string{"IDENTITY"}, Wait: 2 * time.Second}
	defer d.Close()
	batch := []schema.Message{message("login.succeeded", "1"), message("login.succeeded", "2")}
	receipt, err := d.Store(t.Context(), batch)
	if want := (schema.Receipt{Stored: schema.StoredStream}); err != nil || receipt != want {
		t.Fatalf("got %+v, %v", receipt, err)
	}
	receipt, err = d.Store(t.Context(), batch)
	if want := (schema.Receipt{Stored: schema.StoredStream, Duplicates: 2}); err != nil || receipt != want {
		t.Errorf("again: got %+v, %v", receipt, err)
	}
	server.Stop()
	if _, err := d.Store(t.Context(), batch); err == nil {
		t.Error("stored while the broker is away")
	}
	server.Start()
	eventually(t, "the broker is back", func() bool { // an attempt that failed speaks for a moment for those that follow
		_, err := d.Store(t.Context(), []schema.Message{message("login.succeeded", "3")})
		return err == nil
	})
	r.wantSignIns(1, 3)
}
