package config

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/forebayhq/forebay/schema"
)

// check notes everything that cannot work, reads the files with secrets, and warns of what should be seen.
func (d *decoder) check(c *Config, o Options) {
	d.checkAddresses(c)
	d.checkTLS("tls", c.TLS.Cert, c.TLS.Key, "client_ca", c.TLS.ClientCA)
	if c.TLS.ClientCA != "" && !c.TLS.Enabled() {
		d.fail("tls.client_ca", "needs tls.cert and tls.key")
	}
	d.checkJournal(c)
	d.checkNATS(c.NATS)
	d.checkUsers(c.NATS, c.Consumers)
	d.checkSeal(c)
	d.checkStream(c)
	d.checkLimits(c.Limits)
	d.checkTraces(c.Traces)
	for i, action := range c.Lanes.Urgent {
		d.checkAction(fmt.Sprintf("lanes.urgent[%d]", i), action)
	}
	d.checkSources(c.Sources, o.Providers)
	d.checkConsumers(c.Consumers, o.Jobs)
}

func (d *decoder) checkAddresses(c *Config) {
	d.checkAddress("listen", c.Listen)
	d.checkAddress("admin", c.Admin)
	d.checkAddress("nats.listen", c.NATS.Listen)
	if c.Listen == c.Admin && !strings.HasSuffix(c.Admin, ":0") {
		d.fail("admin", "is the same address as listen: webhooks come from outside, admin is for you alone")
	}
	if !isLoopback(c.Admin) {
		d.warn("admin", "is not a loopback address: whoever reaches it sees and does what you can")
	}
	if !c.NATS.External() && !isLoopback(c.NATS.Listen) && len(c.NATS.logins()) == 0 {
		d.warn("nats.listen", "is not a loopback address: set nats.token, or nats.user and nats.password")
	}
	for i, host := range c.AdminHosts {
		if c.AdminHosts[i] = strings.ToLower(host); !hostName.MatchString(host) {
			d.fail(fmt.Sprintf("admin_hosts[%d]", i), "want a name such as forebay.example.com, without a port")
		}
	}
	if c.Data == "" {
		d.fail("data", "want a folder")
	}
}

