package usersync

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

//go:embed migrations/*.sql
var migrations embed.FS

// A migration is one step of the tables: "migrations/0001_users.sql".
type migration struct {
	version int
	name    string // "0001_users"
	text    string
}

// steps are all migrations, in order.
func steps() ([]migration, error) {
	files, err := fs.Glob(migrations, "migrations/*.sql") // sorted, as embed's directories are
	if err != nil {
		return nil, err
	}
	all := make([]migration, len(files))
	for i, file := range files {
		text, err := migrations.ReadFile(file)
		if err != nil {
			return nil, err
		}
		name := strings.TrimSuffix(path.Base(file), ".sql")
		number, _, _ := strings.Cut(name, "_")
		version, err := strconv.Atoi(number)
		if err != nil || version != i+1 {
			return nil, fmt.Errorf("migration %s: its number is not %d", name, i+1)
		}
		all[i] = migration{version, name, string(text)}
	}
	return all, nil
}

// migrate brings the tables up to date in one transaction. Processes that start together take turns; a database that a
// newer program has migrated is left as it is.
func (j *job) migrate(ctx context.Context, pool *pgxpool.Pool) error {
	all, err := steps()
	if err != nil {
		return err
	}
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, j.lockKey("migrate")); err != nil {
			return fmt.Errorf("wait for other migrations: %w", err)
		}
		if err := j.prepare(ctx, tx); err != nil {
			return err
		}
		version := 0
		err := tx.QueryRow(ctx, j.sql(`SELECT coalesce(max(version), 0) FROM {schema}.migrations`)).Scan(&version)
		if err != nil {
			return fmt.Errorf("read the version of the tables: %w", err)
		}
		for _, m := range all[min(version, len(all)):] {
			if err := j.step(ctx, tx, m); err != nil {
				return fmt.Errorf("migration %s: %w", m.name, err)
			}
		}
		return nil
	})
}

// prepare makes the schema and the table of versions. It looks first, because making needs rights that one may have
// taken away afterwards, even where there is nothing to make.
func (j *job) prepare(ctx context.Context, tx pgx.Tx) error {
	for _, p := range []struct{ there, make string }{
		{`SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)`, `CREATE SCHEMA {schema}`},
		{`SELECT EXISTS (SELECT FROM pg_tables WHERE schemaname = $1 AND tablename = 'migrations')`,
			`CREATE TABLE {schema}.migrations (version int PRIMARY KEY, name text NOT NULL,
				applied_at timestamptz NOT NULL DEFAULT now())`},
	} {
		there := false
		if err := tx.QueryRow(ctx, p.there, j.options.Schema).Scan(&there); err != nil {
			return fmt.Errorf("look for schema %s: %w", j.schema, err)
		}
		if there {
			continue
		}
		if _, err := tx.Exec(ctx, j.sql(p.make)); err != nil {
			return fmt.Errorf("make schema %s: %w", j.schema, err)
		}
	}
	return nil
}

func (j *job) step(ctx context.Context, tx pgx.Tx, m migration) error {
	if _, err := tx.Exec(ctx, j.sql(m.text)); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, j.sql(`INSERT INTO {schema}.migrations (version, name) VALUES ($1, $2)`), m.version, m.name)
	return err
}
