package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// replay measures the row of that name: "forebay replay" gives a whole stream to a consumer, and prints it.
func (b *benchmark) replay(ctx context.Context) error {
	broker, err := b.startNATS(ctx, "nats")
	if err != nil {
		return err
	}
	count := b.Backlog / consumeShare
	if err := b.fillStream(ctx, broker, count); err != nil {
		return err
	}
	v := values{}
	for n := range b.Rounds {
		fmt.Fprintf(b.say, "  round %d of %d: printed, then given to a consumer\n", n+1, b.Rounds)
		for _, how := range []struct {
			name string
			args []string
		}{{"print", nil}, {"give", []string{"--consumer", "audit0", "--action", "*"}}} {
			t := &tally{}
			took, err := b.replayOnce(ctx, append(how.args, "--to-seq", fmt.Sprint(count)), t)
			if err == nil && t.events() != count {
				err = fmt.Errorf("forebay replay %s: %d events of %d", strings.Join(how.args, " "), t.events(), count)
			}
			if err != nil {
				return err
			}
			v.add(how.name, "rate", float64(count)/took.Seconds())
		}
	}
	b.note("replay", count, b.base(), v)
	return nil
}

func (b *benchmark) replayOnce(ctx context.Context, args []string, output io.Writer) (time.Duration, error) {
	config := filepath.Join(b.dir, ours, "forebay.yaml")
	command := exec.CommandContext(ctx, b.Forebay, append([]string{"replay", "--json", "--config", config}, args...)...)
	command.Stdout, command.Stderr = output, b.say
	begun := time.Now()
	if err := command.Run(); err != nil {
		return 0, fmt.Errorf("forebay replay: %w", err)
	}
	return time.Since(begun), nil
}

// A tally reads what "forebay replay --json" writes: a line for each event, or one that says how many were given.
type tally struct {
	lines int
	text  []byte // of the last write
}

func (t *tally) Write(p []byte) (int, error) {
	t.lines += bytes.Count(p, []byte("\n"))
	t.text = append(t.text[:0], p...)
	return len(p), nil
}

func (t *tally) events() int {
	var told struct{ Given *int }
	if t.lines == 1 && json.Unmarshal(t.text, &told) == nil && told.Given != nil {
		return *told.Given
	}
	return t.lines
}
