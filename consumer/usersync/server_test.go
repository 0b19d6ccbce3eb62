package usersync_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	osuser "os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"
)

// postgres is a real server, in a folder of its own, that all tests of the package share. Every test has a schema of
// its own in it.
type postgres struct {
	folder string
	bin    string
	port   int
	run    *exec.Cmd
	done   chan error
}

// server is set by TestMain and nobody else.
var server *postgres

func TestMain(m *testing.M) {
	code, err := testMain(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

func testMain(m *testing.M) (code int, err error) {
	folder, err := os.MkdirTemp("", "forebay-postgres")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(folder)
	if server, err = newPostgres(folder); err != nil {
		return 1, err
	}
	code = m.Run()
	server.stop(syscall.SIGQUIT)
	if err = goleak.Find(); code == 0 && err != nil {
		code = 1
	}
	return code, err
}

func newPostgres(folder string) (*postgres, error) {
	bin, err := find("initdb", "/usr/lib/postgresql/*/bin")
	if err != nil {
		return nil, fmt.Errorf("usersync's tests need a PostgreSQL server: Debian's package postgresql: %w", err)
	}
	p := &postgres{folder: folder, bin: bin}
	if id, ok := unprivileged(); ok {
		if err := os.Chown(folder, int(id.Uid), int(id.Gid)); err != nil {
			return nil, err
		}
	}
	text, err := p.command("initdb", "-D", p.data(), "-U", "forebay", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync").
		CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("initdb: %w: %s", err, text)
	}
	if p.port, err = freePort(); err != nil {
		return nil, err
	}
	return p, p.start()
}

func find(name, folders string) (bin string, err error) {
	all, err := filepath.Glob(filepath.Join(folders, name))
	if err != nil {
		return "", err
	}
	if len(all) > 0 {
		return filepath.Dir(slices.Max(all)), nil
	}
	one, err := exec.LookPath(name)
	return filepath.Dir(one), err
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

func (p *postgres) data() string { return filepath.Join(p.folder, "data") }

func (p *postgres) command(name string, args ...string) *exec.Cmd {
	c := exec.Command(filepath.Join(p.bin, name), args...)
	c.Dir, c.Env = p.folder, append(os.Environ(), "LC_ALL=C")
	if id, ok := unprivileged(); ok {
		c.SysProcAttr = &syscall.SysProcAttr{Credential: id}
	}
	return c
}

// unprivileged is whom the server runs as where the test runs as root, which PostgreSQL refuses.
func unprivileged() (*syscall.Credential, bool) {
	if os.Getuid() != 0 {
		return nil, false
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := osuser.Lookup(name)
		if err != nil {
			continue
		}
		uid, _ := strconv.ParseUint(u.Uid, 10, 32)
		gid, _ := strconv.ParseUint(u.Gid, 10, 32)
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, true
	}
	return nil, false
}

// start returns once the server answers.
func (p *postgres) start() error {
	log, err := os.Create(filepath.Join(p.folder, "log"))
	if err != nil {
		return err
	}
	defer log.Close()
	p.run = p.command("postgres", "-D", p.data(), "-p", strconv.Itoa(p.port), "-k", p.folder,
		"-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "max_connections=200")
	p.run.Stdout, p.run.Stderr = log, log
	if err := p.run.Start(); err != nil {
		return err
	}
	p.done = make(chan error, 1)
	go func(run *exec.Cmd, done chan error) { done <- run.Wait() }(p.run, p.done)
	deadline, tick := time.After(30*time.Second), time.NewTicker(20*time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := pgx.Connect(context.Background(), p.url())
		if err == nil {
			return conn.Close(context.Background())
		}
		select {
		case <-tick.C:
		case err := <-p.done:
			text, _ := os.ReadFile(log.Name())
			return fmt.Errorf("postgres ended: %w: %s", err, text)
		case <-deadline:
			return errors.Join(errors.New("postgres does not answer"), err)
		}
	}
}

// stop ends the server: SIGQUIT at once, as a crash does; SIGINT after what is under way was broken off.
func (p *postgres) stop(s syscall.Signal) {
	if p.run.Process.Signal(s) == nil {
		<-p.done
	}
}

func (p *postgres) url() string {
	return fmt.Sprintf("postgres://forebay@127.0.0.1:%d/postgres?sslmode=disable", p.port)
}

// schema is a fresh name for a test.
func schemaName(t testing.TB) string {
	name := strings.ToLower(strings.NewReplacer("/", "_", "#", "_").Replace(t.Name()))
	return name[:min(len(name), 40)] + "_" + strconv.FormatInt(time.Now().UnixNano()%1e9, 36)
}
