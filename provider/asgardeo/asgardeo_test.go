package asgardeo_test

import (
	_ "embed"
	"testing"

	"github.com/forebayhq/forebay/provider/asgardeo"
	"github.com/forebayhq/forebay/provider/providertest"
)

//go:embed schema.json
var bodySchema []byte

func TestProvider(t *testing.T) {
	providertest.Run(t, providertest.Suite{
		New:    asgardeo.New,
		Schema: bodySchema,
		Config: "secrets: [asgardeo-test-secret with blanks]\npath: /webhooks/asgardeo",
	})
}
