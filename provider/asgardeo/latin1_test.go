package asgardeo_test

import (
	"testing"

	"github.com/forebayhq/forebay/provider/asgardeo"
)

// A body is only read as ISO-8859-1 where that makes the signature fit. One that was signed as it came is not UTF-8, and
// so unreadable.
func TestSignedAsItCame(t *testing.T) {
	p := newProvider(t, asgardeo.Options{Mode: asgardeo.Direct}, "test-secret")
	r := delivery(t, p, []byte(`{"jti":"1","events":{"urn:x":{"name":"Zo`+"\xeb"+`"}}}`))
	if err := p.Verify(r); err != nil {
		t.Errorf("Verify: %v", err)
	}
	if events, err := p.Decode(r); err == nil {
		t.Errorf("Decode: %+v, want an error", events)
	}
}
