package main

type sendCommand struct{}

// Run is here soon.
func (*sendCommand) Run(e *environment) error { return nil }
