package forebay_test

import (
	"regexp"
	"slices"
	"testing"
)

// docs/observability.md lists every metric of the code, and no other.
func TestObservabilityListsEveryMetric(t *testing.T) {
	metric := regexp.MustCompile(`"(forebay_[a-z_]+)"`)
	var want []string
	for _, f := range goFiles(t) {
		if f.test {
			continue
		}
		for _, m := range metric.FindAllStringSubmatch(read(t, f.path), -1) {
			want = append(want, m[1])
		}
	}
	var got []string
	for _, row := range tableRows(read(t, "docs/observability.md"), func(header []string) bool { return header[0] == "metric" }) {
		got = append(got, unquote(row[0]))
	}
	slices.Sort(want)
	slices.Sort(got)
	if want = slices.Compact(want); !slices.Equal(got, want) {
		t.Errorf("the page lists\n\t%q\nbut the code has\n\t%q", got, want)
	}
}
