package usersync

import (
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/forebayhq/forebay/consumer"
)

// verdict says what no further attempt will mend: data that the database cannot take, and what the application would
// have to know. All else, a database that is away, full or without the rights, is tried again.
func verdict(err error) error {
	if errors.Is(err, errToken) {
		return consumer.Permanent(err)
	}
	refused := (*pgconn.PgError)(nil)
	if !errors.As(err, &refused) {
		return err
	}
	switch class(refused) {
	case "22", "23", "54": // data exception, integrity constraint violation, program limit exceeded
		// The server's own words may repeat the data.
		return consumer.Permanent(fmt.Errorf("the database refuses the data: SQLSTATE %s%s", refused.Code, place(refused)))
	}
	return err
}

func place(e *pgconn.PgError) string {
	var b strings.Builder
	for _, part := range []struct{ what, name string }{
		{"table", e.TableName}, {"column", e.ColumnName}, {"constraint", e.ConstraintName},
	} {
		if part.name != "" {
			b.WriteString(", " + part.what + " " + part.name)
		}
	}
	return b.String()
}

// again reports whether the transaction may succeed at once: another one was in its way, or its connection was dead
// before anything was sent.
func again(err error) bool {
	if err == nil {
		return false
	}
	if refused := (*pgconn.PgError)(nil); errors.As(err, &refused) {
		return class(refused) == "40" || refused.Code == "23505" // transaction rollback; unique violation
	}
	return pgconn.SafeToRetry(err)
}

// class is what the first two characters of a SQLSTATE mean (PostgreSQL, appendix A).
func class(e *pgconn.PgError) string {
	if len(e.Code) < 2 {
		return ""
	}
	return e.Code[:2]
}
