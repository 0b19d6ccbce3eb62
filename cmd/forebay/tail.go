package main

type tailCommand struct{}

// Run is here soon.
func (*tailCommand) Run(e *environment) error { return nil }
