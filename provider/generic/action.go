package generic

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/schema"
)

// same is the action of a native action that is one of ours already.
const same = "same"

// A rule maps native actions that match a glob. In a glob * stands for any run of characters.
type rule struct {
	glob   string
	when   *condition
	action string // an action, same, or an action with * for what the one * of the glob stood for
}

// actions are rules, the most telling first.
type actions struct {
	rules []rule
	known map[schema.Action]bool
}

func newActions(configured map[string]string) (actions, error) {
	a := actions{known: make(map[schema.Action]bool)}
	for _, info := range schema.Actions() {
		a.known[info.Action] = true
	}
	for _, key := range slices.Sorted(maps.Keys(configured)) {
		glob, when, err := cutCondition(key)
		r := rule{glob, when, configured[key]}
		if err == nil {
			err = a.check(r)
		}
		if err != nil {
			return a, fmt.Errorf("actions: %q: %w", key, err)
		}
		a.rules = append(a.rules, r)
	}
	slices.SortStableFunc(a.rules, compareRules)
	return a, nil
}

// compareRules puts exact names before globs, longer ones before shorter ones, and those with a condition before those
// without.
func compareRules(a, b rule) int {
	return cmp.Or(compareGlobs(a.glob, b.glob), -cmp.Compare(boolInt(a.when != nil), boolInt(b.when != nil)))
}

func compareGlobs(a, b string) int {
	return cmp.Or(
		cmp.Compare(min(strings.Count(a, "*"), 1), min(strings.Count(b, "*"), 1)), cmp.Compare(literals(b), literals(a)),
	)
}

func literals(glob string) int { return len(glob) - strings.Count(glob, "*") }

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (a actions) check(r rule) error {
	switch {
	case r.glob == "":
		return errors.New("no native action")
	case r.action == same:
		return nil
	case strings.Contains(r.action, "*"):
		if strings.Count(r.glob, "*") != 1 || strings.Count(r.action, "*") != 1 {
			return errors.New("a * in an action stands for the one * of the native action")
		}
		return nil
	case !a.allowed(schema.Action(r.action)):
		return fmt.Errorf("%q is no action: see forebay schema", r.action)
	}
	return nil
}

// allowed reports whether an action may be published: one of the catalogue, or other.<name>.
func (a actions) allowed(action schema.Action) bool {
	return a.known[action] || action.Valid() && action.Category() == schema.CategoryOther
}

// of gives the action of a native action: that of the first rule that fits and whose action there is, else other.
func (a actions) of(native string, d document) schema.Action {
	for _, r := range a.rules {
		captured, ok := provider.MatchGlob(r.glob, native)
		if !ok || !r.when.holds(d) {
			continue
		}
		if action := r.give(native, captured); a.allowed(action) {
			return action
		}
	}
	return schema.Other(native)
}

func (r rule) give(native, captured string) schema.Action {
	if r.action == same {
		return schema.Action(native)
	}
	return schema.Action(strings.Replace(r.action, "*", captured, 1))
}
