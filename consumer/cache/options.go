package cache

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Options are what stands under cache in the configuration of a consumer.
type Options struct {
	// One server: redis://user:password@host:6379/0, rediss:// for TLS, unix:///run/redis.sock. A value with a secret
	// takes it from the environment: redis://:${REDIS_PASSWORD}@host:6379. Use this or addresses.
	URL string `yaml:"url"`

	// Servers as host:port: the one server, some of a cluster, or the Sentinels of master.
	Addresses []string `yaml:"addresses"`
	// The name that Sentinels know the master by. Given, addresses are those of Sentinels.
	Master string `yaml:"master"`
	// Redis Cluster. Needed with one address only; several without master are a cluster.
	Cluster bool `yaml:"cluster"`
	// How to log in with addresses. Without a user: the default user, by password alone. The user's ACL needs
	// +unlink, and where resets are used +scan or +incr; +ping, and in a cluster +cluster|slots.
	User     string `yaml:"user"`
	Password string `yaml:"password"`
	// How to log in to the Sentinels themselves.
	SentinelUser     string `yaml:"sentinel_user"`
	SentinelPassword string `yaml:"sentinel_password"`
	// The number of the database, with addresses; a cluster has only 0.
	DB int `yaml:"db"`
	// TLS with addresses, or a private authority or client certificate with rediss://. {}: the system's authorities.
	TLS *TLS `yaml:"tls"`

	// Put in front of every key, reset.prefix and reset.generation: what the program's own Redis client puts there.
	Prefix string `yaml:"prefix"`
	// Templates of keys, by action or pattern ("user.*", "*"): the keys to drop. Left out, token.revoked drops
	// request:v1/authenticated/verify:<token> and request:v1/authenticated/user:<token>.
	Keys map[string][]string `yaml:"keys"`
	// What cache.reset does. Left out together with keys, its prefix is request:v1/authenticated/. Left out alone, a
	// cache.reset that reaches the consumer is a dead letter.
	Reset Reset `yaml:"reset"`

	// Templates of URLs, by action or pattern, that get a PURGE request after the keys are dropped, as Varnish, nginx
	// and Squid take them. Scheme and host stand in clear at the beginning; values are escaped. 2xx, 404 and 410 are
	// success; 408, 425, 429, 5xx and no answer mean another attempt; other answers make a dead letter.
	Purge map[string][]string `yaml:"purge"`
	// Headers of the PURGE requests, such as a key that the HTTP cache asks for.
	PurgeHeaders map[string]string `yaml:"purge_headers"`
}

// TLS is how to reach Redis over TLS. Files are PEM.
type TLS struct {
	// The authority of the servers' certificates; left out, those of the system.
	CA Path `yaml:"ca"`
	// Our certificate and its key, where the server asks for them.
	Cert Path `yaml:"cert"`
	Key  Path `yaml:"key"`
	// The name in the servers' certificates, where it is not the host.
	ServerName string `yaml:"server_name"`
}

// Reset is what cache.reset does; one of the two.
type Reset struct {
	// Every key that begins so is dropped, on every master of a cluster: SCAN and UNLINK, which read all keys of the
	// database without blocking it. A key that is written meanwhile may stay. An empty prefix would be every key, and
	// is refused.
	Prefix string `yaml:"prefix"`
	// The number at this key is raised by one: for programs that put it into the names of their keys. An event that is
	// repeated may raise it twice.
	Generation string `yaml:"generation"`
}

// ssofyPrefix begins the keys of SSOfy's reference client; what follows is the path it asked SSOfy for.
const ssofyPrefix = "request:v1/authenticated/"

// ssofyKeys are the keys of SSOfy's reference client (ssofy/laravel, src/Listeners/TokenDeleteListener.php).
func ssofyKeys() map[string][]string {
	return map[string][]string{
		"token.revoked": {ssofyPrefix + "verify:{{.token.value}}", ssofyPrefix + "user:{{.token.value}}"},
	}
}

