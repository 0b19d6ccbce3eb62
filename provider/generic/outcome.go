package generic

import (
	"slices"
	"strings"

	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/schema"
)

// outcomes say what the values of a member mean, the most telling first.
type outcomes []outcomeRule

// An outcomeRule is the outcome that values have which match a glob.
type outcomeRule struct {
	glob    string
	outcome schema.Outcome
}

func (o OutcomeOptions) outcomes() outcomes {
	var rules outcomes
	for _, list := range []struct {
		outcome schema.Outcome
		globs   []string
	}{{schema.Success, o.Success}, {schema.Failure, o.Failure}, {schema.Unknown, o.Unknown}} {
		for _, glob := range list.globs {
			rules = append(rules, outcomeRule{glob, list.outcome})
		}
	}
	slices.SortStableFunc(rules, func(a, b outcomeRule) int { return compareGlobs(a.glob, b.glob) })
	return rules
}

// of is the outcome of a value, empty where none is told: no pattern fits a value that is not there.
func (o outcomes) of(value string) schema.Outcome {
	for _, r := range o {
		if _, ok := provider.MatchGlob(r.glob, value); ok && (value != "" || !strings.Contains(r.glob, "*")) {
			return r.outcome
		}
	}
	return ""
}
