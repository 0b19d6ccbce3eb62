package main

import "context"

type fullDiskCommand struct{}

func (c fullDiskCommand) Run(ctx context.Context, p *prover) error {
	return p.prove(ctx, "full-disk", c.prove)
}

func (c fullDiskCommand) prove(ctx context.Context, p *prover, sum *tally) error {
	return cannotf("not written yet")
}
