package events

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"testing"

	"github.com/lockstep6/lockstep6/io/admin/contract"
)

// An identity is a certificate that both sides of a connection have, and trust.
type identity struct {
	own   tls.Certificate
	trust *x509.CertPool
}

func certificate(t *testing.T, serial int64) *identity {
	t.Helper()
	file, key := filepath.Join(t.TempDir(), "crt"), filepath.Join(t.TempDir(), "key")
	if err := contract.WriteCertificate(file, key, serial); err != nil {
		t.Fatal(err)
	}
	own, err := tls.LoadX509KeyPair(file, key)
	if err != nil {
		t.Fatal(err)
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	i := &identity{own: own, trust: x509.NewCertPool()}
	i.trust.AppendCertsFromPEM(pem)
	return i
}

func (i *identity) client() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: i.trust, Certificates: []tls.Certificate{i.own}}
}

// server asks for the client's certificate too.
func (i *identity) server() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{i.own}, ClientCAs: i.trust, ClientAuth: tls.RequireAndVerifyClientCert}
}
