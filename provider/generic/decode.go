package generic

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/schema"
)

// A reader makes events of a verified delivery.
type reader struct {
	token      *tokenPlace // nil: the body is the payload
	batch      pointer     // the array of events
	several    bool        // there is one
	timeFormat string

	id, native, time, subject, tenant, outcome selector

	members   []member
	actions   actions
	outcomes  outcomes
	commands  []string
	sensitive []schema.Member
}

func newReader(o Options, token *tokenPlace, credentials []*credentialCheck) (reader, error) {
	d := reader{token: token, timeFormat: or(o.TimeFormat, "rfc3339"), commands: o.Commands}
	var err error
	for _, s := range []struct {
		key, text string
		into      *selector
	}{
		{"id", o.ID, &d.id}, {"type", o.Type, &d.native}, {"time", o.Time, &d.time}, {"subject", o.Subject, &d.subject},
		{"tenant", o.Tenant, &d.tenant}, {"outcome: from", o.Outcome.From, &d.outcome},
	} {
		if *s.into, err = parseSelector(s.text); err != nil {
			return d, fmt.Errorf("%s: %w", s.key, err)
		}
	}
	if err = d.readBatch(o); err != nil {
		return d, err
	}
	if d.members, err = newMembers(o.Members); err != nil {
		return d, err
	}
	if d.actions, err = newActions(o.Actions); err != nil {
		return d, err
	}
	d.outcomes = o.Outcome.outcomes()
	d.sensitive = append(d.sensitive, "**.password")
	for _, name := range o.Sensitive {
		member := schema.Member(name)
		if !member.Sealable() && !slices.Contains(d.sensitive, member) {
			return d, fmt.Errorf("sensitive: %q: only payload, user.custom.NAME, user.password, token.value and jws can be sealed: "+
				"write payload.%s for what stands in the payload", name, name)
		}
		d.sensitive = append(d.sensitive, member)
	}
	if token != nil && len(token.claims) > 0 { // the token says more than the payload
		d.sensitive = append(d.sensitive, "jws")
	}
	for _, c := range credentials {
		members, err := d.holding(c.at)
		if err != nil {
			return d, fmt.Errorf("verify: credential: name: %w", err)
		}
		d.sensitive = append(d.sensitive, members...)
	}
	return d, d.check()
}

func (d *reader) readBatch(o Options) (err error) {
	if o.Events == nil {
		return nil
	}
	d.several = true
	if d.batch, err = parsePointer(*o.Events); err != nil {
		return fmt.Errorf("events: %w", err)
	}
	if !d.batch.single() {
		return errors.New("events: a pointer here names one value")
	}
	for _, a := range d.id {
		if !slices.ContainsFunc(a.parts, func(p part) bool { return p.pointer != nil }) {
			return errors.New("id: the same for all events of a delivery: want a pointer")
		}
	}
	return nil
}

// check refuses what would send every delivery to quarantine.
func (d *reader) check() error {
	switch {
	case d.native == nil:
		return errors.New("type: missing: where does the native action stand?")
	case !slices.Contains([]string{"rfc3339", "s", "ms"}, d.timeFormat):
		return errors.New("time_format: not rfc3339, s or ms")
	case (d.outcome == nil) != (len(d.outcomes) == 0):
		return errors.New("outcome: want from, and the values that mean success, failure or unknown")
	}
	for _, name := range d.commands {
		if !d.actions.allowed(schema.Action(name)) {
			return fmt.Errorf("commands: %q is no action", name)
		}
	}
	e := schema.Event{
		ID: "x", Action: "other.x", Source: "x", Received: time.Unix(0, 0), Payload: []byte("{}"),
		Sensitive: d.sealed("other.x"),
	}
	if _, err := (schema.Wire{Prefix: "x"}).Encode(e, ""); err != nil {
		return fmt.Errorf("sensitive: %w", err)
	}
	return checkActor(d.members)
}

func (d *reader) decode(r provider.Request) ([]schema.Event, error) {
	payload, jws, err := d.payload(r.Body)
	if err != nil {
		return nil, err
	}
	if !d.several {
		e, err := d.event(document{payload, r.Header}, r.Body)
		e.JWS = jws
		return []schema.Event{e}, err
	}
	list := d.batch.get(payload)
	if list.Kind() != provider.KindArray {
		return nil, errors.New("events: no array where the pointer leads")
	}
	var events []schema.Event
	for element := range list.Children() {
		e, err := d.event(document{element, r.Header}, element.Raw())
		if err != nil {
			return nil, fmt.Errorf("event %d: %w", len(events)+1, err)
		}
		events = append(events, e) // without the token, which holds the others too
	}
	return events, nil
}

// payload gives what the delivery says, and the token that it was.
func (d *reader) payload(body []byte) (v provider.Value, jws string, err error) {
	if d.token == nil {
		v, err = provider.ParseJSON(body)
		return v, "", err
	}
	if jws, err = d.token.token(body); err != nil {
		return v, "", err
	}
	t, err := provider.ParseToken(jws)
	if err != nil {
		return v, "", err
	}
	if v, err = provider.ParseObject(t.Payload); err != nil {
		return v, "", fmt.Errorf("claims: %w", err)
	}
	return d.token.claims.get(v), jws, nil
}

// event reads one event. raw is what its ID is made from where it has none.
func (d *reader) event(doc document, raw []byte) (schema.Event, error) {
	if doc.value.Kind() != provider.KindObject {
		return schema.Event{}, errors.New("payload: not an object")
	}
	native := d.native.text(doc)
	if native == "" {
		return schema.Event{}, errors.New("type: nothing where the selector leads")
	}
	a := d.actions.of(native, doc)
	e := schema.Event{
		ID: provider.EventID(d.id.text(doc), raw), Action: a, Native: native, Semantics: schema.Notice, Outcome: d.outcomes.of(d.outcome.text(doc)),
		Payload: doc.value.Raw(), Sensitive: d.sealed(a),
	}
	if t, err := parseTime(d.timeFormat, d.time.text(doc)); err == nil && t.Year() >= 0 && t.Year() <= 9999 {
		e.Time = t
	}
	if slices.Contains(d.commands, string(a)) {
		e.Semantics, e.Outcome = schema.Command, schema.Unknown
	}
	d.fill(&e, doc)
	return e, nil
}

func (d *reader) fill(e *schema.Event, doc document) {
	if id := d.subject.text(doc); id != "" {
		e.User = &schema.User{ID: id}
	}
	if id := d.tenant.text(doc); id != "" {
		e.Organization = &schema.Thing{ID: id}
	}
	for _, m := range d.members {
		m.fill(e, doc)
	}
	dropActor(e)
}

// sealed are the members to seal. What an event that is not classified holds nobody has looked at.
func (d *reader) sealed(a schema.Action) []schema.Member {
	if a.Category() != schema.CategoryOther {
		return d.sensitive
	}
	return append(slices.Clone(d.sensitive), "payload.**.token")
}