var hostName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$`)

func (d *decoder) checkAddress(key, address string) {
	_, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		d.fail(key, "want host:port such as 127.0.0.1:8080")
	}
}

func isLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil || host == "localhost" {
		return true // the former is an error already
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

func (d *decoder) checkJournal(c *Config) {
	d.positive("journal.max_bytes", int64(c.Journal.MaxBytes))
	d.positive("journal.dedupe", int64(c.Journal.Dedupe))
	if c.Ack != schema.StoredJournal {
		return
	}
	if guard := 2 * c.syncInterval(); d.has("journal.guard") && c.Journal.Guard < guard {
		d.warn("journal.guard", "is below %s, twice the sync interval: events may be lost with the broker's memory", guard)
	}
}

func (d *decoder) checkNATS(n NATS) {
	d.checkPrivate("nats.creds", n.Creds)
	d.checkPrivate("nats.nkey", n.NKey)
	d.checkTLS("nats.tls", n.TLS.Cert, n.TLS.Key, "ca", n.TLS.CA)
	if err := checkServers(n.URL); err != nil {
		d.fail("nats.url", "%w", err)
	}
	if (n.User == "") != (n.Password == "") {
		d.fail("nats", "user and password need each other")
	}
	used := n.logins()
	if len(used) > 1 {
		d.fail("nats", "%s: choose one", strings.Join(used, ", "))
	}
	d.checkOwn(n, "creds", n.Creds != "")
	d.checkOwn(n, "nkey", n.NKey != "")
	d.checkOwn(n, "tls.ca", n.TLS.CA != "")
}

// checkUsers refuses users of the embedded broker who could not log in, or had nothing to do.
func (d *decoder) checkUsers(n NATS, consumers Consumers) {
	if len(n.Users) > 0 && n.External() {
		d.fail("nats.users", "are of the embedded broker: your own has users of its own")
	}
	if len(n.Users) > 0 && !n.External() && (n.User == "" || n.Password == "") {
		d.fail("nats.users", "need nats.user and nats.password beside them, for you and for forebay's commands")
	}
	for _, name := range slices.Sorted(maps.Keys(n.Users)) {
		key, user := "nats.users."+name, n.Users[name]
		if name == n.User || !subjectToken.MatchString(name) {
			d.fail(key, "want a name of 1 to 64 letters, digits, _ and -, other than nats.user")
		}
		if user.Password == "" {
			d.fail(key, `needs a password: {password: "${NAME}"}`)
		}
		if len(user.Consumers) == 0 {
			d.fail(key, "needs consumers: those whose durables it may work off")
		}
		d.checkDurables(key+".consumers", user.Consumers, consumers)
	}
}

func (d *decoder) checkDurables(key string, names []string, consumers Consumers) {
	for i, name := range names {
		known := slices.ContainsFunc(consumers, func(c Consumer) bool { return c.Name == name })
		if !known || slices.Contains(names[:i], name) {
			d.fail(fmt.Sprintf("%s[%d]", key, i), "want the name of one under consumers, once")
		}
	}
}

// checkOwn refuses a key of nats that the embedded broker has no use for.
func (d *decoder) checkOwn(n NATS, key string, set bool) {
	if set && !n.External() {
		d.fail("nats."+key, "is for a broker of your own: set nats.url")
	}
}

// logins gives the keys of the credentials that are set.
func (n NATS) logins() []string {
	var used []string
	for _, login := range []struct {
		key string
		set bool
	}{{"creds", n.Creds != ""}, {"nkey", n.NKey != ""}, {"token", n.Token != ""}, {"user", n.User != ""}} {
		if login.set {
			used = append(used, login.key)
		}
	}
	return used
}

// checkServers checks the addresses of brokers, with commas between. Errors do not repeat them.
func checkServers(urls string) error {
	for server := range strings.SplitSeq(urls, ",") {
		server = strings.TrimSpace(server)
		if server == "" && urls == "" {
			return nil
		}
		if !strings.Contains(server, "://") {
			server = "nats://" + server
		}
		u, err := url.Parse(server)
		if err != nil || u.Hostname() == "" || !slices.Contains([]string{"nats", "tls", "ws", "wss"}, u.Scheme) {
			return errors.New("want a server such as nats://nats.internal:4222, or several with commas between")
		}
		if u.User != nil {
			return errors.New("credentials have keys of their own: nats.user and nats.password, or nats.token")
		}
	}
	return nil
}

func (d *decoder) checkSeal(c *Config) {
	d.checkRecipient(c.Seal.Recipient)
	if isPrivateKey(c.Seal.Recipient) {
		d.warn("seal.recipient", `%s is a private key, which opens what is sealed and belongs elsewhere: `+
			`name the public one here, as "forebay seal keygen" writes it beside`, c.Seal.Recipient)
	}
	if c.NATS.External() && !c.Seal.Off && c.Seal.Recipient == "" {
		d.fail("nats.url", `a broker of your own needs a word on secrets inside events: "seal: {recipient: FILE}" encrypts `+
			`them to a key made with "forebay seal keygen", "seal: off" leaves them readable`)
	}
}

var (
	streamName   = regexp.MustCompile(`^[A-Za-z0-9_-]{1,255}$`)
	subjectToken = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
)

func (d *decoder) checkStream(c *Config) {
	s := c.Stream
	if !streamName.MatchString(s.Name) {
		d.fail("stream.name", "want letters, digits, _ and -")
	}
	if !subjectToken.MatchString(s.Prefix) {
		d.fail("stream.prefix", "want one subject token: 1 to 64 letters, digits, _ and -")
	}
	if s.Replicas < 1 || s.Replicas > 5 {
		d.fail("stream.replicas", "want 1 to 5")
	}
	if s.Replicas > 1 && !c.NATS.External() {
		d.fail("stream.replicas", "the embedded broker is one server: want 1")
	}
	d.checkDuplicateWindow(c)
	for _, action := range slices.Sorted(maps.Keys(s.Lifetimes)) {
		key := "stream.lifetimes." + string(action)
		d.checkAction(key, action)
		if lifetime := s.Lifetimes[action]; lifetime != 0 && lifetime < time.Second {
			d.fail(key, "want at least 1s, or 0s for none")
		}
	}
}

func (d *decoder) checkDuplicateWindow(c *Config) {
	window := c.duplicateWindow()
	if window > c.Stream.DuplicateWindow && d.has("stream.duplicate_window") {
		d.warn("stream.duplicate_window", "is below the guard window and taken as %s", window)
	}
	if c.Stream.MaxAge > 0 && c.Stream.MaxAge < window {
		d.fail("stream.max_age", "want 0s, or at least the duplicate window of %s", window)
	}
}

func (d *decoder) checkAction(key string, action schema.Action) {
	if !action.Valid() {
		d.fail(key, "want an action such as otp.requested: two words of a-z, 0-9 and _, a full stop between")
	}
}

func (d *decoder) checkLimits(l Limits) {
	if l.Body < kib {
		d.fail("limits.body", "want at least 1KiB: deliveries are larger")
	}
	d.positive("limits.burst", int64(l.Burst))
	d.positive("limits.concurrent", int64(l.Concurrent))
}

func (d *decoder) positive(key string, n int64) {
	if n <= 0 {
		d.fail(key, "want more than zero")
	}
}

func (d *decoder) checkTraces(t Traces) {
	if len(t.Headers) > 0 && t.Endpoint.URL == nil {
		d.fail("traces.headers", "are for traces.endpoint: set it too")
	}
}
