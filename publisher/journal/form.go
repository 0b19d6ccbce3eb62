package journal

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2"
)

// form is what the keys and values of a journal mean. It grows with a change that an earlier version of forebay would read
// wrongly. Form 0 is a journal without the key that says so, and otherwise as form 1.
const form = 1

// formKey holds the form as a decimal number.
func formKey() []byte { return []byte{tableMark, 'f'} }

// A formError refuses a journal that another version of forebay wrote.
type formError struct{ found string }

func (e formError) Error() string {
	return fmt.Sprintf("it is of form %s, and this version of forebay reads forms 0 to %d: run the version that wrote it, "+
		"or let that version publish everything and then move the folder away; nothing in it was changed", e.found, form)
}

// checkForm comes before anything else, and reads only: of a journal of a later form nothing may be changed.
func (j *Journal) checkForm() error {
	o := options(j.disk)
	o.Lock, o.ReadOnly = j.lock, true
	db, err := pebble.Open(j.config.Dir, o)
	switch {
	case errors.Is(err, pebble.ErrDBDoesNotExist):
		return nil // the journal is new
	case err != nil && strings.Contains(err.Error(), "unknown format major version"):
		return formError{fmt.Sprintf("unknown (%v)", err)}
	case err != nil:
		return err
	}
	value, err := get(db, formKey())
	return errors.Join(err, readableForm(value), db.Close())
}

// readableForm looks at what stands under formKey. Whatever it is was written so: Pebble compares every block and every
// commit with its checksum. So what makes no sense is not damage but the work of a program that we do not know, and its
// journal is refused.
func readableForm(value []byte) error {
	if value == nil {
		return nil
	}
	n, err := strconv.ParseUint(string(value), 10, 32)
	if err != nil {
		return formError{fmt.Sprintf("unknown (%.20q)", value)}
	}
	if n > form {
		return formError{strconv.FormatUint(n, 10)}
	}
	return nil
}

// markForm writes the form into a journal that does not say it, before anything is accepted.
func (j *Journal) markForm() error {
	value, err := j.get(formKey())
	if err != nil || string(value) == strconv.Itoa(form) {
		return err
	}
	if err := j.db.Set(formKey(), []byte(strconv.Itoa(form)), pebble.Sync); err != nil {
		return fmt.Errorf("mark the form of the journal: %w", err)
	}
	return nil
}
