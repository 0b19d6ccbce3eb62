package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// A machine is what the figures were measured on and with.
type machine struct {
	CPU      string        `json:"cpu"`
	Cores    int           `json:"cores"`
	System   string        `json:"system"` // kernel and its version
	Go       string        `json:"go"`
	Versions []string      `json:"versions"`
	Flush    time.Duration `json:"flush"` // to write and flush 4 kB, median
}

func lookAround(dir, forebay string) (m machine, err error) {
	m = machine{CPU: processor(), Cores: runtime.NumCPU(), System: system(), Go: runtime.Version(), Versions: versions(forebay)}
	m.Flush, err = flushTime(dir)
	return m, err
}

// processor is the name that Linux has for the processor; other systems have no such file.
func processor() string {
	file, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	defer func() { _ = file.Close() }() // read only
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if name, value, _ := strings.Cut(lines.Text(), ":"); strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

func system() string {
	out, err := exec.Command("uname", "-sr").Output()
	if err != nil {
		return runtime.GOOS
	}
	return strings.TrimSpace(string(out))
}

// versions are those of the parts that matter for speed.
func versions(forebay string) (found []string) {
	if out, err := exec.Command(forebay, "version").Output(); err == nil {
		first, _, _ := strings.Cut(string(out), "\n")
		found = append(found, strings.TrimSpace(first))
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return found
	}
	parts := map[string]string{
		"github.com/nats-io/nats-server/v2": "nats-server", "github.com/nats-io/nats.go": "nats.go",
		"github.com/cockroachdb/pebble/v2": "pebble", "github.com/gorilla/mux": "mux",
	}
	for _, m := range info.Deps {
		if name := parts[m.Path]; name != "" {
			found = append(found, name+" "+m.Version)
		}
	}
	return found
}

// flushTime is the median time that the disk takes to write and flush 4 kB at the end of a file, by the call that the
// journal flushes with. It takes 500 times, or a second.
func flushTime(dir string) (time.Duration, error) {
	name := filepath.Join(dir, "flush")
	file, err := vfs.Default.Create(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		return 0, err
	}
	defer func() { _ = os.Remove(name) }() // it has said what it was for
	var times []time.Duration
	block := make([]byte, 4<<10)
	for begun := time.Now(); len(times) < 500 && time.Since(begun) < time.Second; {
		before := time.Now()
		if _, err := file.Write(block); err != nil {
			return 0, errors.Join(err, file.Close())
		}
		if err := file.SyncData(); err != nil {
			return 0, errors.Join(fmt.Errorf("flush: %w", err), file.Close())
		}
		times = append(times, time.Since(before))
	}
	return median(times), file.Close()
}

// flushAll writes out what the whole machine has not written yet.
func flushAll() { syscall.Sync() }
