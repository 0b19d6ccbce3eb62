package config

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"github.com/forebayhq/forebay/provider"
)

// A Source is one configured instance of a provider.
type Source struct {
	// Provider is the product that sends: ssofy, mgpass. Required.
	Provider string `yaml:"provider"`
	// Path is where it is called. Taken as written, nothing is cleaned; non-ASCII characters count percent-encoded.
	// Default: /webhooks/ and the name of the source.
	Path string `yaml:"path"`

	// Secrets are shared with the provider. All are tried, in order, so list the old and the new one while you change
	// it. A source without a secret does not start, unless its options name a key set. Once loaded, the secrets of files
	// are here too.
	Secrets Secrets `yaml:"secrets"`
	// SecretFile is a file that holds one secret; one newline at its end is cut.
	SecretFile Path `yaml:"secret_file"`
	// SecretFiles are several of them.
	SecretFiles []Path `yaml:"secret_files"`

	// Dedupe is how long a repeated delivery of this source is known. Default: journal.dedupe.
	Dedupe time.Duration `yaml:"dedupe"`
	// PublicURL is public_url for this source. Default: public_url.
	PublicURL URL `yaml:"public_url"`

	// Name is its key under sources.
	Name string `yaml:"-"`
	// Where is "forebay.yaml:12: sources.acme", to put before errors about it.
	Where string `yaml:"-"`
	// Options decodes the options of the provider, which stand under a key named like it, by the yaml tags of a struct;
	// lists are replaced and mappings added to. Its errors name file, line and key. Nil if there are none.
	Options func(into any) error `yaml:"-" json:"-"`
}

// Sources are sources in the order of the file.
type Sources []Source

// Config is what the constructor of its provider is given.
func (s Source) Config(now func() time.Time) provider.Config {
	secrets := make([]string, len(s.Secrets))
	for i, secret := range s.Secrets {
		secrets[i] = string(secret)
	}
	return provider.Config{
		Source:    s.Name,
		Secrets:   secrets,
		Path:      s.Path,
		PublicURL: s.PublicURL.URL,
		Options:   s.Options,
		Now:       now,
	}
}

// Find gives the source of a name.
func (s Sources) Find(name string) (Source, bool) {
	for _, source := range s {
		if source.Name == name {
			return source, true
		}
	}
	return Source{}, false
}

func (s *Sources) decodeNode(d *decoder, key string, n ast.Node) {
	for _, e := range d.entries(key, n) {
		source := Source{Name: e.name, Path: "/webhooks/" + e.name, Where: d.at(e.key, nil).where()}
		source.Options = d.withOptions(e, reflect.ValueOf(&source).Elem(), &source.Provider, "provider")
		*s = append(*s, source)
	}
}

// withOptions fills a struct of what a list chooses by name: a provider, a job. The one key that the struct does not have
// is named like the choice and holds the options of its own, decoded later.
func (d *decoder) withOptions(e entry, into reflect.Value, choice *string, kind string) (options func(into any) error) {
	n := d.resolve(e.key, e.node)
	if n == nil {
		return nil
	}
	var others []entry
	d.record(e.key, n, into, func(o entry) { others = append(others, o) })
	for _, o := range others {
		if o.name != *choice {
			d.fail(o.key, "unknown key; known here: %s, and the name of the %s for its own options",
				names(tagged(into.Type())), kind)
			continue
		}
		if o.node = d.resolve(o.key, o.node); o.node != nil {
			options = d.options(o)
		}
	}
	return options
}

// options decodes an entry later, when its provider or job says into what.
func (d *decoder) options(e entry) func(into any) error {
	return func(into any) error {
		v := reflect.ValueOf(into)
		if v.Kind() != reflect.Pointer || v.IsNil() {
			return fmt.Errorf("decode %s: want a pointer, have %T", e.key, into)
		}
		own := &decoder{
			report:  report{file: d.file, lines: maps.Clone(d.lines)},
			dir:     d.dir,
			getenv:  d.getenv,
			anchors: maps.Clone(d.anchors),
		}
		own.value(e.key, e.node, v.Elem())
		return own.err()
	}
}

// inherit takes over what the configuration says for all sources.
func (s *Source) inherit(c *Config) {
	if s.Dedupe == 0 {
		s.Dedupe = c.Journal.Dedupe
	}
	if s.PublicURL.URL == nil {
		s.PublicURL = c.PublicURL
	}
	s.Path = provider.EscapeNonASCII(s.Path)
}

// checkPath says what keeps a path from ever being called.
func checkPath(path string) error {
	if len(path) == 0 || path[0] != '/' {
		return errors.New("must start with /")
	}
	for i := range len(path) {
		switch c := path[i]; {
		case c == '?' || c == '#':
			return errors.New("must have neither query nor fragment")
		case c <= ' ' || c == 0x7f:
			return errors.New("must have neither blanks nor control characters")
		}
	}
	plain, err := url.PathUnescape(path)
	if err != nil {
		return errors.New("has a % that two hexadecimal digits do not follow")
	}
	path = provider.EscapeNonASCII(path)
	if u := (url.URL{Path: plain, RawPath: path}); u.EscapedPath() != path {
		return errors.New(`has one of " < > \ ^ { | } and backtick: write it as senders do, %7C for |`)
	}
	return nil
}

var sourceName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)

func (d *decoder) checkSources(sources Sources, providers []string) {
	if len(sources) == 0 {
		d.warn("sources", "none configured: every delivery is answered 404")
	}
	first := map[string]string{} // name of the source by path
	for i := range sources {
		s := &sources[i]
		key := "sources." + s.Name
		d.checkSource(key, s, providers)
		path := provider.EscapeNonASCII(s.Path)
		if other, taken := first[path]; taken {
			d.fail(key, "has the same path as sources.%s: set another path", other)
			continue
		}
		first[path] = s.Name
	}
}

func (d *decoder) checkSource(key string, s *Source, providers []string) {
	if !sourceName.MatchString(s.Name) {
		d.fail(key, "want a name of 1 to 64 characters a-z, 0-9, _ and -, the first a letter or a digit")
	}
	known := strings.Join(slices.Sorted(slices.Values(providers)), ", ")
	switch {
	case s.Provider == "":
		d.fail(key, "needs a provider; known: %s", known)
	case !slices.Contains(providers, s.Provider):
		d.fail(key+".provider", "unknown provider %q; known: %s", s.Provider, known)
	}
	if err := checkPath(s.Path); err != nil {
		d.fail(key+".path", "%w", err)
	}
	if d.has(key + ".dedupe") {
		d.positive(key+".dedupe", int64(s.Dedupe))
	}
	d.checkSecrets(key, s)
}
