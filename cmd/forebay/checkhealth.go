package main

import (
	"context"
	"fmt"
	"strings"
)

// health asks /healthz of the admin listener: an image without a shell has nothing else to ask with. It fails where
// none answers, and where only a restart helps the one that does.
func (k *checkCommand) health(ctx context.Context, e *environment) error {
	c, err := e.load(unread)
	if err != nil {
		return err
	}
	running := probe(ctx, c, "/healthz")
	if !running.running() {
		return fmt.Errorf("check: no answer from admin at %s: %w", c.Admin, running.err)
	}
	if !running.state.OK {
		return fmt.Errorf("check: not healthy: %s", strings.Join(running.state.Problems, "; "))
	}
	f := finding{"health", ok, "healthy"}
	return f.print(e.screen(), k.JSON)
}
