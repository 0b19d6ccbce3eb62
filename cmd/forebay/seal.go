package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/forebayhq/forebay/schema"
)

type sealCommand struct {
	Keygen sealKeygenCommand `cmd:"" help:"Make a key pair."`
	Open   sealOpenCommand   `cmd:"" help:"Open sealed members with the private key."`
}

type sealKeygenCommand struct {
	Out string `help:"The private key's file. The public key goes beside it, FILE.pub.jwk. Default: ${default}." default:"seal.jwk" placeholder:"FILE"`
}

// Run makes a key pair and says what to write into the configuration. It overwrites nothing.
func (s *sealKeygenCommand) Run(e *environment) error {
	private, public, err := schema.GenerateKey()
	if err != nil {
		return fmt.Errorf("seal keygen: %w", err)
	}
	beside := strings.TrimSuffix(s.Out, ".jwk") + ".pub.jwk"
	if err := writeKeys(s.Out, private, beside, public); err != nil {
		return fmt.Errorf("seal keygen: %w", err)
	}
	recipient, err := filepath.Abs(beside)
	if err != nil {
		return fmt.Errorf("seal keygen: %w", err)
	}
	fmt.Fprintf(e.stderr, "The private key is in %s: keep it where only those can read it who may open sealed members.\n"+
		"The public key is in %s. Write into the configuration:\n", s.Out, beside)
	_, err = fmt.Fprintf(e.stdout, "seal: {recipient: %s}\n", quoteYAML(recipient))
	return err
}

// quoteYAML writes a path so that it stays one value inside { }.
func quoteYAML(path string) string {
	if strings.ContainsAny(path, "{}[],:#'\"&*!|>%@` $") {
		return `'` + strings.ReplaceAll(path, `'`, `''`) + `'`
	}
	return path
}

// writeKeys writes both files or none.
func writeKeys(privateFile string, private []byte, publicFile string, public []byte) error {
	if _, err := os.Lstat(publicFile); err == nil {
		return fmt.Errorf("%s exists and is never overwritten", publicFile)
	}
	if err := writeNew(privateFile, private, 0o600); err != nil {
		return err
	}
	if err := writeNew(publicFile, public, 0o644); err != nil {
		return errors.Join(err, os.Remove(privateFile))
	}
	return nil
}

// writeNew makes a file that must not exist, and flushes it.
func writeNew(path string, text []byte, mode fs.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s exists and is never overwritten", path)
	}
	if err != nil {
		return err
	}
	_, err = f.Write(append(text, '\n'))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", path, err), os.Remove(path))
	}
	return nil
}

type sealOpenCommand struct {
	JWE string `arg:"" optional:"" help:"A compact JWE. Else, or with -, standard input: a JWE, or JSON with sealed members."`
	Key string `help:"The private key's file. Default: seal.jwk in the data folder." placeholder:"FILE"`
}

// Help is shown by "forebay seal open --help".
func (*sealOpenCommand) Help() string {
	return "JSON is an event, or what tail and show print, one value or many:\n" +
		"forebay show --json ID | forebay seal open"
}

// Run prints what was sealed.
func (s *sealOpenCommand) Run(e *environment) error {
	key, err := s.key(e)
	if err != nil {
		return err
	}
	o := opener{key: key, out: e.screen()}
	if s.JWE == "" || s.JWE == "-" {
		return o.stream(e.stdin)
	}
	return o.one(s.JWE)
}

func (s *sealOpenCommand) key(e *environment) ([]byte, error) {
	file := s.Key
	if file == "" {
		c, err := e.load(unread)
		if err != nil {
			return nil, err
		}
		file = c.SealKeyFile()
	}
	key, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("seal open: no private key at %s: name it with --key", file)
	}
	if err != nil {
		return nil, fmt.Errorf("seal open: %w", err)
	}
	return key, nil
}