func (o Options) complete() Options {
	if len(o.Keys) > 0 {
		return o
	}
	o.Keys = ssofyKeys()
	if o.Reset == (Reset{}) {
		o.Reset.Prefix = ssofyPrefix
	}
	return o
}

// check refuses a reset that would drop more than somebody meant.
func (r Reset) check(prefix string) error {
	if r.Prefix != "" && r.Generation != "" {
		return errors.New("reset: prefix and generation: only one of them")
	}
	if r.Prefix != "" && blank(prefix+r.Prefix) {
		return errors.New("reset.prefix: holds no letter or digit, and would drop nearly everything; is it meant as a pattern?")
	}
	if strings.ContainsRune(r.Prefix, '*') {
		return errors.New("reset.prefix: a prefix is no pattern: leave the * out")
	}
	return nil
}

// connection is Options as the client takes them. Its errors hold no password.
func (o Options) connection() (*redis.UniversalOptions, error) {
	c := &redis.UniversalOptions{
		Addrs: o.Addresses, MasterName: o.Master, IsClusterMode: o.Cluster, DB: o.DB,
		Username: o.User, Password: o.Password, SentinelUsername: o.SentinelUser, SentinelPassword: o.SentinelPassword,
		ContextTimeoutEnabled: true, MaxRetries: 1, DialerRetries: 1,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
	switch {
	case o.URL == "" && len(o.Addresses) == 0:
		return nil, errors.New("url or addresses: neither is given")
	case o.URL != "" && (len(o.Addresses) > 0 || o.Master != "" || o.User != "" || o.Password != "" || o.DB != 0):
		return nil, errors.New("url: holds all that addresses, master, user, password and db say: give only one of them")
	case o.Cluster && o.Master != "":
		return nil, errors.New("cluster and master: only one of them")
	case o.DB != 0 && o.cluster():
		return nil, errors.New("db: a cluster has only 0")
	}
	if o.URL != "" {
		if err := fromURL(c, o.URL); err != nil {
			return nil, err
		}
	}
	return c, o.TLS.apply(c)
}

func (o Options) cluster() bool { return o.Cluster || len(o.Addresses) > 1 && o.Master == "" }

func fromURL(c *redis.UniversalOptions, url string) error {
	parsed, err := redis.ParseURL(url)
	if err != nil { // it may quote the URL, and with it the password
		return errors.New("url: not redis://user:password@host:port/db, rediss:// or unix://")
	}
	c.Addrs, c.Username, c.Password, c.DB = []string{parsed.Addr}, parsed.Username, parsed.Password, parsed.DB
	c.TLSConfig = parsed.TLSConfig
	return nil
}

func (t *TLS) apply(c *redis.UniversalOptions) error {
	if t == nil {
		return nil
	}
	if c.TLSConfig == nil {
		c.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	if t.ServerName != "" {
		c.TLSConfig.ServerName = t.ServerName
	}
	if t.CA != "" {
		text, err := os.ReadFile(string(t.CA))
		if err != nil {
			return fmt.Errorf("tls.ca: %w", err)
		}
		c.TLSConfig.RootCAs = x509.NewCertPool()
		if !c.TLSConfig.RootCAs.AppendCertsFromPEM(text) {
			return fmt.Errorf("tls.ca: %s holds no certificate", t.CA)
		}
	}
	if t.Cert == "" && t.Key == "" {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(string(t.Cert), string(t.Key))
	if err != nil {
		return fmt.Errorf("tls.cert and tls.key: %w", err)
	}
	c.TLSConfig.Certificates = []tls.Certificate{pair}
	return nil
}

// blank reports whether a key or prefix names nothing: no letter and no digit.
func blank(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return r >= 0x80 || '0' <= r && r <= '9' || 'a' <= r|0x20 && r|0x20 <= 'z'
	})
}

// A Path names a file. In a configuration file a relative one starts at the folder of that file.
type Path string
