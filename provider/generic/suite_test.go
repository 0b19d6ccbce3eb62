package generic_test

import (
	_ "embed"
	"testing"

	"github.com/forebayhq/forebay/provider/generic"
	"github.com/forebayhq/forebay/provider/providertest"
)

// suiteSchema says what a body must be like where the native action stands at /type.
//
//go:embed testdata/type.schema.json
var suiteSchema []byte

const suiteConfig = `
secrets: [forebay-example-secret]
path: /webhooks/acme
options:
  verify: {hmac: {headers: [X-Acme-Signature], form: kv, time_unit: s, signed: "{t}.{body}"}}
  id: /id
  type: /type
  time: /time
  subject: /user/id
  tenant: /org
  members: {user.email: /user/email, user.email_verified: /user/verified, client.ip: /ip}
  actions: {user.*: same, signed_in: login.succeeded, "*_failed": login.failed}
`

func TestProvider(t *testing.T) {
	providertest.Run(t, providertest.Suite{New: generic.New, Schema: suiteSchema, Config: suiteConfig})
}
