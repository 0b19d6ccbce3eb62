package main

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/forebayhq/forebay/consumer/cache"
	"github.com/forebayhq/forebay/consumer/command"
	"github.com/forebayhq/forebay/consumer/otp"
	"github.com/forebayhq/forebay/consumer/usersync"
	"github.com/forebayhq/forebay/consumer/webhook"
)

// Every option of every job is in the first column of the table of its job in docs/jobs.md, and nothing else is.
func TestOptionsOfJobsAreDocumented(t *testing.T) {
	page := readFile(t, "../../docs/jobs.md")
	options := map[string]any{
		"cache": cache.Options{}, "command": command.Options{}, "otp": otp.Options{}, "usersync": usersync.Options{},
		"webhook": webhook.Options{},
	}
	for _, name := range jobNames() {
		documented := optionTable(page, name)
		made := optionKeys("", reflect.TypeOf(options[name]))
		for _, key := range made {
			if !slices.Contains(documented, key) {
				t.Errorf("%s: option %s is not documented", name, key)
			}
		}
		for _, key := range documented {
			if !slices.Contains(made, key) {
				t.Errorf("%s: there is no option %s", name, key)
			}
		}
	}
}

// optionKeys are those of a struct of options, and of the structs in it: "smtp.host". A table by channel stands for all of
// its kind under the channel sms.
func optionKeys(prefix string, t reflect.Type) (keys []string) {
	for field := range t.Fields() {
		key, inner := prefix+field.Tag.Get("yaml"), field.Type
		switch {
		case inner.Kind() == reflect.Pointer:
			inner = inner.Elem()
		case inner.Kind() == reflect.Map && inner.Elem().Kind() == reflect.Struct:
			keys = append(keys, key)
			key, inner = key+".sms", inner.Elem()
		}
		if inner.Kind() != reflect.Struct {
			keys = append(keys, key)
			continue
		}
		keys = append(keys, optionKeys(key+".", inner)...)
	}
	return keys
}

var code = regexp.MustCompile("`([a-z0-9_.]+)`")

// optionTable are the options that the section of a job names in tables that begin with "option". For a group, such as
// tls, its row names the members too.
func optionTable(page, job string) (keys []string) {
	_, section, _ := strings.Cut(page, "\n## "+job+"\n")
	section, _, _ = strings.Cut(section, "\n## ")
	_, table, _ := strings.Cut(section, "| option | is |\n| --- | --- |\n")
	table, _, _ = strings.Cut(table, "\n\n")
	for line := range strings.Lines(table) {
		columns := strings.SplitN(line, " | ", 2)
		if columns[0] == "| `tls`" {
			columns[0] = strings.ReplaceAll(columns[0]+columns[1], "`tls`", "")
		}
		for _, m := range code.FindAllStringSubmatch(columns[0], -1) {
			keys = append(keys, m[1])
		}
	}
	return keys
}
