package ingress

import (
	"context"

	"github.com/forebayhq/forebay/schema"
)

// A Store keeps the messages of one delivery, all or none, and returns once they are safe. Messages whose ID it has
// seen inside the dedupe horizon are left out and count as duplicates.
type Store interface {
	Store(context.Context, []schema.Message) (schema.Receipt, error)
}
