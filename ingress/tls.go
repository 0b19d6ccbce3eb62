package ingress

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// TLSConfig serves the certificate in the PEM files cert and key, and reads them again once they change. With a
// clientCA, a PEM file too, only clients with a certificate of one of its authorities may connect. TLS 1.2 at least.
func TLSConfig(cert, key, clientCA string) (*tls.Config, error) {
	files := &certificate{cert: cert, key: key}
	if err := files.load(); err != nil {
		return nil, fmt.Errorf("tls: %w", err)
	}
	c := &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"h2", "http/1.1"},
		GetCertificate: files.get,
	}
	if clientCA == "" {
		return c, nil
	}
	pool, err := authorities(clientCA)
	if err != nil {
		return nil, fmt.Errorf("tls: client_ca: %w", err)
	}
	c.ClientCAs, c.ClientAuth = pool, tls.RequireAndVerifyClientCert
	return c, nil
}

func authorities(file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errors.New("no certificate in " + file)
	}
	return pool, nil
}

// A certificate is a pair of files and what they held when last read.
type certificate struct {
	cert, key string

	mu    sync.Mutex
	pair  *tls.Certificate
	stamp [2]time.Time // modification times of cert and key
}

// get gives the certificate for a handshake. Files that cannot be read, half written perhaps, leave the old one in
// use until a later handshake finds them whole.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if stamp, err := c.stat(); err == nil && stamp != c.stamp {
		_ = c.read(stamp)
	}
	return c.pair, nil
}

func (c *certificate) load() error {
	stamp, err := c.stat()
	if err != nil {
		return err
	}
	return c.read(stamp)
}

func (c *certificate) read(stamp [2]time.Time) error {
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		return err
	}
	c.pair, c.stamp = &pair, stamp
	return nil
}

func (c *certificate) stat() (stamp [2]time.Time, err error) {
	for i, name := range []string{c.cert, c.key} {
		info, err := os.Stat(name)
		if err != nil {
			return stamp, err
		}
		stamp[i] = info.ModTime()
	}
	return stamp, nil
}
