package mgpass_test

import (
	_ "embed"
	"testing"

	"github.com/forebayhq/forebay/provider/mgpass"
	"github.com/forebayhq/forebay/provider/providertest"
)

//go:embed schema.json
var bodySchema []byte

func TestProvider(t *testing.T) {
	providertest.Run(t, providertest.Suite{
		New:    mgpass.New,
		Schema: bodySchema,
		Config: "secrets: [whsec_mgpass_test_7f3a9c1e5b2d4860]\npath: /webhooks/mgpass",
	})
}
