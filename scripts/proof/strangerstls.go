package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// encrypted is the outside of a listener with TLS: HTTP/2, its streams reset by the thousand, old versions and plain text.
func (c strangersCommand) encrypted(ctx context.Context, p *prover, n int, sum *tally) error {
	dir, err := os.MkdirTemp(p.Dir, "tls-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }() // the prover removes what is around it
	keys, err := writeCertificate(dir)
	if err != nil {
		return err
	}
	return p.trial(n, setup{more: keys}, func(t *trial) error {
		plain := t.daemon.webhooks
		t.daemon.webhooks = "https://" + host(plain)
		if err := t.start(ctx); err != nil {
			return err
		}
		s := t.newSender(p.dice(t.round, 3000))
		s.client = newTLSClient()
		defer s.client.CloseIdleConnections()
		found := &findings{}
		c.honest(ctx, s, found)
		c.reset(ctx, s, found)
		c.old(ctx, t, plain, found)
		c.honest(ctx, s, found)
		part, err := t.settle(ctx, time.Now())
		if err != nil {
			return err
		}
		found.report(part)
		sum.add(part)
		return t.daemon.stop()
	})
}

func newTLSClient() *http.Client {
	return &http.Client{Timeout: answerTime, Transport: &http.Transport{
		ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
	}}
}

// honest sends deliveries that must be accepted, over HTTP/2.
func (c strangersCommand) honest(ctx context.Context, s *sender, found *findings) {
	for range 20 {
		if status, _, _, err := s.send(ctx, s.fresh()); !succeeded(status) && over(ctx, ctx.Err()) {
			found.add("an honest delivery over HTTP/2: %d, %v", status, err)
		}
	}
}

// reset begins requests and takes each back at once, all on one connection.
func (c strangersCommand) reset(ctx context.Context, s *sender, found *findings) {
	d := s.fresh("rewards")
	d.tamper()
	for n := range 2000 {
		ctx, cancel := context.WithTimeout(ctx, time.Duration(n%10)*100*time.Microsecond)
		request, err := d.request(s.trial.daemon.webhooks)
		if err != nil {
			found.add("%v", err)
		} else {
			found.tried("a stream that was reset", attempt(ctx, s.client, request))
		}
		cancel()
	}
}

// old tries plain text and a version of TLS that nobody should use.
func (c strangersCommand) old(ctx context.Context, t *trial, plain string, found *findings) {
	statuses, err := talk(ctx, host(plain), rawHead+"Content-Length: 2\r\n\r\n{}")
	if err != nil {
		found.add("plain text: %v", err)
	}
	for _, status := range statuses {
		found.tried("plain text on a TLS listener", status)
	}
	dialer := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}}
	if conn, err := dialer.DialContext(ctx, "tcp", host(t.daemon.webhooks)); err == nil {
		_ = conn.Close()
		found.add("TLS 1.1 is spoken")
	}
}

// writeCertificate makes a certificate of its own, and gives the keys of the configuration that name it.
func writeCertificate(dir string) (keys string, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return "", err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "", err
	}
	cert, secret := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	err = errors.Join(
		os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600),
		os.WriteFile(secret, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
	return fmt.Sprintf("tls: {cert: %q, key: %q}", cert, secret), err
}
