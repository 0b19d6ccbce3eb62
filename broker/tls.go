package broker

import (
	"bytes"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"os"
)

// serverTLS is what the embedded server shows to its clients, or nil. The files are read again for every client, so a
// certificate may be renewed while the server runs.
func serverTLS(t TLS) (*tls.Config, error) {
	if t.Cert == "" {
		return nil, nil
	}
	read := func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		pair, err := tls.LoadX509KeyPair(t.Cert, t.Key)
		return &pair, err
	}
	if _, err := read(nil); err != nil {
		return nil, err
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: read}, nil
}

var errPin = errors.New("the server shows another certificate than the file of nats.tls.cert")

// pinned trusts a server that shows the certificate of a file, and no other. Our own commands call the embedded server
// by an address that its certificate need not name.
func pinned(file string) (*tls.Config, error) {
	read := func() ([]byte, error) {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		block, _ := pem.Decode(text)
		if block == nil || block.Type != "CERTIFICATE" {
			return nil, errors.New(file + " does not begin with a certificate in PEM")
		}
		return block.Bytes, nil
	}
	if _, err := read(); err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true, // VerifyConnection is stricter
		VerifyConnection: func(s tls.ConnectionState) error {
			want, err := read()
			if err == nil && !bytes.Equal(s.PeerCertificates[0].Raw, want) {
				err = errPin
			}
			return err
		},
	}, nil
}
