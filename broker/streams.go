package broker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// quarantineSuffix makes the name of the stream of verified deliveries that could not be read.
const quarantineSuffix = "_QUARANTINE"

// defaultWindow is for how long JetStream knows a Nats-Msg-Id unless told otherwise.
const defaultWindow = 2 * time.Minute

// overlapCode is nats-server's "subjects overlap with an existing stream".
const overlapCode jetstream.ErrorCode = 10065

// Streams says which streams must exist: Name, with the events on <Prefix>.> and <Prefix>-redrive.>, and
// <Name>_QUARANTINE on <Prefix>-quarantine.>, both with the limits below.
type Streams struct {
	Name            string        // "IDENTITY"
	Prefix          string        // "identity"
	Replicas        int           // 0: 1
	MaxAge          time.Duration // 0: no limit
	MaxBytes        int64         // of each stream; 0: no limit
	DuplicateWindow time.Duration // for how long the stream knows a repeated Nats-Msg-Id; raised to GuardWindow; 0: 2m
	GuardWindow     time.Duration // what the journal needs, of Broker.GuardWindow
}

// Quarantine is the name of the second stream: "IDENTITY_QUARANTINE".
func (s Streams) Quarantine() string { return s.Name + quarantineSuffix }

// Ensure makes the streams that are missing. Doing it again changes nothing.
//
// A stream that forebay made and nobody changed since follows the configuration. A stream that somebody else made or
// changed is left as it is: what differs comes back in words, and where a difference would break a promise of forebay
// (events refused, lost or stored twice) it is an error that names every such difference. Settings that forebay does
// not know, such as placement, are the operator's and stay.
func Ensure(ctx context.Context, js jetstream.JetStream, s Streams) (differences []string, err error) {
	for _, name := range []string{s.Name, s.Quarantine()} {
		d, e := EnsureOne(ctx, js, s, name)
		differences, err = append(differences, d...), errors.Join(err, e)
	}
	return differences, err
}

// EnsureOne is [Ensure] for the stream of that name alone: trouble with one is none of the other's.
func EnsureOne(ctx context.Context, js jetstream.JetStream, s Streams, name string) (differences []string, err error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	want := s.want(name)
	have, err := ensure(ctx, js, want)
	if err != nil {
		return nil, err
	}
	return compare(have, want, s.GuardWindow, js.Conn().MaxPayload())
}

// EnsureStream is [Ensure] for a stream that somebody else describes, whole. One that is not ours to update still gets the
// subjects that it does not take.
func EnsureStream(ctx context.Context, js jetstream.JetStream, want jetstream.StreamConfig) (differences []string, err error) {
	sign(&want)
	have, err := ensure(ctx, js, want)
	if err != nil {
		return nil, err
	}
	if missing := uncovered(want.Subjects, have.Subjects); len(missing) > 0 {
		more := have
		more.Subjects = slices.Concat(have.Subjects, missing)
		if have, err = write(ctx, js, "update", js.UpdateStream, more); err != nil {
			return nil, err
		}
	}
	differences, _ = Differences(have, want)
	return differences, nil
}

// check refuses what no server could make true.
func (s Streams) check() error {
	switch {
	case s.Name == "":
		return errors.New("stream.name is empty")
	case s.Prefix == "" || strings.ContainsAny(s.Prefix, " \t\r\n*>"):
		return fmt.Errorf("stream.prefix %q cannot begin a subject", s.Prefix)
	case s.MaxAge > 0 && s.GuardWindow > s.MaxAge:
		return fmt.Errorf("stream.max_age is %s, shorter than the %s for which the stream must know repeated events: raise it",
			duration(s.MaxAge), duration(s.GuardWindow))
	case s.MaxAge > 0 && s.DuplicateWindow > s.MaxAge:
		return fmt.Errorf("stream.duplicate_window is %s, longer than stream.max_age, %s: lower the one or raise the other",
			duration(s.DuplicateWindow), duration(s.MaxAge))
	}
	return nil
}

// window is the duplicate window of the streams: JetStream's default where nothing asks for one.
func (s Streams) window() time.Duration {
	if d := max(s.DuplicateWindow, s.GuardWindow); d > 0 {
		return d
	}
	if s.MaxAge > 0 {
		return min(defaultWindow, s.MaxAge)
	}
	return defaultWindow
}

