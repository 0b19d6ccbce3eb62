package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/forebayhq/forebay/config"
	"github.com/forebayhq/forebay/schema"
)

type quarantineCommand struct {
	List    quarantineListCommand    `cmd:"" help:"List the deliveries in quarantine."`
	Show    quarantineShowCommand    `cmd:"" help:"Print a quarantined request whole."`
	Release quarantineReleaseCommand `cmd:"" help:"Read quarantined requests again, publish their events and take them out."`
}

// A quarantine is the stream of deliveries that were verified and could not be read.
type quarantine struct {
	*client
	config     *config.Config
	deliveries jetstream.Stream
}

// openQuarantine connects. The stream must exist.
func openQuarantine(ctx context.Context, e *environment, s secrets) (*quarantine, error) {
	c, err := e.load(s)
	if err != nil {
		return nil, err
	}
	client, err := connect(ctx, c, e.log)
	if err != nil {
		return nil, err
	}
	deliveries, err := client.stream(ctx, streams(c).Quarantine())
	if err != nil {
		client.close()
		return nil, err
	}
	return &quarantine{client, c, deliveries}, nil
}

// A quarantined delivery is one as the stream has it.
type quarantined struct {
	schema.Quarantined
	seq    uint64
	broken error // it is none of ours, and the rest is empty
}

func quarantinedOf(seq uint64, body []byte) quarantined {
	d, err := schema.ParseQuarantine(body)
	return quarantined{d, seq, err}
}

// reason is why it is here.
func (d quarantined) reason() string {
	if d.broken != nil {
		return d.broken.Error()
	}
	return d.Reason
}

// name tells it from others: its ID, or its place where it has none.
func (d quarantined) name() string {
	if d.broken != nil {
		return fmt.Sprintf("#%d", d.seq)
	}
	return d.ID
}

// size is that of the request in bytes. Sealing changes no length: A256GCM's ciphertext is as long as its text.
func (d quarantined) size() int {
	if parts := strings.Split(d.Sealed, "."); len(parts) == 5 {
		return base64.RawURLEncoding.DecodedLen(len(parts[3]))
	}
	return len(d.Request)
}

// all calls visit with what the stream holds now, oldest first: of one source, or of every source.
func (q *quarantine) all(ctx context.Context, source string, headersOnly bool, visit func(uint64, []byte) error) error {
	info, err := q.deliveries.Info(ctx)
	if err != nil {
		return q.explain(err)
	}
	scan := scan{stream: q.deliveries, high: info.State.LastSeq, config: jetstream.OrderedConsumerConfig{
		DeliverPolicy: jetstream.DeliverAllPolicy, HeadersOnly: headersOnly,
		FilterSubjects: []string{q.subject(source)},
	}}
	err = scan.run(ctx, func(m jetstream.Msg, meta *jetstream.MsgMetadata) error {
		return visit(meta.Sequence.Stream, m.Data())
	})
	return q.explain(err)
}

// subject is that of one source's deliveries, or of every source's.
func (q *quarantine) subject(source string) string {
	if source == "" {
		source = ">"
	}
	return q.config.Stream.Prefix + "-quarantine." + source
}

// find gives the deliveries of an ID, or of SOURCE/ID. None is an error.
func (q *quarantine) find(ctx context.Context, id, source string, progress screen) ([]quarantined, error) {
	matches, err := search{stream: q.deliveries, what: "delivery", id: id, all: true, progress: progress}.run(ctx)
	if err != nil {
		return nil, q.explain(err)
	}
	var found []quarantined
	for _, m := range matches {
		if d := quarantinedOf(m.Seq, m.Event); source == "" || d.Source == source {
			found = append(found, d)
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("quarantine: no delivery with the ID %s is of source %s", printable(id), source)
	}
	return found, nil
}

// get reads one delivery. False: it is no longer there.
func (q *quarantine) get(ctx context.Context, seq uint64) (d quarantined, there bool, err error) {
	m, err := q.deliveries.GetMsg(ctx, seq)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return d, false, nil
	}
	if err != nil {
		return d, false, q.explain(fmt.Errorf("read #%d: %w", seq, err))
	}
	return quarantinedOf(seq, m.Data), true, nil
}

// remove takes a delivery out. That somebody else was faster is no error.
func (q *quarantine) remove(ctx context.Context, seq uint64) error {
	err := q.deliveries.DeleteMsg(ctx, seq)
	if err == nil {
		return nil
	}
	if _, there, lost := q.get(ctx, seq); lost == nil && !there {
		return nil
	}
	return q.explain(fmt.Errorf("delete #%d: %w", seq, err))
}

func (q *quarantine) explain(err error) error {
	if err == nil {
		return nil
	}
	if errors.As(err, new(notThere)) {
		return err
	}
	return fmt.Errorf("quarantine: stream %s: %w", streams(q.config).Quarantine(), err)
}

// checkSource refuses what cannot be a source. One that is no longer configured may have deliveries all the same.
func checkSource(name string) error {
	if name != "" && !schema.ValidSource(name) {
		return usageError{fmt.Errorf("--source %s: no source has such a name", printable(name))}
	}
	return nil
}

type quarantineListCommand struct {
	Source string `help:"Only the deliveries of this source." placeholder:"NAME"`
	JSON   bool   `help:"Print JSON, one delivery a line."`
}

// Help is shown by "forebay quarantine list --help".
func (*quarantineListCommand) Help() string {
	return "Oldest first: when it was received, source, provider, size of the request in bytes, ID, and the reason.\n" +
		"A delivery leaves the quarantine when it is released, or with stream.max_age."
}

// A listed delivery is what list prints for programs.
type listed struct {
	Seq      uint64    `json:"seq"` // in the quarantine stream
	ID       string    `json:"id,omitempty"`
	Source   string    `json:"source,omitempty"`
	Provider string    `json:"provider,omitempty"`
	Received time.Time `json:"received,omitzero"`
	Reason   string    `json:"reason,omitempty"` // why it could not be read, or still cannot
	Size     int       `json:"size"`             // of the request, in bytes
	Sealed   bool      `json:"sealed"`
}

func (d quarantined) listed() listed {
	return listed{d.seq, d.ID, d.Source, d.Provider, d.Received, d.reason(), d.size(), d.Sealed != ""}
}

// Run prints what is in quarantine.
func (l *quarantineListCommand) Run(ctx context.Context, e *environment) error {
	if err := checkSource(l.Source); err != nil {
		return err
	}
	q, err := openQuarantine(ctx, e, unread)
	if err != nil {
		return err
	}
	defer q.close()
	out, count := e.screen(), 0
	err = q.all(ctx, l.Source, false, func(seq uint64, body []byte) error {
		count++
		return l.print(out, quarantinedOf(seq, body))
	})
	if err == nil && count == 0 && !l.JSON {
		fmt.Fprintln(e.stderr, "nothing is in quarantine")
	}
	return err
}

func (l *quarantineListCommand) print(out screen, d quarantined) error {
	if l.JSON {
		return out.json(d.listed())
	}
	_, err := fmt.Fprintf(out, "%s  %s  %s  %s  %s  %s\n",
		out.paint(dim, column(moment(d.Received), 12)), column(d.Source, 8), column(d.Provider, 8),
		fmt.Sprintf("%6d", d.size()), out.paint(cyan, printable(d.name())), printable(d.reason()))
	return err
}

// moment is a time for people; none is a dash.
func moment(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return clock(t, time.Now())
}
