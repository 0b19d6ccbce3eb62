package consumer

import (
	"slices"
	"strings"

	"github.com/forebayhq/forebay/schema"
)

// ValidPattern reports whether s chooses actions: "otp.requested", "user.*" or "*".
func ValidPattern(s string) bool {
	if s == "*" {
		return true
	}
	if category, ok := strings.CutSuffix(s, ".*"); ok {
		s = category + ".any"
	}
	return schema.Action(s).Valid()
}

// Matches reports whether a pattern chooses an action.
func Matches(pattern string, a schema.Action) bool {
	return pattern == "*" || pattern == string(a) || pattern == a.Category()+".*"
}

// Filters are the subjects of the durable: the events, and the copies that are for it alone. The server refuses filters
// that overlap, so a pattern that another covers is left out.
func (c Config) Filters() []string {
	return append(subjects(c.Stream.Prefix, "*", c.Actions), c.Stream.redrive(c.Name, ">"))
}

// subjects are those of the events of a source ("*": any) whose action one of the patterns chooses.
func subjects(prefix, source string, patterns []string) []string {
	var all []string
	for _, pattern := range reduce(patterns) {
		if pattern == "*" {
			pattern = "*.*"
		}
		all = append(all, prefix+"."+source+"."+pattern)
	}
	return all
}

// reduce leaves out what another pattern covers, and sorts.
func reduce(patterns []string) []string {
	if len(patterns) == 0 || slices.Contains(patterns, "*") {
		return []string{"*"}
	}
	kept := slices.DeleteFunc(slices.Clone(patterns), func(p string) bool {
		category := schema.Action(p).Category() + ".*"
		return p != category && slices.Contains(patterns, category)
	})
	slices.Sort(kept)
	return slices.Compact(kept)
}
