//go:build !unsafe_proof

package journal

import "github.com/cockroachdb/pebble/v2"

// flushed is how records are committed: they are on the disk before anybody is told.
func flushed() *pebble.WriteOptions { return pebble.Sync }
