package main

type showCommand struct{}

// Run is here soon.
func (*showCommand) Run(e *environment) error { return nil }
