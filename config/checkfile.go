package config

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"strings"

	"github.com/forebayhq/forebay/schema"
)

// checkTLS checks a certificate, its private key and the authorities of the other side.
func (d *decoder) checkTLS(key string, cert, private Path, caKey string, ca Path) {
	if (cert == "") != (private == "") {
		d.fail(key, "cert and key need each other")
	}
	found := d.checkFile(key+".cert", cert)
	found = d.checkPrivate(key+".key", private) && found
	if cert != "" && private != "" && found {
		if _, err := tls.LoadX509KeyPair(string(cert), string(private)); err != nil {
			d.fail(key, "cert and key: %s: want a certificate and its private key, both in PEM",
				strings.TrimPrefix(err.Error(), "tls: "))
		}
	}
	if ca != "" && d.checkFile(key+"."+caKey, ca) {
		text, err := os.ReadFile(string(ca))
		if err != nil || !x509.NewCertPool().AppendCertsFromPEM(text) {
			d.fail(key+"."+caKey, "no certificate in %s: want PEM", ca)
		}
	}
}

// checkFile refuses a file that cannot be read. No file is fine.
func (d *decoder) checkFile(key string, file Path) (ok bool) {
	if file == "" {
		return true
	}
	f, err := os.Open(string(file))
	if err != nil {
		d.fail(key, "%w", err)
		return false
	}
	_ = f.Close() // read only
	return true
}

// checkPrivate is checkFile for what nobody else should read.
func (d *decoder) checkPrivate(key string, file Path) (ok bool) {
	if info, err := os.Stat(string(file)); err == nil && info.Mode().Perm()&0o004 != 0 {
		d.warn(key, "everybody on this machine can read %s: chmod 600", file)
	}
	return d.checkFile(key, file)
}

// checkRecipient refuses a file that nothing can be sealed to.
func (d *decoder) checkRecipient(file Path) {
	if file == "" || !d.checkFile("seal.recipient", file) {
		return
	}
	text, err := os.ReadFile(string(file))
	if err == nil {
		_, err = schema.NewSealer(text)
	}
	if err != nil {
		d.fail("seal.recipient", `%s: %w: name a public key as "forebay seal keygen" writes it`, file, err)
	}
}
