package brokertest_test

import (
	"testing"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"

	"github.com/forebayhq/forebay/broker/brokertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// publish stores one message in stream S, made when it is missing, and returns how many S then holds.
func publish(t *testing.T, js jetstream.JetStream) uint64 {
	t.Helper()
	stream, err := js.CreateOrUpdateStream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s.>"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(t.Context(), "s.a", []byte("hello")); err != nil {
		t.Fatal(err)
	}
	info, err := stream.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return info.State.Msgs
}

func TestRestartKeepsPortAndMessages(t *testing.T) {
	s := brokertest.Start(t)
	url := s.URL
	publish(t, s.JetStream(t))
	s.Stop()
	s.Stop()
	s.Start()
	if s.URL != url {
		t.Errorf("URL after the restart: got %s, want %s", s.URL, url)
	}
	if got := publish(t, s.JetStream(t)); got != 2 {
		t.Errorf("messages after the restart: got %d, want 2", got)
	}
}

func TestReplaceForgets(t *testing.T) {
	s := brokertest.Start(t)
	url, store := s.URL, s.Store
	publish(t, s.JetStream(t))
	s.Replace()
	if s.URL != url || s.Store == store {
		t.Errorf("after Replace: URL %s (want %s), store %s (want another one)", s.URL, url, s.Store)
	}
	if got := publish(t, s.JetStream(t)); got != 1 {
		t.Errorf("messages after Replace: got %d, want 1", got)
	}
}

func TestOptions(t *testing.T) {
	for name, o := range map[string]brokertest.Options{
		"sync always": {SyncAlways: true},
		"user":        {User: "ann", Password: "secret"},
		"token":       {Token: "secret"},
		"payload":     {MaxPayload: 2048},
		"config":      {Config: `max_payload: 2048`},
	} {
		t.Run(name, func(t *testing.T) {
			s := brokertest.Start(t, o)
			if got := publish(t, s.JetStream(t)); got != 1 {
				t.Errorf("messages: got %d, want 1", got)
			}
			if got := s.Conn(t).MaxPayload(); (name == "payload" || name == "config") && got != 2048 {
				t.Errorf("max_payload: got %d, want 2048", got)
			}
		})
	}
}
