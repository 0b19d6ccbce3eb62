package usersync

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Options are what stands under usersync in the configuration of a consumer.
type Options struct {
	// The database: postgres://user:password@host:5432/name?sslmode=verify-full. What it leaves out is taken from the
	// environment and files that psql reads: PGHOST, PGPASSWORD, ~/.pgpass. The user needs CREATE on the database for
	// the first start, to make the schema; afterwards SELECT, INSERT, UPDATE and DELETE on its tables are enough.
	URL string `yaml:"url"`
	// The schema of the tables; "forebay" if left out. Made if it is not there.
	Schema string `yaml:"schema"`
	// How many connections there may be; 8 if left out.
	Connections int32 `yaml:"connections"`

	// By what a registration that came without the user's ID is found again when the ID becomes known, in this order:
	// the first that both know decides. Left out: [preferred_username, email, phone_number]. []: never, and such
	// registrations stay rows of their own. See docs/usersync.md for what this trusts.
	Link []string `yaml:"link"`

	// hash: passwords are opened and stored as argon2id. ignore: they are left alone, and the private key is not
	// needed; only the time of the change is stored. hash if left out.
	Passwords string `yaml:"passwords"`
	// How much work a password costs. The defaults are OWASP's.
	Argon2id Argon2id `yaml:"argon2id"`

	// true: the provider's own JSON is not stored in column raw.
	DropRaw bool `yaml:"drop_raw"`
	// How long the IDs of applied events are known, and used or expired reset tokens are kept; 720h if left out. An
	// event that is repeated later does no harm: it is older than what is there.
	Keep time.Duration `yaml:"keep"`
}

// Argon2id is the work of one password hash (RFC 9106).
type Argon2id struct {
	Memory  uint32 `yaml:"memory"`  // KiB; 19456 if left out
	Passes  uint32 `yaml:"passes"`  // over the memory; 2 if left out
	Threads uint8  `yaml:"threads"` // 1 if left out
}

// The values of Options.Passwords.
const (
	hashPasswords   = "hash"
	ignorePasswords = "ignore"
)

func (o Options) complete() Options {
	orElse(&o.Schema, "forebay")
	orElse(&o.Connections, 8)
	orElse(&o.Passwords, hashPasswords)
	orElse(&o.Argon2id.Memory, 19456)
	orElse(&o.Argon2id.Passes, 2)
	orElse(&o.Argon2id.Threads, 1)
	orElse(&o.Keep, 720*time.Hour)
	if o.Link == nil {
		o.Link = linkable()
	}
	return o
}

func orElse[T comparable](value *T, otherwise T) {
	if *value == *new(T) {
		*value = otherwise
	}
}

// linkable are the claims that can tell users apart.
func linkable() []string { return []string{"preferred_username", "email", "phone_number"} }

func (o Options) check() error {
	switch {
	case o.URL == "":
		return errors.New("url: not given")
	case len(o.Schema) > 63:
		return errors.New("schema: longer than 63 bytes")
	case o.Connections < 1:
		return errors.New("connections: less than 1")
	case o.Passwords != hashPasswords && o.Passwords != ignorePasswords:
		return fmt.Errorf("passwords: %q is neither hash nor ignore", o.Passwords)
	case o.Argon2id.Memory < 8*uint32(o.Argon2id.Threads):
		return errors.New("argon2id.memory: less than 8 KiB for each thread")
	case o.Keep < time.Hour:
		return errors.New("keep: less than 1h")
	}
	for _, name := range o.Link {
		if !slices.Contains(linkable(), name) {
			return fmt.Errorf("link: %q is none of %q", name, linkable())
		}
	}
	return nil
}

// connection reads the URL. The error does not repeat it: it may hold a password.
func (o Options) connection() (*pgxpool.Config, error) {
	c, err := pgxpool.ParseConfig(o.URL)
	if err != nil {
		return nil, errors.New("url: not postgres://user:password@host:port/name with settings that pgx knows")
	}
	c.MaxConns = o.Connections
	if c.ConnConfig.RuntimeParams["application_name"] == "" {
		c.ConnConfig.RuntimeParams["application_name"] = "forebay"
	}
	return c, nil
}
