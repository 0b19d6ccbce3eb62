package config

import (
	"errors"
	"fmt"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/schema"
)

// An Ack is what a success answer promises: schema.StoredJournal or schema.StoredStream.
type Ack string

// UnmarshalText takes "journal" and "stream".
func (a *Ack) UnmarshalText(text []byte) error {
	switch string(text) {
	case schema.StoredJournal, schema.StoredStream:
		*a = Ack(text)
		return nil
	}
	return fmt.Errorf("want %s or %s", schema.StoredJournal, schema.StoredStream)
}

// A Path names a file or folder. In a configuration file a relative one starts at the folder of that file.
type Path string

// A Size is a number of bytes.
type Size int64

var sizeUnits = []struct {
	suffix string
	bytes  int64
}{
	{"KiB", kib}, {"MiB", mib}, {"GiB", gib}, {"TiB", 1 << 40},
	{"kB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12},
}

// UnmarshalText takes whole numbers with a unit, 10GiB, or without, 1048576.
func (s *Size) UnmarshalText(text []byte) error {
	digits, unit := string(text), int64(1)
	for _, u := range sizeUnits {
		if number, ok := strings.CutSuffix(digits, u.suffix); ok {
			digits, unit = number, u.bytes
			break
		}
	}
	n, err := strconv.ParseUint(digits, 10, 63)
	if err != nil || n > uint64(math.MaxInt64/unit) {
		return errors.New("want a size such as 10GiB, 512KiB or 1048576")
	}
	*s = Size(int64(n) * unit)
	return nil
}

// A Rate is a number per second.
type Rate float64

var rateUnits = map[string]float64{"s": 1, "m": 60, "h": 3600}

// UnmarshalText takes a number per second, minute or hour: 200/s, 3000/m, 10000/h.
func (r *Rate) UnmarshalText(text []byte) error {
	number, per, _ := strings.Cut(string(text), "/")
	n, err := strconv.ParseFloat(number, 64)
	seconds, known := rateUnits[per]
	if err != nil || !known || !(n > 0) || math.IsInf(n, 0) {
		return errors.New("want a rate above zero such as 200/s, 3000/m or 10000/h")
	}
	*r = Rate(n / seconds)
	return nil
}

// A URL is absolute, http or https, without user, query, fragment and final slash. The zero URL means none.
type URL struct{ *url.URL }

var (
	errURL  = errors.New("want an absolute URL such as https://hooks.example.com, without user, query and fragment")
	errHost = errors.New("want the host in ASCII, as senders call it: xn--bcher-kva.example for bücher.example")
)

// UnmarshalText takes https://hooks.example.com/prefix. Its error does not repeat the text: there may be a password
// in it.
func (u *URL) UnmarshalText(text []byte) error {
	p, err := url.Parse(strings.TrimRight(string(text), "/"))
	if err != nil || (p.Scheme != "http" && p.Scheme != "https") || p.Hostname() == "" {
		return errURL
	}
	if p.User != nil || p.RawQuery != "" || p.ForceQuery || p.Fragment != "" {
		return errURL
	}
	if provider.EscapeNonASCII(p.Host) != p.Host {
		return errHost
	}
	u.URL = p
	return nil
}

// String gives the URL, or nothing for none.
func (u URL) String() string {
	if u.URL == nil {
		return ""
	}
	return u.URL.String()
}

// MarshalText gives what String does.
func (u URL) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// UnmarshalText takes the word off.
func (s *Seal) UnmarshalText(text []byte) error {
	if string(text) != "off" {
		return errors.New("want {recipient: FILE} or off")
	}
	s.Off = true
	return nil
}

func parseDuration(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, errors.New("want a duration such as 90s, 15m or 96h")
	}
	return d, nil
}
