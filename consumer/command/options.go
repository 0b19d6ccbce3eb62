package command

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/forebayhq/forebay/consumer"
)

// Options are the settings of a consumer with "run: command".
type Options struct {
	// Argv is the program and its arguments, as a list: no shell reads it. ["python3", "sync.py"]. A program without a
	// slash is looked for in PATH, one with a relative path in Dir. It must be there when the configuration is read.
	// Others on the machine can see the arguments: a secret goes to Env. Required.
	Argv []string `yaml:"argv"`
	// Dir is the working directory. Default: where forebay was started.
	Dir Path `yaml:"dir"`

	// Inherit names variables of forebay's environment that the program gets, beside PATH, HOME and LANG. A variable that
	// is not set is left out. Default: none.
	Inherit []string `yaml:"inherit"`
	// Env are further variables. FOREBAY_* and TRACEPARENT cannot be set. Default: none.
	Env map[string]string `yaml:"env"`

	// Timeout is how long a program may take. Then its process group gets SIGTERM. Timeout and Grace together should be
	// shorter than the consumer's own timeout, which ends it too. Default: 20s.
	Timeout time.Duration `yaml:"timeout"`
	// Grace is how long a program may go on after SIGTERM. Then its process group gets SIGKILL. Default: 5s.
	Grace time.Duration `yaml:"grace"`
	// MaxRetryAfter bounds what a program may ask for by retry-after. Default: 1h.
	MaxRetryAfter time.Duration `yaml:"max_retry_after"`

	// LogOutput logs what a program writes, the last 8 KiB of standard output and of standard error, and puts the last
	// line of standard error into the error of an attempt that failed, and so into its dead letter. Otherwise only its
	// size is logged: it may hold what is secret. Default: false.
	LogOutput bool `yaml:"log_output"`
}

// A Path names a folder. In a configuration file a relative one starts at the folder of that file.
type Path string

// readOptions decodes the options over their defaults and refuses what cannot work.
func readOptions(c consumer.JobConfig) (Options, error) {
	o := Options{Timeout: 20 * time.Second, Grace: 5 * time.Second, MaxRetryAfter: time.Hour}
	if err := c.Options(&o); err != nil {
		return o, err
	}
	return o, o.check()
}

func (o Options) check() error {
	switch {
	case len(o.Argv) == 0 || o.Argv[0] == "":
		return errors.New("argv: missing")
	case strings.Contains(strings.Join(o.Argv, ""), "\x00"):
		return errors.New("argv: has a NUL")
	case o.Timeout <= 0:
		return errors.New("timeout: want more than zero")
	case o.Grace <= 0:
		return errors.New("grace: want more than zero")
	case o.MaxRetryAfter <= 0:
		return errors.New("max_retry_after: want more than zero")
	}
	if err := o.checkDir(); err != nil {
		return fmt.Errorf("dir: %w", err)
	}
	return o.checkEnvironment()
}

func (o Options) checkDir() error {
	if o.Dir == "" {
		return nil
	}
	info, err := os.Stat(string(o.Dir))
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%s is no folder", o.Dir)
	}
	return err
}

// variable is what POSIX lets a name be, small letters too.
var variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func (o Options) checkEnvironment() error {
	for _, name := range o.Inherit {
		if err := checkName(name); err != nil {
			return fmt.Errorf("inherit: %w", err)
		}
	}
	for name, value := range o.Env {
		if err := checkName(name); err != nil {
			return fmt.Errorf("env: %w", err)
		}
		if strings.Contains(value, "\x00") {
			return fmt.Errorf("env: %s has a NUL", name)
		}
	}
	return nil
}

func checkName(name string) error {
	if !variable.MatchString(name) {
		return fmt.Errorf("%q is no name of a variable", name)
	}
	if strings.HasPrefix(name, "FOREBAY_") || name == "TRACEPARENT" {
		return fmt.Errorf("%s is not for you to set", name)
	}
	return nil
}

// find gives the absolute path of the program.
func (o Options) find() (string, error) {
	name := o.Argv[0]
	if strings.ContainsRune(name, '/') && !filepath.IsAbs(name) {
		path, err := filepath.Abs(filepath.Join(string(o.Dir), name))
		if err != nil {
			return "", err
		}
		name = path
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", err
	}
	return filepath.Abs(path)
}
