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

// deadOf is where dead letters of one consumer are found, whatever the prefix was when they died.
func (Stream) deadOf(consumer string) string { return "*." + consumer + ".>" }

// event is what every subject of an event ends in, whatever the prefix was when it was published: "ssofy.otp.requested".
// False: it is none of ours.
func (Stream) event(subject string) (string, bool) {
	prefix, event, _ := strings.Cut(subject, ".")
	if strings.HasSuffix(prefix, "-redrive") || strings.HasSuffix(prefix, "-dead") {
		_, event, _ = strings.Cut(event, ".")
	}
	return event, strings.Count(event, ".") == 2
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
