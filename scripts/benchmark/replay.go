package main

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
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
		}{{"print", nil}, {"give", []string{"--consumer", "audit0"}}} {
			took, err := b.replayOnce(ctx, append(how.args, "--to-seq", fmt.Sprint(count)))
			if err != nil {
				return err
			}
			v.add(how.name, "rate", float64(count)/took.Seconds())
		}
	}
	b.note("replay", count, b.base(), v)
	return nil
}

func (b *benchmark) replayOnce(ctx context.Context, args []string) (time.Duration, error) {
	config := filepath.Join(b.dir, ours, "forebay.yaml")
	command := exec.CommandContext(ctx, b.Forebay, append([]string{"replay", "--json", "--config", config}, args...)...)
	command.Stdout, command.Stderr = io.Discard, b.say
	begun := time.Now()
	if err := command.Run(); err != nil {
		return 0, fmt.Errorf("forebay replay: %w", err)
	}
	return time.Since(begun), nil
}
