package leasequery

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"testing"
	"time"

	"github.com/lockstep6/lockstep6/core/query"
	"github.com/lockstep6/lockstep6/core/wire"
)

// An authority signs certificates.
type authority struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	pool *x509.CertPool
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{key: newKey(t), pool: x509.NewCertPool()}
	a.cert = sign(t, &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}, nil, a.key, a.key)
	a.pool.AddCert(a.cert)
	return a
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func sign(t *testing.T, template, parent *x509.Certificate, key, by *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	if parent == nil {
		parent = template
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, by)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// issue makes a certificate for a name.
func (a *authority) issue(t *testing.T, name string) tls.Certificate {
	t.Helper()
	key := newKey(t)
	cert := sign(t, &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}, a.cert, key, a.key)
	return tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key, Leaf: cert}
}

func (a *authority) server(t *testing.T) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{a.issue(t, "node-a")}, ClientCAs: a.pool}
}

func (a *authority) requestor(t *testing.T, name string) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{a.issue(t, name)}, RootCAs: a.pool, ServerName: "node-a"}
}

// follow gives each message of an active query in words, until there are so many.
func follow(t *testing.T, r *Requestor, q *query.Question, most int) (out []string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for a, e := range r.Active(ctx, q) {
		if e != nil {
			return out, e
		}
		word := a.Type.String()
		if a.HasStatus {
			word += " " + a.Status.String()
		}
		if a.HasBaseTime && !q.BaseTime {
			word += " at " + strconv.Itoa(int(a.BaseTime))
		}
		for _, c := range a.Clients {
			word += fmt.Sprintf(" %d", c.DUID[9])
			if c.Leases[0].Valid == 0 {
				word += " ended"
			}
		}
		if out = append(out, word); len(out) == most {
			return out, nil
		}
	}
	return out, nil
}

func equal(t *testing.T, got []string, want ...string) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the server sent\n%q\nwant\n%q", got, want)
	}
}

func TestActiveOverTLS(t *testing.T) {
	ca := newAuthority(t)
	f := &fake{found: crowd(3), changes: make(chan query.Found, 4)}
	_, r := start(t, f, rules(), Config{Active: true, TLS: ca.server(t), Names: []string{"collector"}})
	r.TLS = ca.requestor(t, "collector")
	ended := client(9, 0)
	ended.Client[0].Expires = 999
	f.changes <- client(8, 0)
	f.changes <- ended
	got, err := follow(t, r, &query.Question{BaseTime: true}, 3)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, got, "Leasequery-reply", "Leasequery-data 8", "Leasequery-data 9 ended")
}

func TestCatchUp(t *testing.T) {
	f := &fake{found: crowd(5), changes: make(chan query.Found), oldest: 90}
	_, r := start(t, f, rules(), Config{Active: true, Insecure: true})
	got, err := follow(t, r, &query.Question{Start: 103, HasStart: true}, 5)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, got, "Leasequery-reply", "Leasequery-data 3", "Leasequery-data 4", "Leasequery-data 5", "Leasequery-data CatchUpComplete")

}

// What isn't known any more is said at once, and the stream goes on (RFC 7653, Section 8.4.1).
func TestMissing(t *testing.T) {
	f := &fake{found: crowd(5), changes: make(chan query.Found, 1), oldest: 90}
	_, r := start(t, f, rules(), Config{Active: true, Insecure: true})
	f.changes <- client(8, 0)
	got, err := follow(t, r, &query.Question{Start: 50, HasStart: true}, 2)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, got, "Leasequery-reply DataMissing at 1000", "Leasequery-data 8")
}

func TestIdleAndSlow(t *testing.T) {
	limits := rules()
	limits.Limits.Idle = 50 * time.Millisecond
	f := &fake{changes: make(chan query.Found)}
	_, r := start(t, f, limits, Config{Active: true, Insecure: true})
	got, err := follow(t, r, &query.Question{}, 3)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, got, "Leasequery-reply", "Leasequery-data", "Leasequery-data") // they show that all is well
	close(f.changes)
	var refused *StatusError
	if _, err := follow(t, r, &query.Question{}, 99); !errors.As(err, &refused) || refused.Code != wire.StatusQueryTerminated {
		t.Errorf("one who is too slow: %v, want QueryTerminated", err)
	}
}

func TestWhoMayFollow(t *testing.T) {
	ca, other := newAuthority(t), newAuthority(t)
	f := &fake{found: crowd(1), changes: make(chan query.Found)}
	secure := Config{Active: true, TLS: ca.server(t), Names: []string{"collector"}}
	stranger := other.requestor(t, "collector")
	stranger.RootCAs = ca.pool
	for name, c := range map[string]struct {
		config Config
		tls    *tls.Config
		want   wire.StatusCode // 0: the connection just ends
	}{
		"not switched on":       {Config{}, nil, wire.StatusNotSupported},
		"without TLS":           {secure, nil, 0},
		"TLS that isn't there":  {Config{Active: true, Insecure: true}, ca.requestor(t, "collector"), wire.StatusTLSConnectionRefused},
		"another's name":        {secure, ca.requestor(t, "burglar"), 0},
		"another's certificate": {secure, stranger, 0},
		"no certificate":        {secure, &tls.Config{RootCAs: ca.pool, ServerName: "node-a"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			_, r := start(t, f, rules(), c.config)
			r.TLS = c.tls
			got, err := follow(t, r, &query.Question{}, 1)
			var refused *StatusError
			if len(got) > 0 || err == nil || errors.As(err, &refused) != (c.want != 0) || refused != nil && refused.Code != c.want {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

// Bulk queries may use TLS too.
func TestBulkOverTLS(t *testing.T) {
	ca := newAuthority(t)
	_, r := start(t, &fake{found: crowd(300)}, rules(), Config{TLS: ca.server(t), Required: true})
	if got, err := all(r, &query.Question{Type: query.ByLink, LinkAddress: links[0]}); err == nil || len(got) > 0 {
		t.Errorf("without TLS, which is required: %d clients, %v", len(got), err)
	}
	r.TLS = ca.requestor(t, "anybody")
	if got, err := all(r, &query.Question{Type: query.ByLink, LinkAddress: links[0]}); err != nil || len(got) != 300 {
		t.Errorf("%d clients, %v", len(got), err)
	}
}