// Compare words how one of the streams differs from the configuration, and changes nothing. ours: Ensure will change that.
// The error is what Ensure will say.
func (s Streams) Compare(have jetstream.StreamConfig, maxPayload int64) (differences []string, ours bool, err error) {
	if err := s.check(); err != nil {
		return nil, false, err
	}
	want := s.want(have.Name)
	if differences, ours = Differences(have, want); ours {
		_, err = compare(merge(have, want), want, s.GuardWindow, maxPayload)
		return differences, ours, err
	}
	differences, err = compare(have, want, s.GuardWindow, maxPayload)
	return differences, ours, err
}

// Differences is [Streams.Compare] for a stream that somebody else describes.
func Differences(have, want jetstream.StreamConfig) (differences []string, ours bool) {
	differences, _ = differ(have, want, nil)
	return differences, isOurs(have)
}

// want is the stream of that name.
func (s Streams) want(name string) jetstream.StreamConfig {
	if name == s.Quarantine() {
		return s.config(name, "Deliveries that Forebay verified and could not read", s.Prefix+"-quarantine.>")
	}
	return s.config(s.Name, "Events of identity providers, kept by Forebay", s.Prefix+".>", s.Prefix+"-redrive.>")
}

// config is a stream as the configuration wants it, signed as ours.
func (s Streams) config(name, description string, subjects ...string) jetstream.StreamConfig {
	c := jetstream.StreamConfig{
		Name:        name,
		Description: description,
		Subjects:    subjects,
		Storage:     jetstream.FileStorage,
		Retention:   jetstream.LimitsPolicy,
		Discard:     jetstream.DiscardOld,
		MaxAge:      s.MaxAge,
		MaxBytes:    s.MaxBytes,
		Replicas:    max(1, s.Replicas),
		Duplicates:  s.window(),
		AllowMsgTTL: true,
		AllowDirect: true,
	}
	sign(&c)
	return c
}

// ensure makes or updates one stream and returns it as it then is.
func ensure(ctx context.Context, js jetstream.JetStream, want jetstream.StreamConfig) (jetstream.StreamConfig, error) {
	have, err := read(ctx, js, want.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		have, err = write(ctx, js, "create", js.CreateStream, want)
	}
	if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) { // another forebay was faster
		have, err = read(ctx, js, want.Name)
	}
	if err != nil || !isOurs(have) || same(have, want) {
		return have, err
	}
	return write(ctx, js, "update", js.UpdateStream, merge(have, want))
}

func read(ctx context.Context, js jetstream.JetStream, name string) (c jetstream.StreamConfig, err error) {
	err = ask(ctx, js, "read stream "+name, func(ctx context.Context) error {
		stream, err := js.Stream(ctx, name)
		if err != nil {
			return err
		}
		c = stream.CachedInfo().Config
		return nil
	})
	return c, err
}

// write creates or updates a stream; doing says which, and call does it.
func write(
	ctx context.Context, js jetstream.JetStream, doing string,
	call func(context.Context, jetstream.StreamConfig) (jetstream.Stream, error), want jetstream.StreamConfig,
) (c jetstream.StreamConfig, err error) {
	doing += " stream " + want.Name
	err = ask(ctx, js, doing, func(ctx context.Context) error {
		stream, err := call(ctx, want)
		if err != nil {
			return err
		}
		c = stream.CachedInfo().Config
		return nil
	})
	var api *jetstream.APIError
	if errors.As(err, &api) && api.ErrorCode == overlapCode {
		err = fmt.Errorf("%s: %s: set stream.prefix to another one: %w", doing, overlap(ctx, js, want), api)
	}
	return c, err
}

// overlap names the streams that hold subjects that ours should, as far as the server tells.
func overlap(ctx context.Context, js jetstream.JetStream, want jetstream.StreamConfig) string {
	var others []string
	for _, subject := range want.Subjects {
		err := ask(ctx, js, "list streams", func(ctx context.Context) error {
			names := js.StreamNames(ctx, jetstream.WithStreamListSubject(subject))
			for name := range names.Name() {
				if name != want.Name {
					others = append(others, fmt.Sprintf("stream %s already takes messages of %s", name, subject))
				}
			}
			return names.Err()
		})
		if err != nil {
			break
		}
	}
	if len(others) == 0 {
		return "another stream already takes messages of " + strings.Join(want.Subjects, " or ")
	}
	return strings.Join(others, ", ")
}
