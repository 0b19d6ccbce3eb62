package consumer

import (
	"errors"
	"strings"
	"time"
)

// A Stream says where the events are, and which streams beside it hold what became of them.
type Stream struct {
	Name   string // "IDENTITY"
	Prefix string // of the subjects: "identity"

	// What follows is for the streams that DeadLetters makes: <Name>_ADVISORY and <Name>_DEAD.
	Replicas int           // 0: 1
	MaxAge   time.Duration // of dead letters; 0: no limit
	MaxBytes int64         // of dead letters; 0: no limit
}

// Advisory is the name of the stream in which the server's advisories wait: "IDENTITY_ADVISORY".
func (s Stream) Advisory() string { return s.Name + "_ADVISORY" }

// Dead is the name of the stream of dead letters: "IDENTITY_DEAD".
func (s Stream) Dead() string { return s.Name + "_DEAD" }

// runs is the KV bucket that keeps how far replays came.
func (s Stream) runs() string { return s.Name + "_REPLAY" }

// redrive is where copies for one consumer are published: "identity-redrive.otp.ssofy.otp.requested".
func (s Stream) redrive(consumer, event string) string {
	return s.Prefix + "-redrive." + consumer + "." + event
}

// dead is where dead letters of one consumer lie: "identity-dead.otp.ssofy.otp.requested".
func (s Stream) dead(consumer, event string) string {
	return s.Prefix + "-dead." + consumer + "." + event
}

// event is what every subject of an event ends in: "ssofy.otp.requested". False: it is none of ours.
func (s Stream) event(subject string) (string, bool) {
	if rest, ok := strings.CutPrefix(subject, s.Prefix+"."); ok {
		return rest, strings.Count(rest, ".") == 2
	}
	for _, kind := range []string{"-redrive.", "-dead."} {
		if rest, ok := strings.CutPrefix(subject, s.Prefix+kind); ok {
			_, event, _ := strings.Cut(rest, ".")
			return event, strings.Count(event, ".") == 2
		}
	}
	return "", false
}

func (s Stream) check() error {
	if s.Name == "" || strings.ContainsAny(s.Name, ". \t\r\n*>/\\") {
		return errors.New("stream: its name is empty or holds what JetStream does not take")
	}
	if s.Prefix == "" || strings.ContainsAny(s.Prefix, ". \t\r\n*>") {
		return errors.New("stream: its prefix is not one token of a subject")
	}
	return nil
}
