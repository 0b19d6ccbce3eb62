package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

type quarantineShowCommand struct {
	ID     string `arg:"" help:"The ID of a delivery, or SOURCE/ID, as list prints it."`
	Source string `help:"Only of this source." placeholder:"NAME"`
	Key    string `help:"The private key's file. Default: seal.jwk in the data folder." placeholder:"FILE"`
	JSON   bool   `help:"Print JSON, one delivery a line."`
}

// Help is shown by "forebay quarantine show --help".
func (*quarantineShowCommand) Help() string {
	return "The request is printed as it arrived, secrets and all; Authorization and Cookie were never kept.\n" +
		"On a terminal control characters are escaped, elsewhere the bytes are those of the request.\n" +
		"Without the private key the rest is shown, and the exit code is 1."
}

// Run prints the deliveries of the ID, newest first.
func (s *quarantineShowCommand) Run(ctx context.Context, e *environment) error {
	if err := checkSource(s.Source); err != nil {
		return err
	}
	q, err := openQuarantine(ctx, e, unread)
	if err != nil {
		return err
	}
	defer q.close()
	key, err := loadSealKey(q.config, s.Key)
	if err != nil {
		return err
	}
	found, err := q.find(ctx, s.ID, s.Source, e.screenOn(e.stderr))
	if err != nil {
		return err
	}
	var closed []error
	for _, d := range found {
		request, err := key.open(d)
		closed = append(closed, err)
		if err := s.print(e.screen(), d, request, err); err != nil {
			return err
		}
	}
	return errors.Join(closed...)
}

// A shown delivery is what show prints for programs. The request is text, or base64 where it is none.
type shown struct {
	listed
	Request string `json:"request,omitempty"`
	Base64  []byte `json:"base64,omitempty"`
}

func shownOf(d quarantined, request []byte) shown {
	if utf8.Valid(request) {
		return shown{listed: d.listed(), Request: string(request)}
	}
	return shown{listed: d.listed(), Base64: request}
}

// print prints a delivery with its request, or why that cannot be shown.
func (s *quarantineShowCommand) print(out screen, d quarantined, request []byte, closed error) error {
	if s.JSON {
		return out.json(shownOf(d, request))
	}
	field := func(name, value string) {
		fmt.Fprintf(out, "%s %s\n", out.paint(bold, fmt.Sprintf("%-9s", name)), printable(value))
	}
	field("id", d.ID)
	field("source", d.Source)
	field("provider", d.Provider)
	field("received", d.Received.Format(time.RFC3339Nano))
	field("reason", d.reason())
	field("size", strconv.Itoa(d.size()))
	if closed != nil {
		field("request", "not shown: "+closed.Error())
		return nil
	}
	field("request", "")
	return printRequest(out, request)
}

// printRequest prints HTTP text line by line on a terminal, and as it is elsewhere.
func printRequest(out screen, request []byte) error {
	text := string(request)
	if out.terminal {
		lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
		for i, line := range lines {
			lines[i] = printable(line)
		}
		text = strings.Join(lines, "\n")
	}
	if !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	_, err := fmt.Fprint(out, text)
	return err
}
