package main

import (
	"cmp"
	"fmt"
	"strings"
)

// configuration is the file that forebay runs with. Codes live for a day instead of ten minutes, so that none expires
// before it is counted.
func (d *daemon) configuration() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	limits := d.setup.limits
	if limits == "" {
		limits = "rate: 1000000/s, burst: 1000000"
	}
	line("listen: %s", host(d.webhooks))
	line("admin: %s", host(d.admin))
	line("public_url: %s", publicURL)
	line("data: %q", d.data)
	line("journal: {%s}", strings.Join(d.journal(), ", "))
	line("limits: {%s}", limits)
	if !d.setup.external {
		line("nats: {listen: %q}", host(d.nats))
	} else {
		line("nats: {url: %q}\nseal: off", d.nats)
	}
	line("stream: {%s}", strings.Join(d.stream(), ", "))
	line("%s", strings.TrimSpace(d.setup.more))
	line("sources:")
	for _, s := range sources() {
		line("  %s:\n    provider: %s\n    secrets: [%q]", s.name, s.provider, s.secret)
		if s.options != "" {
			line("    %s: %s", s.provider, s.options)
		}
	}
	return b.String()
}

func host(url string) string { return url[strings.Index(url, "//")+2:] }

// What takes the place of a protection that a weakened forebay lacks by its configuration alone. The shortest duplicate
// window that JetStream takes is 100ms, and forebay raises it to the guard window, which needs it.
const (
	noGuard  = "100ms"
	noDedupe = "1ms"
)

func (d *daemon) journal() []string {
	keys := []string{"max_bytes: 100GiB"}
	if guard := d.guard(); guard != "" {
		keys = append(keys, "guard: "+guard)
	}
	if d.prover.weakened(weakDedupe) {
		keys = append(keys, "dedupe: "+noDedupe)
	}
	return keys
}

// guard is the guard window, and the stream's duplicate window with it: as short as may be, so that nothing else leans on
// that. Empty: forebay's default.
func (d *daemon) guard() string {
	switch {
	case d.prover.weakened(weakGuard), d.prover.weakened(weakDedupe):
		return noGuard
	case d.setup.guard > 0:
		return d.setup.guard.String()
	default:
		return ""
	}
}

func (d *daemon) stream() []string {
	keys := []string{"name: " + streamName, "max_bytes: 0", "lifetimes: {otp.requested: 24h}"}
	if d.setup.replicas > 0 {
		keys = append(keys, fmt.Sprintf("replicas: %d", d.setup.replicas))
	}
	if window := cmp.Or(d.guard(), d.setup.window); window != "" {
		keys = append(keys, "duplicate_window: "+window)
	}
	return keys
}
