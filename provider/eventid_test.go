package provider_test

import (
	"strings"
	"testing"

	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/schema"
)

func TestEventID(t *testing.T) {
	const hashOfAB = "fb8e20fc2e4c3f248c60c39bd652f3c1347298bb977b8b4d5903b85055620603"
	long := strings.Repeat("j", schema.MaxID)
	for id, want := range map[string]string{
		"": hashOfAB, "evt_1": "evt_1", "\u00fc": "\u00fc", long: long,
		long + "j": "ef231b89b2393c195b72bb1ca8eec9922bd99e282a4074b20c27b886c93e162e",
		"\xfc":     "98722e2ebed8ed3d3652e11e4181f0dccc1ce7d192d8f1db370af8ec4a4e174a",
	} {
		if got := provider.EventID(id, []byte("ab")); got != want {
			t.Errorf("%.10q: got %s, want %s", id, got, want)
		}
	}
}
