package broker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"

	"github.com/forebayhq/forebay/broker/brokertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A buffer is a log that may be read while it is written.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func (b *buffer) logger(l slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(b, &slog.HandlerOptions{Level: l}))
}

// start starts a broker that must start, on any free port where it is embedded.
func start(t *testing.T, c Config) *Broker {
	t.Helper()
	if c.URL == "" && c.Listen == "" {
		c.Listen = "127.0.0.1:-1"
	}
	if c.URL == "" && c.Data == "" {
		c.Data = t.TempDir()
	}
	b, err := Start(t.Context(), c)
	if err != nil {
		t.Fatalf("start: %v", err)
	}
	t.Cleanup(b.Close)
	return b
}

func dial(t *testing.T, b *Broker, o ...nats.Option) *nats.Conn {
	t.Helper()
	nc, err := b.Dial("test", o...)
	if err != nil {
		t.Fatalf("dial: %v", err)
	}
	t.Cleanup(nc.Close)
	return nc
}

func jetStream(t *testing.T, b *Broker) jetstream.JetStream {
	t.Helper()
	js, err := jetstream.New(dial(t, b))
	if err != nil {
		t.Fatal(err)
	}
	return js
}

// wantError fails unless the error says every one of the words.
func wantError(t *testing.T, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("got no error, want one that says %q", words)
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("error does not say %q: %v", word, err)
		}
	}
}

func TestEmbedded(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data", "jetstream")
	b := start(t, Config{Data: data, MaxPayload: 4 << 20})
	if !b.Embedded() || b.SyncInterval() != 10*time.Second || b.GuardWindow() != 20*time.Second {
		t.Errorf("embedded %v, sync interval %v, guard window %v", b.Embedded(), b.SyncInterval(), b.GuardWindow())
	}
	if got := b.MaxPayload(); got != 4<<20 {
		t.Errorf("max payload: got %d, want %d", got, 4<<20)
	}
	if got := dial(t, b).ConnectedAddr(); got != "pipe" {
		t.Errorf("Dial connects to %s, want the pipe inside the process", got)
	}
	nc, err := nats.Connect(b.URL()) // as a consumer in another process
	if err != nil {
		t.Fatalf("a consumer connects to %s: %v", b.URL(), err)
	}
	defer nc.Close()
	if got := nc.ConnectedServerName(); got != "forebay" {
		t.Errorf("server name: got %q, want forebay", got)
	}
	if info, err := os.Stat(data); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("data folder: %v, %v, want mode 0700", info, err)
	}
}

func TestEmbeddedStore(t *testing.T) {
	b := start(t, Config{})
	if got := b.server.server.JetStreamConfig().SyncInterval; got != b.SyncInterval() {
		t.Errorf("the server syncs every %v, SyncInterval says %v", got, b.SyncInterval())
	}
	streams := Streams{Name: "IDENTITY", Prefix: "identity", MaxBytes: 100 << 40} // more than the disk has
	mustEnsure(t, jetStream(t, b), streams)
}

func TestEmbeddedRestartKeepsMessages(t *testing.T) {
	c := Config{Data: t.TempDir()}
	streams := Streams{Name: "IDENTITY", Prefix: "identity"}
	for want := uint64(1); want <= 3; want++ {
		b := start(t, c)
		js := jetStream(t, b)
		if _, err := Ensure(t.Context(), js, streams); err != nil {
			t.Fatal(err)
		}
		ack, err := js.Publish(t.Context(), "identity.ssofy.otp.requested", nil)
		if err != nil || ack.Sequence != want {
			t.Fatalf("publish: %+v, %v, want sequence %d", ack, err, want)
		}
		js.Conn().Close()
		b.Close()
		b.Close()
	}
}

func TestRestart(t *testing.T) {
	b := start(t, Config{})
	js := jetStream(t, b)
	mustEnsure(t, js, Streams{Name: "IDENTITY", Prefix: "identity"})
	if _, err := js.Publish(t.Context(), "identity.ssofy.user.created", nil); err != nil {
		t.Fatal(err)
	}
	url := b.URL()
	if err := b.Restart(); err != nil {
		t.Fatal(err)
	}
	if b.URL() != url {
		t.Errorf("after a restart consumers find it at %s, before at %s", b.URL(), url)
	}
	stream, err := jetStream(t, b).Stream(t.Context(), "IDENTITY")
	if err != nil {
		t.Fatal(err)
	}
	if got := stream.CachedInfo().State.Msgs; got != 1 {
		t.Errorf("%d messages after a restart, want 1", got)
	}
}

