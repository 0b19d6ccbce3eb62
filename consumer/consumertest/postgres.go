package consumertest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Postgres is a PostgreSQL server of its own, by Debian's package postgresql. Its one user is forebay, without a password.
type Postgres struct {
	Port int

	folder string
	bin    string
	run    *exec.Cmd // nil: stopped
	done   chan error
}

// StartPostgres runs a server until the test ends.
func StartPostgres(t testing.TB) *Postgres {
	t.Helper()
	folder, err := os.MkdirTemp("", "forebay-postgres") //nolint:usetesting // the folders around t.TempDir are closed to another user
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	p, err := NewPostgres(folder)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Stop(syscall.SIGQUIT) })
	return p
}

// NewPostgres runs a server in an empty folder, for the tests of a whole package. The caller stops it.
func NewPostgres(folder string) (*Postgres, error) {
	bin, err := find("initdb", "/usr/lib/postgresql/*/bin")
	if err != nil {
		return nil, fmt.Errorf("these tests need a PostgreSQL server: Debian's package postgresql: %w", err)
	}
	p := &Postgres{Port: FreePort(), folder: folder, bin: bin}
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
	return p, p.Start()
}

// find gives the folder of a program, of its newest version where there are several.
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

func (p *Postgres) data() string { return filepath.Join(p.folder, "data") }

func (p *Postgres) command(name string, args ...string) *exec.Cmd {
	c := exec.Command(filepath.Join(p.bin, name), args...)
	c.Dir, c.Env = p.folder, append(c.Environ(), "LC_ALL=C")
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
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, _ := strconv.ParseUint(u.Uid, 10, 32)
		gid, _ := strconv.ParseUint(u.Gid, 10, 32)
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, true
	}
	return nil, false
}

// Start starts a stopped server on its port and its data, and returns once it answers.
func (p *Postgres) Start() error {
	log, err := os.Create(filepath.Join(p.folder, "log"))
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }() // the server has its own
	p.run = p.command("postgres", "-D", p.data(), "-p", strconv.Itoa(p.Port), "-k", p.folder,
		"-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "max_connections=200")
	p.run.Stdout, p.run.Stderr = log, log
	if err := p.run.Start(); err != nil {
		return err
	}
	p.done = make(chan error, 1)
	go func(run *exec.Cmd, done chan error) { done <- errors.Join(errors.New("exit"), run.Wait()) }(p.run, p.done)
	if err := until(p.ping, p.done); err != nil {
		text, _ := os.ReadFile(log.Name())
		return fmt.Errorf("postgres: %w: %s", err, text)
	}
	return nil
}

func (p *Postgres) ping() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, p.URL())
	if err != nil {
		return err
	}
	return conn.Close(ctx)
}

// Stop ends the server: with SIGQUIT at once, as a crash does; with SIGINT after what is under way was broken off, as a
// restart does. Stopping a stopped server does nothing.
func (p *Postgres) Stop(s syscall.Signal) {
	if p.run == nil {
		return
	}
	if p.run.Process.Signal(s) == nil {
		<-p.done
	}
	p.run = nil
}

// URL is for pgx and for the job.
func (p *Postgres) URL() string {
	return fmt.Sprintf("postgres://forebay@127.0.0.1:%d/postgres?sslmode=disable", p.Port)
}
