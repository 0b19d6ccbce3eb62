package main

import "context"

type powerCutCommand struct{}

func (c powerCutCommand) Run(ctx context.Context, p *prover) error {
	return p.prove(ctx, "power-cut", c.prove)
}

func (c powerCutCommand) prove(ctx context.Context, p *prover, sum *tally) error {
	return cannotf("not written yet")
}
