package main

import "runtime"

// forTheDisk is how many of the scheduler's processors may be waiting for the disk: with the journal's flush, and with
// what the stream writes.
const forTheDisk = 2

// spareProcessors gives the scheduler processors for those that wait for the disk. A system call holds one until the
// scheduler takes it back, which it does only after a while; on a machine with two, every flush would leave one idle.
// GOMAXPROCS in the environment has its way.
func spareProcessors(getenv func(string) string) {
	if getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + forTheDisk)
	}
}
