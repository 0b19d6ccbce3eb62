package main

import (
	"errors"
	"reflect"
	"slices"
	"strings"

	"github.com/forebayhq/forebay/broker"
	"github.com/forebayhq/forebay/config"
	"github.com/forebayhq/forebay/ingress"
)

// reloaded are the keys that SIGHUP reads again.
var reloaded = []string{"sources", "limits", "lanes", "consumers"}

// reload reads the configuration again and swaps in what may change. A bad file changes nothing and says why.
func reload(e *environment, running *config.Config, b *broker.Broker, in *ingress.Ingress, s store, out *wayOut) {
	c, err := e.config()
	if err != nil {
		e.log.Error("reload refused: nothing has changed", "err", err)
		return
	}
	if c.Data == running.Data { // in another folder the key is another one, and a restart makes it
		err = c.EnsureSealKey()
	}
	later := needRestart(running, c)
	c.Journal = running.Journal // what its keys say holds together
	sources, refused := newSources(c)
	if err = errors.Join(err, refused, tryJobs(c)); err == nil {
		err = in.Reload(sources, limits(c, b))
	}
	if err != nil {
		e.log.Error("reload refused: nothing has changed", "err", err)
		return
	}
	s.configure(c)
	c.Stream, c.Data = running.Stream, running.Data // where the events are, and the key that opens what is sealed
	out.configure(c)
	e.log.Info("configuration reloaded", "sources", len(sources))
	for _, key := range later {
		e.log.Warn("this key changes with a restart", "key", key)
	}
}

// needRestart lists the keys that differ and are not reloaded.
func needRestart(old, now *config.Config) (keys []string) {
	a, b := reflect.ValueOf(*old), reflect.ValueOf(*now)
	for i := range a.NumField() {
		key, _, _ := strings.Cut(a.Type().Field(i).Tag.Get("yaml"), ",")
		if key == "" || key == "-" || slices.Contains(reloaded, key) {
			continue
		}
		if !reflect.DeepEqual(a.Field(i).Interface(), b.Field(i).Interface()) {
			keys = append(keys, key)
		}
	}
	return keys
}
