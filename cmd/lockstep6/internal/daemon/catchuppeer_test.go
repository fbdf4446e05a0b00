package daemon

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"iter"
	"log/slog"
	"math/big"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/query"
	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/io/leasequery"
)

// A told is a peer that is asked: its leases by clients' numbers, each granted by a node.
type told struct {
	id     []byte
	grants map[byte][]byte // by client: who granted its lease, by DUID
	last   binding.Time    // when all were heard last, by the peer's clock
	now    binding.Time    // its clock
	gap    bool
	hidden []wire.OptionCode
	during func()                                    // called while it answers
	lying  func(yield func(query.Found, error) bool) // what it tells instead
}

func (p *told) ServerID() []byte                     { return p.id }
func (p *told) Now() binding.Time                    { return p.now }
func (p *told) OnLink([16]byte) bool                 { return true }
func (p *told) Whole(*query.Question) bool           { return !p.gap }
func (p *told) Granter(owner uint8) []byte           { return p.grants[owner] }
func (p *told) never() iter.Seq2[query.Found, error] { return func(func(query.Found, error) bool) {} }

func (p *told) Watch(context.Context, *query.Question) iter.Seq2[query.Found, error] {
	return p.never()
}
func (p *told) Since(context.Context, *query.Question) iter.Seq2[query.Found, error] {
	return p.never()
}

func (p *told) Find(context.Context, *query.Question) iter.Seq2[query.Found, error] {
	if p.lying != nil {
		return p.lying
	}
	return func(yield func(query.Found, error) bool) {
		for client := range p.grants {
			if !yield(p.found(client), nil) {
				return
			}
		}
		if p.during != nil {
			p.during()
		}
	}
}

// found is a client with its prefix.
func (p *told) found(client byte) query.Found {
	return query.Found{Client: query.Client{{
		Key: keyOf(client), Kind: wire.IAPD, IAID: 5, DUID: []byte{0, 4, client}, State: binding.Bound, Owner: client,
		Preferred: 3000, Valid: 4000, LastTransaction: p.last, Since: p.last - 1000, Expires: p.now + 3000,
	}}}
}

// keyOf is a client's prefix.
func keyOf(client byte) binding.Key {
	return binding.Key{Address: [16]byte{0x20, 1, 0xd, 0xb8, 0x80, 0, client}, Length: 56}
}

// serve has the peer answer somewhere.
func (p *told) serve(t *testing.T, secure *tls.Config) netip.AddrPort {
	t.Helper()
	limits := leasequery.DefaultLimits
	r := leasequery.NewResponder(p, leasequery.Rules{Requestors: []netip.Prefix{netip.MustParsePrefix("::1/128")}, Hidden: p.hidden, Limits: limits})
	s, err := leasequery.Open(r, leasequery.Config{Listen: []netip.AddrPort{netip.MustParseAddrPort("[::1]:0")}, Logger: slog.New(slog.DiscardHandler), TLS: secure})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- s.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-done, s.Close()); err != nil {
			t.Error(err)
		}
	})
	return s.Addresses()[0]
}

// deadPort is one of ::1 that connections are refused at, and that nobody else gets while the test runs.
func deadPort(t *testing.T) netip.AddrPort {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	if err := unix.Bind(fd, &unix.SockaddrInet6{Addr: netip.IPv6Loopback().As16()}); err != nil {
		t.Fatal(err)
	}
	at, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return netip.AddrPortFrom(netip.IPv6Loopback(), uint16(at.(*unix.SockaddrInet6).Port))
}

// certificate writes a certificate that vouches for itself, for ::1.
func certificate(t *testing.T, dir string) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IsCA: true, BasicConstraintsValid: true, IPAddresses: []net.IP{net.IPv6loopback},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{"node.pem": {Type: "CERTIFICATE", Bytes: der}, "node.key": {Type: "EC PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d := &Daemon{options: Options{ConfigFile: filepath.Join(dir, "test.yaml")}}
	c, err := d.queryTLS(&config.LeasequeryTLS{Certificate: "node.pem", Key: "node.key", Authorities: "node.pem"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}
