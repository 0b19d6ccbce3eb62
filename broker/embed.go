package broker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

const (
	lockName  = "broker.lock"
	readyTime = 30 * time.Second

	// The server would take three quarters of the free disk as its limit and refuse a stream that may grow larger,
	// which on a small disk is every start. The limits that we mean are max_age and max_bytes of the streams.
	noStoreLimit = 1 << 50
)

// An embedded server runs in this process, on a data folder that it has to itself.
type embedded struct {
	options *server.Options
	config  Config
	log     *slog.Logger
	lock    io.Closer // of the data folder

	mu     sync.Mutex
	server *server.Server // nil when a restart failed
	closed bool
}

// embed starts the server of this process and checks it. On an error nothing runs and nothing stays locked.
func (b *Broker) embed(ctx context.Context, c Config) (err error) {
	e := &embedded{config: c, log: c.Log}
	if e.options, err = serverOptions(c); err != nil {
		return err
	}
	if e.lock, err = lockData(c.Data); err != nil {
		return err
	}
	b.server = e
	if err := e.start(); err != nil {
		b.Close()
		return explainStart(c, err)
	}
	b.url = e.server.ClientURL()
	b.options = append(b.options, nats.InProcessServer(e))
	if err := b.Check(ctx); err != nil {
		b.Close()
		return err
	}
	if !isLoopback(e.options.Host) && c.User == "" && c.Token == "" {
		c.Log.Warn("the embedded NATS server is open to the network without a password: set nats.user or nats.token")
	}
	return nil
}

// start runs the server, and remembers the port that it found, so that it finds it again.
func (e *embedded) start() (err error) {
	options := e.options.Clone()
	door := newDoor(e.config)
	if len(e.config.Users) > 0 {
		options.CustomClientAuthentication = door
	}
	if e.server, err = runServer(options, &serverLog{log: e.log}); err != nil {
		return err
	}
	if err := door.open(e.server, e.config); err != nil {
		e.stop()
		return err
	}
	if address, ok := e.server.Addr().(*net.TCPAddr); ok {
		e.options.Port = address.Port
	}
	return nil
}

func (e *embedded) restart() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stop()
	if err := e.start(); err != nil {
		return fmt.Errorf("restart the embedded NATS server: %w", err)
	}
	return nil
}

func (e *embedded) stop() {
	if e.server != nil {
		e.server.Shutdown()
		e.server.WaitForShutdown()
	}
	e.server = nil
}

func (e *embedded) close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stop()
	e.closed = true
	return e.lock.Close()
}

// InProcessConn connects without a network, to the server that runs now. If its restart failed it is tried again.
func (e *embedded) InProcessConn() (net.Conn, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil, errors.New("the embedded NATS server is closed")
	}
	if e.server == nil {
		if err := e.start(); err != nil {
			return nil, fmt.Errorf("restart the embedded NATS server: %w", err)
		}
	}
	return e.server.InProcessConn()
}

// serverOptions are the settings of the embedded server.
func serverOptions(c Config) (*server.Options, error) {
	if c.Data == "" {
		return nil, errors.New("start the embedded NATS server: no data folder is set")
	}
	host, port, err := splitListen(c.Listen)
	if err != nil {
		return nil, err
	}
	tls, err := serverTLS(c.TLS)
	if err != nil {
		return nil, fmt.Errorf("read nats.tls: %w", err)
	}
	return &server.Options{
		ServerName:             "forebay",
		Host:                   host,
		Port:                   port,
		Username:               c.User,
		Password:               c.Password,
		Authorization:          c.Token,
		TLS:                    tls != nil,
		TLSConfig:              tls,
		MaxPayload:             c.MaxPayload,
		JetStream:              true,
		StoreDir:               c.Data,
		SyncInterval:           embeddedSync,
		JetStreamMaxStore:      noStoreLimit,
		DisableJetStreamBanner: true,
		NoSigs:                 true, // signals are forebay's
	}, nil
}

// splitListen parses "127.0.0.1:4222".
func splitListen(listen string) (host string, port int, err error) {
	if listen == "" {
		listen = DefaultListen
	}
	host, text, err := net.SplitHostPort(listen)
	if err != nil {
		return "", 0, fmt.Errorf("nats.listen %q: want host:port: %w", listen, err)
	}
	port, err = strconv.Atoi(text)
	if err != nil || port < -1 || port > 65535 {
		return "", 0, fmt.Errorf("nats.listen %q: the port is not a number up to 65535", listen)
	}
	if port == 0 {
		port = server.RANDOM_PORT
	}
	return host, port, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// lockData makes the folder and keeps a second process out of it: JetStream itself does not lock its store, and two
// servers on one store destroy it.
func lockData(dir string) (lock io.Closer, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder of the embedded NATS server: %w: set data to a folder of yours, "+
			"or change the owner of that one", err)
	}
	dir, err = filepath.Abs(dir) // the lock knows a file by its name
	if err != nil {
		return nil, fmt.Errorf("find the data folder of the embedded NATS server: %w", err)
	}
	lock, err = vfs.Default.Lock(filepath.Join(dir, lockName))
	var path *os.PathError
	if errors.As(err, &path) {
		return nil, fmt.Errorf("lock the data folder of the embedded NATS server: %w", err)
	}
	if err != nil {
		return nil, fmt.Errorf("data folder %s is in use by another forebay: stop it, or set data to another folder", dir)
	}
	return lock, nil
}

// runServer starts a server and returns when it takes connections.
func runServer(opts *server.Options, log *serverLog) (*server.Server, error) {
	srv, err := server.NewServer(opts)
	if err != nil {
		return nil, err
	}
	srv.SetLoggerV2(log, log.debug(), false, false)
	srv.Start() // returns when it listens, or after it logged why not
	err = log.fatal()
	if err == nil && !srv.ReadyForConnections(readyTime) {
		err = fmt.Errorf("not ready after %v", readyTime)
	}
	if err != nil {
		srv.Shutdown()
		srv.WaitForShutdown()
		return nil, err
	}
	return srv, nil
}

// explainStart words why the embedded server did not start.
func explainStart(c Config, err error) error {
	listen := c.Listen
	if listen == "" {
		listen = DefaultListen
	}
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("embedded NATS server: %s is taken, perhaps by another forebay or a NATS server: "+
			"stop it, set nats.listen to another address, or set nats.url to use that server: %w", listen, err)
	case errors.Is(err, syscall.EADDRNOTAVAIL), errors.Is(err, syscall.EACCES):
		return fmt.Errorf("embedded NATS server: cannot listen on %s: set nats.listen to an address of this machine: %w",
			listen, err)
	}
	return fmt.Errorf("start the embedded NATS server on data folder %s: %w", c.Data, err)
}
