package config

import (
	"strings"
	"testing"
)

// What is asked of a job does nothing where there is none, and somebody should know.
func TestSettingsOfAJobWithoutOne(t *testing.T) {
	c := load(t, write(t, source+`consumers:
  audit: {max_age: 10m, ordered_by: user, parallel: 1, timeout: 5s, retry: [1s], max_attempts: 3}
  plain: {max_age: 0s, parallel: 16, timeout: 30s}
  otp: {max_age: 10m, ordered_by: user, parallel: 1, timeout: 5s, run: otp}
`))
	if len(c.Warnings) != 4 {
		t.Errorf("%d warnings, want 4: %q", len(c.Warnings), c.Warnings)
	}
	for i, name := range []string{"max_age", "ordered_by", "parallel", "timeout"} {
		if want := ":3: consumers.audit." + name + ": does nothing without run"; i >= len(c.Warnings) || !strings.Contains(c.Warnings[i], want) {
			t.Errorf("warnings %q, want %q", c.Warnings, want)
		}
	}
}
