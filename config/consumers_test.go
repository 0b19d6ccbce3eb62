package config

import (
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/forebayhq/forebay/consumer"
)

func TestConsumers(t *testing.T) {
	c := load(t, write(t, source+`
consumers:
  otp:
    actions: [otp.requested, user.*]
    retry: [500ms, 2s]
    max_attempts: 3
    max_age: 10m
    ordered_by: user
    parallel: 5000
    timeout: 5s
    run: otp
    otp: {keys: codes.json, length: 8}
  audit: {}
`))
	if len(c.Consumers) != 2 || len(c.Warnings) > 0 {
		t.Fatalf("got %+v, warnings %q", c.Consumers, c.Warnings)
	}
	got := c.Consumers[0].Config()
	want := consumer.Config{
		Name: "otp", Actions: []string{"otp.requested", "user.*"}, Retry: []time.Duration{500 * time.Millisecond, 2 * time.Second},
		MaxAttempts: 3, MaxAge: 10 * time.Minute, OrderedBy: consumer.OrderedByUser, Parallel: 5000, Pending: 5000,
		Timeout: 5 * time.Second,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	type Path string // of a job, which may not import this package
	var o struct {
		Keys   Path `yaml:"keys"`
		Length int  `yaml:"length"`
	}
	if err := c.Consumers[0].Options(&o); err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(filepath.Dir(c.File), "codes.json"); string(o.Keys) != want || o.Length != 8 {
		t.Errorf("got options %+v, want %s and 8", o, want)
	}
	if audit := c.Consumers[1]; audit.Run != "" || audit.Options != nil || !strings.HasSuffix(audit.Where, ":14: consumers.audit") {
		t.Errorf("got %+v", audit)
	}
}

// The defaults that the manual promises are those of package consumer: one that says nothing is accepted there.
func TestConsumerDefaultsAreSound(t *testing.T) {
	c := consumerDefaults()
	c.Name = "audit"
	if err := c.Config().Check(); err != nil {
		t.Error(err)
	}
}

func TestJobOptionsAreStrict(t *testing.T) {
	c := load(t, write(t, source+"consumers:\n  otp: {run: otp, otp: {sender: a}}\n"))
	var o struct {
		From string `yaml:"from"`
	}
	err := c.Consumers[0].Options(&o)
	if err == nil || !strings.HasSuffix(err.Error(), "forebay.yaml:3: consumers.otp.otp.sender: unknown key; known here: from") {
		t.Errorf("got %v", err)
	}
}

func TestBadConsumers(t *testing.T) {
	const keys = "actions, max_age, max_attempts, ordered_by, parallel, retry, run, timeout"
	for _, test := range []struct{ text, want string }{
		{"a b: {}", `consumers.a b: want a name of 1 to 64 letters, digits, _ and -`},
		{"a: {run: mail}", `consumers.a.run: unknown job "mail"; known: otp, webhook`},
		{"a: {otp: {}}", `consumers.a.otp: unknown key; known here: ` + keys + `, and the name of the job for its own options`},
		{"a: {run: otp, cache: {}}", `consumers.a.cache: unknown key; known here: ` + keys + `, and the name of the job for its own options`},
		{"a: {actions: [otp]}", `consumers.a.actions: "otp" is no action, category.* or *`},
		{"a: {actions: []}", `consumers.a.actions: is an empty list: leave the key out for the default`},
		{"a: {retry: []}", `consumers.a.retry: is an empty list: leave the key out for the default`},
		{"a: {retry: [1ms]}", `consumers.a.retry: a step is shorter than 10ms`},
		{"a: {max_attempts: 0}", `consumers.a.max_attempts: want more than zero`},
		{"a: {parallel: -1}", `consumers.a.parallel: want more than zero`},
		{"a: {timeout: 0s}", `consumers.a.timeout: want more than zero`},
		{"a: {max_age: 1d}", `consumers.a.max_age: want a duration such as 90s, 15m or 96h`},
		{"a: {ordered_by: source}", `consumers.a.ordered_by: ordered_by is not "user"`},
	} {
		path := write(t, source+"consumers:\n  "+test.text+"\n")
		_, err := Load(path, Options{Getenv: environment(nil), Providers: providers, Jobs: jobs})
		if want := path + ":3: " + test.want; err == nil || err.Error() != want {
			t.Errorf("%s\n\tgot  %v\n\twant %s", test.text, err, want)
		}
	}
}