// A restart that fails, here because somebody else has the port for a moment, is tried again when somebody connects.
func TestRestartFailsOnce(t *testing.T) {
	b := start(t, Config{})
	address := strings.TrimPrefix(b.URL(), "nats://")
	b.server.mu.Lock()
	b.server.stop()
	b.server.mu.Unlock()
	other, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Restart(); err == nil {
		t.Error("restarted on a port that is taken")
	}
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	dial(t, b)
}

func TestEmbeddedPortTaken(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	c := Config{Listen: taken.Addr().String(), Data: t.TempDir()}
	_, err = Start(t.Context(), c)
	wantError(t, err, c.Listen+" is taken", "stop it", "nats.listen", "nats.url")

	c.Listen = "127.0.0.1:0" // the failed start holds nothing
	start(t, c)
}

func TestEmbeddedDataTaken(t *testing.T) {
	data := t.TempDir()
	start(t, Config{Data: data})
	_, err := Start(t.Context(), Config{Listen: "127.0.0.1:-1", Data: data})
	wantError(t, err, data+" is in use by another forebay", "stop it")
}

func TestEmbeddedDataUnusable(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Start(t.Context(), Config{Listen: "127.0.0.1:-1", Data: filepath.Join(file, "jetstream")})
	wantError(t, err, "make the data folder", file)

	data := t.TempDir()
	if err := os.Mkdir(filepath.Join(data, lockName), 0o700); err != nil {
		t.Fatal(err)
	}
	_, err = Start(t.Context(), Config{Listen: "127.0.0.1:-1", Data: data})
	wantError(t, err, "lock the data folder", lockName)

	data = t.TempDir()
	if err := os.WriteFile(filepath.Join(data, "jetstream"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = Start(t.Context(), Config{Listen: "127.0.0.1:-1", Data: data})
	wantError(t, err, "start the embedded NATS server", data, "not a directory")
}

func TestEmbeddedAddress(t *testing.T) {
	for listen, words := range map[string][]string{
		"127.0.0.1":       {`nats.listen "127.0.0.1"`, "want host:port"},
		"127.0.0.1:nats":  {`nats.listen "127.0.0.1:nats"`, "port is not a number"},
		"127.0.0.1:65536": {"port is not a number up to 65535"},
		"192.0.2.1:0":     {"cannot listen on 192.0.2.1:0", "nats.listen"},
	} {
		_, err := Start(t.Context(), Config{Listen: listen, Data: t.TempDir()})
		wantError(t, err, words...)
	}
	_, err := Start(t.Context(), Config{Listen: "127.0.0.1:0"})
	wantError(t, err, "no data folder")
}

func TestEmbeddedLogin(t *testing.T) {
	for name, c := range map[string]Config{
		"user":  {User: "ann", Password: "correct horse"},
		"token": {Token: "battery staple"},
	} {
		t.Run(name, func(t *testing.T) {
			b := start(t, c)
			if err := b.Check(t.Context()); err != nil {
				t.Errorf("our own connection: %v", err)
			}
			if _, err := nats.Connect(b.URL()); !errors.Is(err, nats.ErrAuthorization) {
				t.Errorf("a consumer without the login: got %v, want %v", err, nats.ErrAuthorization)
			}
			c.URL = b.URL()
			if err := start(t, c).Check(t.Context()); err != nil {
				t.Errorf("a consumer with the login: %v", err)
			}
		})
	}
}

func TestEmbeddedLog(t *testing.T) {
	var quiet, loud buffer
	start(t, Config{Log: quiet.logger(slog.LevelInfo)})
	if got := quiet.String(); got != "" {
		t.Errorf("a plain start logs: %s", got)
	}
	start(t, Config{Listen: "0.0.0.0:0", Log: loud.logger(slog.LevelDebug)})
	for _, want := range []string{"level=DEBUG", "Server is ready", "level=WARN", "without a password"} {
		if !strings.Contains(loud.String(), want) {
			t.Errorf("log of an open server does not say %q", want)
		}
	}
}

func TestExternalAway(t *testing.T) {
	s := brokertest.Start(t, brokertest.Options{MaxPayload: 4096})
	s.Stop()
	b := start(t, Config{URL: s.URL})
	if b.Embedded() || b.SyncInterval() != 2*time.Minute || b.MaxPayload() != 1<<20 {
		t.Errorf("embedded %v, sync interval %v, max payload %d", b.Embedded(), b.SyncInterval(), b.MaxPayload())
	}
	wantError(t, b.Check(t.Context()), "connect to "+s.URL, "no NATS server answers there")
	if _, err := b.Dial("test"); !errors.Is(err, nats.ErrNoServers) {
		t.Errorf("dial: got %v, want %v", err, nats.ErrNoServers)
	}
	s.Start()
	if err := b.Check(t.Context()); err != nil {
		t.Fatalf("check after the start: %v", err)
	}
	s.Stop()
	if got := b.MaxPayload(); got != 4096 {
		t.Errorf("max payload after the contact: got %d, want 4096", got)
	}
}

func TestCheckEndsWithItsContext(t *testing.T) {
	mute, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer mute.Close()
	b := start(t, Config{URL: "nats://" + mute.Addr().String()})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	began := time.Now()
	if err := b.Check(ctx); err == nil {
		t.Error("check of a mute server: got no error")
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("check took %v after 50ms were granted", took)
	}
	cancel()
	if err := b.Check(ctx); !errors.Is(err, ctx.Err()) {
		t.Errorf("check with an ended context: got %v, want %v", err, ctx.Err())
	}
}

func TestDialHasNoReconnectBuffer(t *testing.T) {
	var log buffer
	s := brokertest.Start(t)
	b := start(t, Config{URL: s.URL, Log: log.logger(slog.LevelInfo)})
	nc := dial(t, b, nats.ReconnectBufSize(1<<20), nats.ReconnectWait(10*time.Millisecond))
	if nc.Opts.Name != "test" || nc.Opts.MaxReconnect != -1 {
		t.Errorf("name %q, reconnects %d", nc.Opts.Name, nc.Opts.MaxReconnect)
	}
	s.Stop()
	wait(t, "the connection is lost", func() bool { return nc.IsReconnecting() })
	if err := nc.Publish("a", []byte("b")); !errors.Is(err, nats.ErrReconnectBufExceeded) {
		t.Errorf("publish while away: got %v, want %v", err, nats.ErrReconnectBufExceeded)
	}
	s.Start()
	wait(t, "the connection is back", nc.IsConnected)
	wait(t, "the log says so", func() bool {
		return strings.Contains(log.String(), "connection lost") && strings.Contains(log.String(), "connection is back")
	})
	once := dial(t, b, nats.NoReconnect())
	s.Stop()
	wait(t, "a connection without reconnect closes", once.IsClosed)
}

func TestDialBeforeTheServerIsUp(t *testing.T) {
	s := brokertest.Start(t, brokertest.Options{MaxPayload: 4096})
	s.Stop()
	b := start(t, Config{URL: s.URL})
	nc := dial(t, b, nats.RetryOnFailedConnect(true), nats.ReconnectWait(10*time.Millisecond))
	s.Start()
	wait(t, "the connection is up", nc.IsConnected)
	wait(t, "max payload is known", func() bool { return b.MaxPayload() == 4096 })
}

func wait(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !done(); {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
		time.Sleep(5 * time.Millisecond) //nolint:forbidigo // between two looks, with a deadline
	}
}

func ExampleStart() {
	data, err := os.MkdirTemp("", "forebay")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(data)
	b, err := Start(context.Background(), Config{Data: data, Listen: "127.0.0.1:0"})
	if err != nil {
		panic(err)
	}
	defer b.Close()
	nc, err := b.Dial("example")
	if err != nil {
		panic(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		panic(err)
	}
	streams := Streams{Name: "IDENTITY", Prefix: "identity", MaxAge: 720 * time.Hour, GuardWindow: b.GuardWindow()}
	differences, err := Ensure(context.Background(), js, streams)
	fmt.Println(differences, err)
	// Output: [] <nil>
}
