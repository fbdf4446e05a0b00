// Package admin is the node's HTTP interface for people and programs: readiness, leases, state.
//
// It listens in two places. DIR/admin.sock (mode 0600) belongs to whoever may open the file: everything is
// allowed there. The TCP address of admin.listen only reads, unless it has TLS and the request has the token.
// It holds no state of its own: a Node answers. openapi.yaml describes all of it.
package admin

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"iter"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"syscall"
	"time"

	"github.com/lockstep6/lockstep6/core/config"
)

// A Node is what the interface asks. Its methods may be called at the same time.
type Node interface {
	// Ready is nil while the node serves and can make grants durable, else it says why not.
	Ready() error
	// State is a snapshot of the node.
	State() State
	// Peers is what the node knows of its cluster.
	Peers() Peers
	// Leases yields the leases that pass the filter and stand behind a position, in the order of their positions, until the
	// context ends. It doesn't hold up the packet path. A lease that stands during the whole walk is seen once.
	Leases(ctx context.Context, f Filter, after Position) iter.Seq2[Position, Lease]
	// Links are the configuration's links.
	Links() []Link
	// History yields every period that passes the query, of leases in the order of their addresses but those first that contain what is
	// asked for. Of each lease they come in the order of their beginnings. It returns ErrNoHistory where none is kept.
	History(ctx context.Context, q HistoryQuery) (HistoryState, iter.Seq2[Period, error], error)
	// Backup copies the store as it is at one moment into a folder that isn't there yet, and returns the copy's octets. The error is
	// an fs.ErrExist where the folder is there.
	Backup(ctx context.Context, dir string, progress func(done, total int64)) (int64, error)
	// Pools is how full the pools are, in the configuration's order.
	Pools() []Pool
	// Metrics answers a scrape.
	Metrics() http.Handler
	// Release frees a lease as if its client had released it, or drops what was observed of it, and returns once
	// that is durable. It returns ErrNoLease where there is none, an *OwnerError where it isn't whose it is said to be.
	Release(ctx context.Context, lease netip.Prefix, whose Whose) (Lease, error)
	Control
	Observer
	Hooker
	Outboxer
	Reconfigurer
	DNSKeeper
	DNSRecordKeeper
	// Reload reads the configuration file again and applies it, or only tells what it would change. It returns a
	// *ReloadError where it isn't taken, and ErrStale where the request has another digest; nothing has changed then.
	Reload(ctx context.Context, r ReloadRequest) (Plan, error)
	// Reservations are those of a link, the file's and the stored ones. It returns ErrNoLink.
	Reservations(link string) ([]Reservation, error)
	// PutReservation stores a reservation for a client of a link, in place of the one that is stored for it, and applies it. What
	// it reserves is a JSON object as in the file, without the client. Errors: ErrNoLink, and Reload's.
	PutReservation(ctx context.Context, link string, client config.Client, what []byte, force bool) (ReservationChange, error)
	// DeleteReservation drops a stored reservation. Errors: ErrNoLink, ErrNoReservation, and Reload's.
	DeleteReservation(ctx context.Context, link string, client config.Client, force bool) (ReservationChange, error)
	// ProviderPrefixes are those of the configuration, in its order.
	ProviderPrefixes() []ProviderPrefix
	// PutProviderPrefix puts a prefix in force, and the pools behind it; those behind the former one retire. Errors: ErrNoProvider,
	// ErrOtherSource, and Reload's.
	PutProviderPrefix(ctx context.Context, name, prefix string) (Plan, error)
}

// ErrNoLease says that nobody holds the lease.
var ErrNoLease = errors.New("no such lease")

// An OwnerError says that a lease isn't whose it was said to be.
type OwnerError struct {
	Lease string
	Owner string // of which it is observed; empty: it is the node's own
}

// Error says whose it is.
func (e *OwnerError) Error() string {
	if e.Owner == "" {
		return e.Lease + " is this node's own lease, and not observed of another one"
	}
	return e.Lease + " is observed of " + e.Owner + ": its client has it from there, not from this node"
}

// Config is what a Server is made of.
type Config struct {
	Listen      netip.AddrPort // invalid: no TCP
	Certificate string         // file of PEM; empty: no TLS
	Key         string         // likewise
	Token       []byte         // empty: none
	Open        bool           // whoever reaches Listen may read
	Names       []string       // by which Listen and Socket may be asked without token, beside addresses, localhost and the certificate's
	Socket      string         // path of the Unix socket; empty: none
	Node        Node
	Logger      *slog.Logger
}

