package main

import (
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// mischief are programs that do what a handler should not. The poison's chokes on one action, and notes what it could take.
var mischief = map[string]string{
	"crash":  "kill -SEGV $$",
	"hang":   "trap '' TERM; while :; do sleep 1; done",
	"flood":  "yes 1>&2",
	"poison": `test "$FOREBAY_ACTION" != user.deleted && echo "$FOREBAY_ID" >>"$0.log"`,
}

// mischiefYAML runs them, and beside them a consumer that does no wrong. DIR has the programs.
const mischiefYAML = `
consumers:
  crash:  {actions: [user.created], retry: [500ms], max_attempts: 2, run: command, command: {argv: [sh, DIR/crash]}}
  hang:   {actions: [user.created], retry: [500ms], max_attempts: 1, parallel: 4, run: command,
           command: {argv: [sh, DIR/hang], timeout: 200ms, grace: 100ms}}
  flood:  {actions: [user.created], retry: [500ms], max_attempts: 1, parallel: 2, run: command,
           command: {argv: [sh, DIR/flood], timeout: 600ms, grace: 100ms}}
  poison: {actions: ["*"], retry: [300ms], max_attempts: 3, parallel: 1, run: command, command: {argv: [sh, DIR/poison]}}
  good:   {actions: ["*"], run: webhook, webhook: {unsigned: true, url: HOOK}}
`

// Handlers that crash, hang and flood spend their own attempts and nobody else's, and an event that a handler cannot bear
// does not block those behind it, though there is one attempt at a time.
func TestMischief(t *testing.T) {
	const events = 8
	seen := &sightings{count: map[string]int{}}
	hook := httptest.NewServer(seen)
	t.Cleanup(hook.Close)
	dir := t.TempDir()
	for name, script := range mischief {
		check(t, os.WriteFile(filepath.Join(dir, name), []byte(script), 0o600))
	}
	d := newDaemon(t, forebayYAML+strings.NewReplacer("DIR", dir, "HOOK", hook.URL).Replace(mischiefYAML))
	d.run(t)
	before := residentPeak(t, d)
	d.forebay(t, "send", "mgpass", "user.deleted", "-n", "2") // the poison is first
	began := time.Now()
	d.forebay(t, "send", "mgpass", "user.register", "-n", strconv.Itoa(events))
	check(t, poll(func() error {
		if n := seen.handled(); n < events+2 {
			return fmt.Errorf("the good consumer handled %d events", n)
		}
		return nil
	}))
	t.Logf("the good consumer had all after %s", time.Since(began).Round(time.Millisecond))
	for _, name := range []string{"crash", "hang", "flood", "poison"} {
		d.settled(t, name)
	}
	wantDead(t, d, "crash", events, 2, "segmentation fault")
	wantDead(t, d, "hang", events, 1, "took too long")
	wantDead(t, d, "flood", events, 1, "took too long")
	wantDead(t, d, "poison", 2, 3, "exit status 1")
	wantDead(t, d, "good", 0, 0, "")
	text, err := os.ReadFile(filepath.Join(dir, "poison.log"))
	check(t, err)
	if got := strings.Count(string(text), "\n"); got != events {
		t.Errorf("%d events were handled behind the poison, want %d", got, events)
	}
	if grown := residentPeak(t, d) - before; grown > 256<<10 { // less than any of them wrote, and room for the race detector
		t.Errorf("forebay grew by %d MB while a program flooded it", grown>>10)
	}
	check(t, d.stop())
}

func wantDead(t *testing.T, d *daemon, name string, count, attempts int, reason string) {
	t.Helper()
	var dead []deadRow
	err := poll(func() error {
		dead = rows[deadRow](t, d.forebay(t, "dead", "list", "--json", "--consumer", name))
		return wantCount(dead, count)
	})
	if err != nil {
		t.Errorf("dead letters of %s: %v", name, err)
	}
	for _, l := range dead {
		if l.Attempts != attempts || !strings.Contains(l.Reason, reason) {
			t.Errorf("a dead letter of %s: %d attempts, %q; want %d, %q", name, l.Attempts, l.Reason, attempts, reason)
		}
	}
}

// residentPeak is the most memory that forebay ever had, in KiB. https://man7.org/linux/man-pages/man5/proc_pid_status.5.html
func residentPeak(t *testing.T, d *daemon) (kib int) {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", d.cmd.Process.Pid))
	check(t, err)
	_, rest, _ := strings.Cut(string(text), "VmHWM:")
	_, err = fmt.Sscan(rest, &kib)
	check(t, err)
	return kib
}
