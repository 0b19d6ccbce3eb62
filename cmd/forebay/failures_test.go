package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/forebayhq/forebay/broker/brokertest"
)

// While an event is still being retried, consumers says why. Without a running forebay it leaves that out.
func TestLastErrorWhileRetrying(t *testing.T) {
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "a word of the receiver's own", http.StatusInternalServerError)
	}))
	t.Cleanup(hook.Close)
	host := strings.TrimPrefix(hook.URL, "http://")
	d := newDaemon(t, externalYAML(brokertest.Start(t).URL, "off")+"consumers:\n  audit: {}\n"+
		"  crm: {run: webhook, webhook: {unsigned: true, url: "+hook.URL+"/secret-path}, retry: [10ms, 1h]}\n")
	d.run(t)
	d.forebay(t, "send", "mgpass", "user.created")
	var row consumerRow
	check(t, poll(func() (err error) {
		if row, err = d.status(t, "crm"); err == nil && (row.LastError == "" || row.InFlight == 0) {
			err = fmt.Errorf("no failed attempt yet: %+v", row)
		}
		return err
	}))
	if want := "post to " + host + ": status 500"; row.LastError != want || row.Dead != 0 ||
		time.Since(row.LastFailure) > time.Minute || time.Since(row.LastFailure) < 0 {
		t.Errorf("%+v, want last_error %q", row, want)
	}
	table := d.forebay(t, "consumers")
	check(t, matches(table, `(?m)^audit .* 0 *$`))
	check(t, matches(table, `(?m)^crm .* 0 +[0-9:.]{12} post to `+host+`: status 500$`))
	_, page := httpGet(t, "http://"+d.admin+failuresPath)
	check(t, matches(page, `^\[\{"consumer":"crm","reason":"post to [^"]+: status 500","time":"[^"]+","seq":1,"attempt":[12]\}\]$`))
	check(t, d.stop())
	if row, err := d.status(t, "crm"); err != nil || row.LastError != "" || row.InFlight != 1 {
		t.Errorf("without a running forebay: %+v %v", row, err)
	}
}

func TestShorten(t *testing.T) {
	long := strings.Repeat("ä", errorWidth)
	for _, c := range []struct{ text, want string }{
		{"", ""}, {long, long}, {long + "x", strings.Repeat("ä", errorWidth-1) + "…"},
	} {
		if got := shorten(c.text); got != c.want {
			t.Errorf("%q becomes %q", c.text, got)
		}
	}
}