// A Server answers HTTP requests until Close.
type Server struct {
	config    Config
	listeners []net.Listener
	servers   []*http.Server
}

// Open binds the addresses. Nothing is answered before Serve.
func Open(c Config) (*Server, error) {
	s := &Server{config: c}
	if c.Listen.IsValid() {
		if err := s.openTCP(); err != nil {
			return nil, err
		}
	}
	if c.Socket != "" {
		l, err := listenUnix(c.Socket)
		if err != nil {
			return nil, errors.Join(err, s.Close())
		}
		s.add(l, &access{all: true, hosts: s.hosts(nil)})
	}
	return s, nil
}

func (s *Server) openTCP() error {
	c := &s.config
	a := &access{open: c.Open, encrypted: c.Certificate != "", turns: make(chan struct{}, maxRequests)}
	if len(c.Token) > 0 {
		sum := sha256.Sum256(c.Token)
		a.token = &sum
	}
	var secure *tls.Config
	var k *keeper
	if c.Certificate != "" {
		k = &keeper{certificate: c.Certificate, key: c.Key, log: c.Logger}
		if err := k.read(); err != nil {
			return fmt.Errorf("admin.tls: %w", err)
		}
		secure = &tls.Config{MinVersion: tls.VersionTLS13, NextProtos: []string{"http/1.1"}, GetCertificate: k.get}
	}
	if c.Open {
		a.hosts = s.hosts(k)
	}
	l, err := net.Listen("tcp", c.Listen.String())
	if err != nil {
		return fmt.Errorf("admin.listen: %w; choose another address with admin.listen or --admin, or end what holds it", err)
	}
	l = newCrowd(l, maxConnections)
	if secure != nil {
		l = tls.NewListener(l, secure)
	}
	s.add(l, a)
	return nil
}

func (s *Server) hosts(k *keeper) *hosts {
	h := &hosts{covered: k}
	for _, name := range s.config.Names {
		h.names = append(h.names, plainName(name))
	}
	return h
}

// listenUnix binds a Unix socket that only its owner may open. The caller holds the data folder's lock,
// so a socket that is there already is a dead node's.
func listenUnix(path string) (net.Listener, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("cannot replace the admin socket: %w", err)
	}
	// Linux makes the file with the mode that the socket has when it is bound, so there is no moment at which others
	// may open it; a change of the file's mode would come after that.
	config := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) (err error) {
		controlled := c.Control(func(fd uintptr) { err = syscall.Fchmod(int(fd), 0o600) })
		return errors.Join(controlled, err)
	}}
	l, err := config.Listen(context.Background(), "unix", path)
	if err != nil {
		return nil, fmt.Errorf("cannot make the admin socket: %w; a path of over 107 octets is too long for the kernel", err)
	}
	return l, nil
}

func (s *Server) add(l net.Listener, a *access) {
	s.listeners = append(s.listeners, l)
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true) // a connection of HTTP/2 may have hundreds of requests under way
	s.servers = append(s.servers, &http.Server{
		Handler:           routes(s.config.Node, a),
		Protocols:         protocols,
		ConnContext:       introduce,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      patienceTime, // what streams sets deadlines of its own
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          log.New(&chatter{s.config.Logger}, "", 0),
	})
}

// Addr is the TCP address that is bound; invalid where there is none.
func (s *Server) Addr() netip.AddrPort {
	for _, l := range s.listeners {
		if a, ok := l.Addr().(*net.TCPAddr); ok {
			return a.AddrPort()
		}
	}
	return netip.AddrPort{}
}

// Serve answers until the context ends, then lets running requests finish within two seconds.
func (s *Server) Serve(ctx context.Context) error {
	failed := make(chan error, len(s.servers))
	for i, server := range s.servers {
		go func() { failed <- server.Serve(s.listeners[i]) }()
	}
	var first error
	running := len(s.servers)
	select {
	case <-ctx.Done():
	case first = <-failed:
		running--
	}
	grace, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	for _, server := range s.servers {
		if err := server.Shutdown(grace); err != nil {
			_ = server.Close()
		}
	}
	for range running {
		<-failed
	}
	if first != nil && !errors.Is(first, http.ErrServerClosed) {
		return fmt.Errorf("the admin interface failed: %w", first)
	}
	return nil
}

// Close frees the addresses. It may follow Serve or replace it.
func (s *Server) Close() error {
	var errs []error
	for _, l := range s.listeners {
		if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
