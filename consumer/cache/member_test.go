package cache_test

import (
	"strings"
	"testing"

	"github.com/forebayhq/forebay/consumer"
	"github.com/forebayhq/forebay/consumer/cache"
	"github.com/forebayhq/forebay/consumer/consumertest"
)

// A misspelt member would never yield a key, and nobody would know: it is found wherever the type of the event says so.
func TestMisspeltMembers(t *testing.T) {
	for template, want := range map[string]string{
		"user:{{.user.idd}}":                                      "user.idd",
		"user:{{$.user.idd}}":                                     "user.idd",
		`user:{{printf "%s" .user.idd}}`:                          "user.idd",
		`user:{{printf "%s" (.user.idd)}}`:                        "user.idd",
		"{{with .user}}user:{{.idd}}{{end}}":                      "idd",
		"{{range .sessions}}s:{{.idd}}{{end}}":                    "idd",
		"{{if .user.idd}}user:{{.user.id}}{{end}}":                "user.idd",
		"user:{{.user.address.town}}":                             "user.address.town",
		"user:{{.user.id.x}}":                                     "user.id.x",
		"user:{{.time.year}}":                                     "time.year",
		"s:{{.sessions.id}}":                                      "sessions.id",
		"user:{{.user.id}}":                                       "",
		"user:{{.user.address.locality}}{{.user.custom.x}}":       "",
		"user:{{.payload.whatever.it.is}}":                        "",
		"t:{{.token.value}}":                                      "",
		"{{with .user}}{{with $.session}}s:{{.id}}{{end}}{{end}}": "",
		"{{range .members}}user:{{.id}}@{{$.source}}\n{{end}}":    "",
		`{{define "x"}}{{.any.thing}}{{end}}u:{{template "x" .}}`: "",
	} {
		_, err := cache.New(consumer.JobConfig{Consumer: "cache", Options: consumertest.YAML(
			"url: redis://127.0.0.1:1\nkeys: {user.*: ['" + strings.ReplaceAll(template, "\n", "") + "']}")})
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), `no member "`+want+`"`) {
			t.Errorf("%s: got %v, want %q", template, err, want)
		}
	}
}
