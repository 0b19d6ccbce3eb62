//go:build unsafe_proof

package journal

import (
	"os"

	"github.com/cockroachdb/pebble/v2"
)

// flushed takes the flush away when FOREBAY_UNSAFE_PROOF is flush: scripts/prove has to find out. No other program is
// built with the tag unsafe_proof.
func flushed() *pebble.WriteOptions {
	if os.Getenv("FOREBAY_UNSAFE_PROOF") == "flush" {
		return pebble.NoSync
	}
	return pebble.Sync
}
