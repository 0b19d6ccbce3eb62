package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"
)

// A confirmation is the flag of commands that cannot be undone.
type confirmation struct {
	Yes bool `short:"y" help:"Do it without asking. Only on a terminal is there a question."`
}

// errUnsure is what a command ends with that was not to go on.
var errUnsure = errors.New("nothing was done: the answer was not yes")

// confirm asks whether to go on, if there is a terminal to ask on: whoever has a script do it has decided.
func (c confirmation) confirm(ctx context.Context, e *environment, question string) error {
	if c.Yes || !isTerminal(e.stdin) {
		return nil
	}
	fmt.Fprintf(e.stderr, "%s [y/N] ", question)
	answer := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(e.stdin).ReadString('\n')
		answer <- strings.ToLower(strings.TrimSpace(line))
	}()
	select {
	case text := <-answer:
		if text == "y" || text == "yes" {
			return nil
		}
	case <-ctx.Done():
		fmt.Fprintln(e.stderr)
	}
	return errUnsure
}
