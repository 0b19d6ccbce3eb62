package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/forebayhq/forebay/config"
)

type checkCommand struct {
	JSON   bool `help:"Print JSON, one finding a line."`
	Health bool `help:"Only ask the forebay that runs with this configuration whether it is healthy, as containers do."`
}

// Help is shown by "forebay check --help".
func (*checkCommand) Help() string {
	return "Nothing is changed, and nothing is sent.\n" +
		"The exit code is 1 if something fails, 2 if the configuration is wrong."
}

// A verdict is how a check ended.
type verdict string

const (
	ok   verdict = "ok"
	warn verdict = "warn" // it works, and somebody should see it
	fail verdict = "fail"
)

// A finding is one line of the report.
type finding struct {
	Check   string  `json:"check"`
	Verdict verdict `json:"verdict"`
	Text    string  `json:"text"`
}

// Run checks everything that the configuration names.
func (k *checkCommand) Run(ctx context.Context, e *environment) error {
	if k.Health {
		return k.health(ctx, e)
	}
	c, err := e.load(own)
	if err != nil {
		return err
	}
	out, failed := e.screen(), 0
	for _, f := range findings(ctx, c) {
		if f.Verdict == fail {
			failed++
		}
		if err := f.print(out, k.JSON); err != nil {
			return err
		}
	}
	if failed == 0 {
		return nil
	}
	err = fmt.Errorf("check: %d of the checks failed", failed)
	if _, refused := newSources(c); refused != nil || tryJobs(c) != nil { // what serve calls wrong too
		return usageError{err}
	}
	return err
}

// findings are in the order of an event's way.
func findings(ctx context.Context, c *config.Config) []finding {
	running := probe(ctx, c, "/readyz")
	return apart(slices.Concat(
		checkFile(c), running.findings(c), checkSources(c), checkConsumers(c), checkSeal(c),
		checkData(c), checkBroker(ctx, c, running),
	))
}

// apart makes a finding of each line: joined errors are several things that are wrong.
func apart(all []finding) (found []finding) {
	for _, f := range all {
		for text := range strings.SplitSeq(f.Text, "\n") {
			found = append(found, finding{f.Check, f.Verdict, text})
		}
	}
	return found
}

func (f finding) print(out screen, json bool) error {
	if json {
		return out.json(f)
	}
	colors := map[verdict]color{ok: green, warn: yellow, fail: red}
	_, err := fmt.Fprintf(out, "%s %-16s %s\n",
		out.paint(colors[f.Verdict], fmt.Sprintf("%-4s", f.Verdict)), f.Check, printable(f.Text))
	return err
}

func checkFile(c *config.Config) []finding {
	text := c.File
	if text == "" {
		text = "none: development mode, loopback only"
	}
	found := []finding{{"file", ok, text}}
	for _, w := range c.Warnings {
		found = append(found, finding{"file", warn, w})
	}
	return found
}

// An instance is the forebay that runs with this configuration, if one does.
type instance struct {
	err   error // none answers
	state state
}

// probeTime is how long the admin listener may take.
const probeTime = 2 * time.Second

// probe asks the admin listener.
func probe(ctx context.Context, c *config.Config, path string) (i instance) {
	address, err := dialable(c.Admin)
	if err != nil {
		return instance{err: err}
	}
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+path, nil)
	if err != nil {
		return instance{err: err}
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return instance{err: err}
	}
	defer response.Body.Close()
	i.err = json.NewDecoder(response.Body).Decode(&i.state)
	return i
}

func (i instance) running() bool { return i.err == nil }

func (i instance) findings(c *config.Config) []finding {
	if !i.running() {
		return append([]finding{{"serve", ok, "not running"}}, checkListeners(c)...)
	}
	found := []finding{{"serve", ok, "running and ready"}}
	if !i.state.OK {
		found[0] = finding{"serve", fail, "running, and refuses deliveries"}
	}
	for _, p := range i.state.Problems {
		found = append(found, finding{"serve", warn, p})
	}
	return found
}

// checkListeners tries what serve would do.
func checkListeners(c *config.Config) (found []finding) {
	if _, err := secure(c.TLS); err != nil {
		found = append(found, finding{"tls", fail, err.Error()})
	}
	for _, l := range []struct{ key, address string }{{"listen", c.Listen}, {"admin", c.Admin}} {
		found = append(found, checkListener(l.key, l.address))
	}
	return found
}

func checkListener(key, address string) finding {
	listener, err := listen(address, key)
	if err == nil {
		err = listener.Close()
	}
	if err != nil {
		return finding{key, fail, err.Error()}
	}
	return finding{key, ok, address + " is free"}
}
