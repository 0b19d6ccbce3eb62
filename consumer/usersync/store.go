package usersync

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/forebayhq/forebay/consumer"
)

// tries is how often a transaction is begun that another one was in the way of.
const tries = 4

// apply brings an event into the tables in one transaction, and says whether it was new.
func (j *job) apply(ctx context.Context, pool *pgxpool.Pool, m *consumer.Message, changes []change) (result string, err error) {
	for range tries {
		err = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
			result, err = j.transact(ctx, tx, m, changes)
			return err
		})
		if !again(err) {
			break
		}
	}
	return result, err
}

// transact is one try. A replayed event is applied even if its ID is known: that is how a table is made anew.
func (j *job) transact(ctx context.Context, tx pgx.Tx, m *consumer.Message, changes []change) (result string, err error) {
	isNew, err := j.note(ctx, tx, m)
	if err != nil {
		return "", fmt.Errorf("note the event: %w", err)
	}
	if !isNew && m.ReplayOf == 0 {
		return repeated, nil
	}
	for i := range changes {
		if err := j.redeem(ctx, tx, m, &changes[i]); err != nil {
			return "", err
		}
	}
	if err := j.lock(ctx, tx, m.Event.Source, changes); err != nil {
		return "", fmt.Errorf("lock the user: %w", err)
	}
	for _, c := range changes {
		if err := j.write(ctx, tx, m.Event.Source, c); err != nil {
			return "", err
		}
	}
	return applied, nil
}

// note remembers an event. It waits for another transaction that is about to remember the same one.
func (j *job) note(ctx context.Context, tx pgx.Tx, m *consumer.Message) (isNew bool, err error) {
	tag, err := tx.Exec(ctx, j.sql(`INSERT INTO {schema}.applied_events (consumer, source, event_id, applied_at)
		VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`), j.consumer, m.Event.Source, m.Event.ID, j.now())
	return tag.RowsAffected() == 1, err
}

// redeem finds the user behind a temporary token and uses the token up. The same event may use it again.
func (j *job) redeem(ctx context.Context, tx pgx.Tx, m *consumer.Message, c *change) error {
	if c.token == nil {
		return nil
	}
	id := ""
	err := tx.QueryRow(ctx, j.sql(`UPDATE {schema}.reset_tokens SET used_at = coalesce(used_at, $4), used_by = $3
		WHERE source = $1 AND token_hash = $2 AND (used_by IS NULL OR used_by = $3) AND expires_at > $5
		RETURNING user_id`), m.Event.Source, c.token, m.Event.ID, j.now(), happened(m)).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		return errToken
	}
	if err != nil {
		return fmt.Errorf("find the user of the token: %w", err)
	}
	c.user = identity{id: id}
	return nil
}

var errToken = errors.New("the table reset_tokens knows no user for this temporary token, or it has expired or was used: " +
	"the application that issues tokens writes them there (docs/usersync.md)")

// lock keeps other transactions from finding or making rows of the same users meanwhile: a row that is not there yet
// cannot be locked. Locks are taken in order, so that nobody waits in a circle.
func (j *job) lock(ctx context.Context, tx pgx.Tx, source string, changes []change) error {
	var all []int64
	for _, c := range changes {
		all = append(all, j.lockKey(source, "id", c.user.id))
		for _, name := range j.options.Link {
			if value := c.user.claims[name]; value != "" {
				all = append(all, j.lockKey(source, name, strings.ToLower(value)))
			}
		}
	}
	slices.Sort(all)
	_, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(k) FROM unnest($1::bigint[]) k`, slices.Compact(all))
	return err
}

func (j *job) lockKey(parts ...string) int64 {
	sum := sha256.Sum256([]byte("forebay usersync\x00" + j.schema + "\x00" + strings.Join(parts, "\x00")))
	return int64(binary.BigEndian.Uint64(sum[:]))
}

// write applies one change.
func (j *job) write(ctx context.Context, tx pgx.Tx, source string, c change) error {
	rows, err := j.find(ctx, tx, source, c.user)
	if err != nil {
		return fmt.Errorf("read the user: %w", err)
	}
	target, absorbed, err := c.choose(rows, j.options.Link)
	if err != nil {
		return consumer.Permanent(err)
	}
	if target == nil {
		target = newRow(source)
	}
	for _, r := range absorbed {
		target.absorb(r)
		if _, err := tx.Exec(ctx, j.sql(`DELETE FROM {schema}.users WHERE key = $1`), r.key); err != nil {
			return fmt.Errorf("delete a registration: %w", err)
		}
	}
	target.change(c)
	if err := j.save(ctx, tx, target); err != nil {
		return fmt.Errorf("write the user: %w", err)
	}
	return nil
}

// find gives the rows that may be of a user, and locks them.
func (j *job) find(ctx context.Context, tx pgx.Tx, source string, user identity) ([]*row, error) {
	found, err := tx.Query(ctx, j.sql(`SELECT key, to_jsonb(u) FROM {schema}.users u
		WHERE source = $1 AND (id = $2 OR (id IS NULL OR $2 = '') AND
			(preferred_username = $3 AND $3 <> '' OR lower(email) = lower($4) AND $4 <> '' OR phone_number = $5 AND $5 <> ''))
		ORDER BY key FOR UPDATE`),
		source, user.id, j.linked(user, "preferred_username"), j.linked(user, "email"), j.linked(user, "phone_number"))
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(found, func(r pgx.CollectableRow) (*row, error) {
		var key int64
		var record []byte
		if err := r.Scan(&key, &record); err != nil {
			return nil, err
		}
		return readRow(key, record)
	})
}

// linked is a claim that users are told apart by.
func (j *job) linked(user identity, name string) string {
	if !slices.Contains(j.options.Link, name) {
		return ""
	}
	return user.claims[name]
}

func (j *job) save(ctx context.Context, tx pgx.Tx, r *row) error {
	record, err := r.record()
	if err != nil {
		return err
	}
	names := strings.Join(columns(), ", ")
	from := ` SELECT ` + names + ` FROM jsonb_populate_record(NULL::{schema}.users, $1::jsonb)`
	if r.key == 0 {
		_, err = tx.Exec(ctx, j.sql(`INSERT INTO {schema}.users (`+names+`)`+from), record)
		return err
	}
	_, err = tx.Exec(ctx, j.sql(`UPDATE {schema}.users SET updated_at = now(), (`+names+`) = (`+from+`) WHERE key = $2`),
		record, r.key)
	return err
}

// sql puts the schema into a statement.
func (j *job) sql(statement string) string {
	return strings.ReplaceAll(statement, "{schema}", j.schema)
}
