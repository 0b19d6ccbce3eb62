package main

import (
	"context"
	"fmt"
)

type consumersRemoveCommand struct {
	Name string `arg:"" help:"The name of its durable, as consumers prints it."`
	confirmation
}

// Help is shown by "forebay consumers remove --help".
func (*consumersRemoveCommand) Help() string {
	return "Where the durable stood in the stream is forgotten: one of that name that is declared later begins with the oldest event.\n" +
		"Its dead letters stay: see \"forebay dead drop --consumer NAME\"."
}

// Run deletes a durable that nobody declares and nobody works off.
func (r *consumersRemoveCommand) Run(ctx context.Context, e *environment) error {
	w, err := openOutside(ctx, e)
	if err != nil {
		return err
	}
	defer w.close()
	if w.config.Consumers.Has(r.Name) {
		return usageError{fmt.Errorf("consumers remove: the configuration names %s: take it out there, and reload", r.Name)}
	}
	durable, err := w.events.Find(ctx, w.js, r.Name)
	if err != nil {
		return err
	}
	info := durable.CachedInfo()
	if info.NumWaiting > 0 {
		return fmt.Errorf("consumers remove: a client or another forebay works off %s: end that first", r.Name)
	}
	left := info.NumPending + uint64(info.NumAckPending)
	if err := r.confirm(ctx, e, fmt.Sprintf("Delete durable %s, which has %d events before it?", r.Name, left)); err != nil {
		return err
	}
	if err := w.js.DeleteConsumer(ctx, w.events.Name, r.Name); err != nil {
		return fmt.Errorf("consumers remove %s: %w", r.Name, err)
	}
	_, err = fmt.Fprintf(e.screen(), "durable %s deleted; it had %d events before it\n", printable(r.Name), left)
	return err
}
