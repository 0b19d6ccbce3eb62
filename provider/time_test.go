package provider_test

import (
	"testing"
	"time"

	"github.com/forebayhq/forebay/provider"
)

func TestParseTime(t *testing.T) {
	for text, want := range map[string]string{
		"2025-10-09T08:53:20Z":                "2025-10-09T08:53:20Z",
		"2025-10-09T08:53:20.123456789+01:00": "2025-10-09T07:53:20.123456789Z",
		"2025-10-09T08:53:20.000+0000":        "2025-10-09T08:53:20Z",
		"2025-10-09T08:53:20-02":              "2025-10-09T10:53:20Z",
		"2025-10-09T08:53Z":                   "2025-10-09T08:53:00Z",
		"2025-10-09T08:53+0100":               "2025-10-09T07:53:00Z",
		"9999-12-31T23:59:59Z":                "9999-12-31T23:59:59Z",
		"9999-12-31T23:59:59-01:00":           "",
		"0000-01-01T00:00:00+01:00":           "",
		"2025-10-09T08:53:20":                 "", // whose time?
		"2025-10-09":                          "",
		"1760000000":                          "",
		"":                                    "",
	} {
		got, ok := provider.ParseTime(text)
		if ok != (want != "") || ok && got.Format(time.RFC3339Nano) != want {
			t.Errorf("%s: got %s, %t; want %s", text, got, ok, want)
		}
	}
}
