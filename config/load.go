package config

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
)

// Options are what loading depends on besides the file.
type Options struct {
	Getenv    func(string) string // os.Getenv
	Providers []string            // the names of all providers
	Jobs      []string            // the names of all jobs
	NoSecrets bool                // leave out the secrets of sources: for who neither signs nor verifies
}

// Find says which file to load: flag, else the environment's FOREBAY_CONFIG, else forebay.yaml in the working folder if
// there is one. False means that there is none: use [Development].
func Find(flag string, getenv func(string) string) (path string, ok bool) {
	if flag != "" {
		return flag, true
	}
	if path := getenv("FOREBAY_CONFIG"); path != "" {
		return path, true
	}
	const here = "forebay.yaml"
	if _, err := os.Stat(here); errors.Is(err, os.ErrNotExist) {
		return "", false
	}
	return here, true
}

// Load reads a file, fills in defaults and checks it. Its error joins everything that is wrong, each with file, line
// and key. It starts nothing and makes no files, so that it can also try a file that shall be reloaded.
func Load(path string, o Options) (*Config, error) {
	text, err := readFile(path)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	d := &decoder{
		report:  report{file: path, lines: map[string]int{}},
		dir:     filepath.Dir(path),
		getenv:  o.Getenv,
		anchors: map[string]ast.Node{},
		secrets: !o.NoSecrets,
	}
	c, err := d.config(text)
	if err != nil {
		return nil, err
	}
	d.decoding = d.problems
	d.check(c, o)
	if err := d.err(); err != nil {
		return nil, err
	}
	c.complete()
	c.dataWhere = d.at("data", nil).where()
	c.Warnings = d.warnings
	return c, nil
}

// config decodes a file over the defaults. Its error is that the file is no YAML; what else is wrong is in the report.
func (d *decoder) config(text []byte) (*Config, error) {
	c := defaults()
	c.File = d.file
	c.Data = d.path(defaultData)
	text = bytes.TrimPrefix(text, []byte("\ufeff")) // the byte order mark that some editors write
	file, err := parse(text, parseTime)
	if err != nil {
		return nil, d.syntax(text, err)
	}
	if len(file.Docs) > 1 {
		return nil, d.at("", errors.New("want one YAML document and no directives"))
	}
	for _, doc := range file.Docs {
		if doc.Body != nil { // nil: nothing but comments
			d.value("", doc.Body, reflect.ValueOf(c).Elem())
		}
	}
	return c, nil
}

// syntax shortens an error of the parser to its message: its full text shows lines of the file, and so secrets.
func (d *decoder) syntax(text []byte, err error) problem {
	p := problem{file: d.file, err: errNotYAML}
	var refused problem
	if errors.As(err, &refused) {
		p.line, p.err = refused.line, refused.err
	}
	var y yaml.Error
	if !errors.As(err, &y) {
		return p
	}
	p.err = errors.New(y.GetMessage())
	if token := y.GetToken(); token != nil {
		p.line = token.Position.Line
	}
	lines := strings.Split(string(text), "\n")
	if p.line > 0 && p.line <= len(lines) && strings.Contains(lines[p.line-1], "${") {
		p.err = fmt.Errorf(`%w; a value with ${NAME} inside { } or [ ] needs quotes: "${NAME}"`, p.err)
	}
	return p
}
