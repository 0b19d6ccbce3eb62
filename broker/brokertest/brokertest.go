// Package brokertest runs a real NATS server with JetStream inside a test: on a free port of the loopback, with its
// store in the test's own folder. The server can be stopped, started again on the same port and store, and replaced by
// an empty one, as happens to a broker in operation. It imports nothing of ours, so every package can test with it.
package brokertest

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// startTime is how long a server may take to start, and how long a restart waits for its port to be free again.
const startTime = 15 * time.Second

// Options says what differs from a plain server: no authentication, JetStream on, JetStream's own sync interval.
type Options struct {
	SyncAlways   bool          // flush every message to disk before it is acknowledged
	SyncInterval time.Duration // 0: the server's default of two minutes
	MaxPayload   int32         // bytes; 0: the server's default of 1 MiB
	NoJetStream  bool          // a server without JetStream

	User, Password string // the one user; Conn logs in as this user
	Token          string // the token instead of a user; Conn sends it

	// Config is a piece of nats-server configuration, for users with rights, accounts, TLS and the like. It is read
	// before every start. The address and the store stay those of the test. File names in it are absolute.
	Config string
}

// Server is a NATS server that lives as long as its test. Its methods fail the test when something goes wrong. They
// are for the test's own goroutine.
type Server struct {
	URL   string // "nats://127.0.0.1:41873"; the same after every restart
	Store string // the folder of JetStream's store; another one after Replace

	t       testing.TB
	options Options
	port    int
	stores  int
	server  *server.Server // nil: stopped
}

// Start runs a server until the test ends. At most one Options is taken.
func Start(t testing.TB, o ...Options) *Server {
	t.Helper()
	s := &Server{t: t, port: server.RANDOM_PORT}
	if len(o) > 0 {
		s.options = o[0]
	}
	s.newStore()
	s.Start()
	t.Cleanup(s.Stop)
	return s
}

// Stop shuts the server down and waits until it is gone. Its store stays. Stopping a stopped server does nothing.
func (s *Server) Stop() {
	if s.server == nil {
		return
	}
	s.server.Shutdown()
	s.server.WaitForShutdown()
	s.server = nil
}

// Start starts a stopped server on the port and the store that it had.
func (s *Server) Start() {
	s.t.Helper()
	if s.server != nil {
		s.t.Fatal("brokertest: start a server that runs")
	}
	// Another process may hold the port for a moment, as an outgoing connection of its own.
	deadline := time.Now().Add(startTime)
	for {
		err := s.try()
		if err == nil {
			return
		}
		if time.Now().After(deadline) || !strings.Contains(err.Error(), "address already in use") {
			s.t.Fatalf("brokertest: start the server: %v", err)
		}
		time.Sleep(50 * time.Millisecond) //nolint:forbidigo // between two looks, with a deadline
	}
}

// Replace stops the server and starts another one with an empty store on the same port: what clients see when a broker
// was lost with its disk.
func (s *Server) Replace() {
	s.t.Helper()
	s.Stop()
	s.newStore()
	s.Start()
}

// Conn returns a connection to the server. It is closed when the test ends, and reconnects without end until then.
func (s *Server) Conn(t testing.TB, o ...nats.Option) *nats.Conn {
	t.Helper()
	all := []nats.Option{
		nats.MaxReconnects(-1),
		nats.ReconnectWait(20 * time.Millisecond),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}), // the default writes to standard error
	}
	if s.options.User != "" {
		all = append(all, nats.UserInfo(s.options.User, s.options.Password))
	}
	if s.options.Token != "" {
		all = append(all, nats.Token(s.options.Token))
	}
	nc, err := nats.Connect(s.URL, append(all, o...)...)
	if err != nil {
		t.Fatalf("brokertest: connect to %s: %v", s.URL, err)
	}
	t.Cleanup(nc.Close)
	return nc
}

// JetStream returns the JetStream of a connection of its own.
func (s *Server) JetStream(t testing.TB, o ...nats.Option) jetstream.JetStream {
	t.Helper()
	js, err := jetstream.New(s.Conn(t, o...))
	if err != nil {
		t.Fatalf("brokertest: JetStream of %s: %v", s.URL, err)
	}
	return js
}

// Server returns the running server, for what this package does not wrap. It is another one after every start.
func (s *Server) Server() *server.Server { return s.server }

func (s *Server) newStore() {
	s.stores++
	s.Store = filepath.Join(s.t.TempDir(), fmt.Sprintf("store-%d", s.stores))
}

// try starts the server once and waits until it takes connections.
func (s *Server) try() error {
	opts, err := s.serverOptions()
	if err != nil {
		return err
	}
	srv, err := server.NewServer(opts)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), startTime)
	defer cancel()
	log := &fatalLog{cancel: cancel}
	srv.SetLoggerV2(log, false, false, false)
	srv.Start() // returns once it listens, or after Fatalf
	if ctx.Err() != nil || !srv.ReadyForConnections(startTime) {
		srv.Shutdown()
		srv.WaitForShutdown()
		return fmt.Errorf("the server does not start: %s", log.text())
	}
	s.server, s.URL, s.port = srv, srv.ClientURL(), opts.Port
	return nil
}

func (s *Server) serverOptions() (*server.Options, error) {
	opts := &server.Options{}
	if s.options.Config != "" {
		if err := opts.ProcessConfigString(s.options.Config); err != nil {
			return nil, fmt.Errorf("read Options.Config: %w", err)
		}
	}
	opts.ServerName = "brokertest"
	opts.Host, opts.Port = "127.0.0.1", s.port
	opts.NoSigs, opts.NoLog = true, true
	opts.DisableJetStreamBanner = true
	opts.JetStream, opts.StoreDir = !s.options.NoJetStream, s.Store
	if opts.JetStreamMaxStore <= 0 {
		opts.JetStreamMaxStore = 1 << 50 // else what is free on the disk just now, and other tests fill it
	}
	opts.SyncAlways, opts.SyncInterval = s.options.SyncAlways, s.options.SyncInterval
	if s.options.MaxPayload != 0 {
		opts.MaxPayload = s.options.MaxPayload
	}
	if s.options.User != "" {
		opts.Username, opts.Password = s.options.User, s.options.Password
	}
	if s.options.Token != "" {
		opts.Authorization = s.options.Token
	}
	return opts, nil
}

// A fatalLog keeps what kept the server from starting and drops the rest.
type fatalLog struct {
	cancel func()

	mu   sync.Mutex
	last string
}

func (l *fatalLog) Fatalf(format string, v ...any) {
	l.mu.Lock()
	l.last = fmt.Sprintf(format, v...)
	l.mu.Unlock()
	l.cancel()
}

func (l *fatalLog) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last
}

func (l *fatalLog) Noticef(string, ...any) {}
func (l *fatalLog) Warnf(string, ...any)   {}
func (l *fatalLog) Errorf(string, ...any)  {}
func (l *fatalLog) Debugf(string, ...any)  {}
func (l *fatalLog) Tracef(string, ...any)  {}
