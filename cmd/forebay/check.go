package main

type checkCommand struct{}

// Run is here soon.
func (*checkCommand) Run(e *environment) error { return nil }
