package webhook

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"
)

// client makes the HTTP client of the job. It reads nothing of the environment, follows no redirect and keeps no cookie.
func (o Options) client() (*http.Client, error) {
	proxy, err := o.proxy()
	if err != nil {
		return nil, fmt.Errorf("proxy: %w", err)
	}
	config, err := o.TLS.config()
	if err != nil {
		return nil, fmt.Errorf("tls: %w", err)
	}
	return &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy:                  proxy,
			DialContext:            (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
			TLSClientConfig:        config,
			TLSHandshakeTimeout:    10 * time.Second,
			MaxConnsPerHost:        o.MaxConnections,
			MaxIdleConnsPerHost:    o.MaxConnections,
			IdleConnTimeout:        90 * time.Second,
			MaxResponseHeaderBytes: 64 << 10,
			DisableCompression:     true, // nobody reads the answer
			ForceAttemptHTTP2:      true, // which a dialer and TLS settings of our own switch off
			// A connection that died without a word is noticed, although requests go on being put on it.
			HTTP2: &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 5 * time.Second},
		},
	}, nil
}

// proxy says which one a request goes through. The error does not repeat the URL: there may be a password in it.
func (o Options) proxy() (func(*http.Request) (*url.URL, error), error) {
	if o.Proxy == "" {
		return nil, nil
	}
	u, err := url.Parse(o.Proxy)
	if err != nil || u.Hostname() == "" {
		return nil, errors.New("want an absolute URL such as http://proxy.example.com:3128")
	}
	switch u.Scheme {
	case "http", "https", "socks5", "socks5h":
		return http.ProxyURL(u), nil
	}
	return nil, errors.New("want http, https or socks5")
}

func (t TLS) config() (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if t.CA != "" {
		pem, err := os.ReadFile(string(t.CA))
		if err != nil {
			return nil, fmt.Errorf("ca: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("ca: %s holds no certificate", t.CA)
		}
	}
	if t.Cert != "" {
		pair, err := tls.LoadX509KeyPair(string(t.Cert), string(t.Key))
		if err != nil {
			return nil, fmt.Errorf("cert and key: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}
