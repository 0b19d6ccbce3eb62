package broker

import (
	"testing"
	"time"

	"github.com/forebayhq/forebay/broker/brokertest"
)

func TestCheckVersion(t *testing.T) {
	for _, version := range []string{"2.11.0", "2.15.2", "v2.12.1", "2.11.0-preview.1", "2.100.0", "3.0.0", "built here", ""} {
		if err := checkVersion(version); err != nil {
			t.Errorf("version %q: %v", version, err)
		}
	}
	for _, version := range []string{"2.10.29", "v2.9.0", "1.4.1", "2.10.0-RC.1", "0.99.9"} {
		wantError(t, checkVersion(version), version+" is too old", "2.11 or later")
	}
}

// accounts has JetStream for one account, and users whose rights end somewhere.
const accounts = `
accounts {
  WITH: {
    jetstream: enabled
    users: [
      {user: full, password: secret},
      {user: blind, password: secret, permissions: {publish: {deny: "$JS.API.INFO"}}},
      {user: deaf, password: secret, permissions: {subscribe: {deny: "_INBOX.>"}}},
      {user: reader, password: secret, permissions: {publish: {deny: ["$JS.API.STREAM.CREATE.>", "$JS.API.STREAM.UPDATE.>"]}}},
      {user: narrow, password: secret, permissions: {publish: {deny: ["$JS.API.STREAM.NAMES"]}}},
    ]
  }
  WITHOUT: {users: [{user: none, password: secret}]}
  SMALL: {
    jetstream: {max_file: 1M, max_mem: 1M, max_streams: 1}
    users: [{user: small, password: secret}]
  }
}`

func TestCheckTellsTheReason(t *testing.T) {
	s := brokertest.Start(t, brokertest.Options{Config: accounts})
	for user, words := range map[string][]string{
		"full":  nil,
		"none":  {"check nats://", "not enabled for this account"},
		"blind": {"read the JetStream account", "lacks the right", "$JS.API.INFO"},
		"deaf":  {"lacks the right", "_INBOX"},
	} {
		t.Run(user, func(t *testing.T) {
			began := time.Now()
			err := start(t, Config{URL: s.URL, User: user, Password: "secret"}).Check(t.Context())
			if words != nil {
				wantError(t, err, words...)
			} else if err != nil {
				t.Error(err)
			}
			if took := time.Since(began); took > checkTime/2 {
				t.Errorf("the answer took %v", took)
			}
		})
	}
}

func TestCheckWithoutJetStream(t *testing.T) {
	s := brokertest.Start(t, brokertest.Options{NoJetStream: true})
	wantError(t, start(t, Config{URL: s.URL}).Check(t.Context()), "JetStream is off at the NATS server", "turn it on")
}
