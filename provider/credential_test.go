package provider_test

import (
	"testing"

	"github.com/forebayhq/forebay/provider"
)

func TestFindSecret(t *testing.T) {
	for got, want := range map[string]bool{"one": true, "two": true, "": false, "on": false, "one ": false, "onetwo": false} {
		if provider.FindSecret([]string{"one", "two", "one"}, got) != want {
			t.Errorf("%q: want %t", got, want)
		}
	}
	if provider.FindSecret(nil, "") {
		t.Error("no secret fits nothing")
	}
}
