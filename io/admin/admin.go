// Package admin is the node's HTTP interface for people and programs: readiness, leases, state.
//
// It listens in two places. DIR/admin.sock (mode 0600) belongs to whoever may open the file: everything is
// allowed there. The TCP address of admin.listen only reads. It holds no state of its own: a Node answers.
package admin

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"syscall"
	"time"
)

// A Node is what the interface asks. Its methods may be called at the same time.
type Node interface {
	// Ready is nil while the node serves and can make grants durable, else it says why not.
	Ready() error
	// State is a snapshot of the node.
	State() State
	// Peers is what the node knows of its cluster.
	Peers() Peers
	// Leases yields every lease that passes the filter, in no order. It doesn't hold up the packet path.
	Leases(Filter) iter.Seq[Lease]
	// History yields every period that passes the query, of leases in the order of their addresses but those first that contain what is
	// asked for. Of each lease they come in the order of their beginnings. It returns ErrNoHistory where none is kept.
	History(ctx context.Context, q HistoryQuery) (HistoryState, iter.Seq2[Period, error], error)
	// Release frees a lease as if its client had released it, or drops what was observed of it, and returns once
	// that is durable. It returns ErrNoLease where there is none, an *OwnerError where it isn't whose it is said to be.
	Release(ctx context.Context, lease netip.Prefix, whose Whose) (Lease, error)
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
	Listen netip.AddrPort // invalid: no TCP
	Socket string         // path of the Unix socket; empty: none
	Node   Node
	Logger *slog.Logger
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
		l, err := net.Listen("tcp", c.Listen.String())
		if err != nil {
			return nil, fmt.Errorf("admin.listen: %w; choose another address with admin.listen or --admin, or end what holds it", err)
		}
		s.add(l, false)
	}
	if c.Socket != "" {
		l, err := listenUnix(c.Socket)
		if err != nil {
			return nil, errors.Join(err, s.Close())
		}
		s.add(l, true)
	}
	return s, nil
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

func (s *Server) add(l net.Listener, changes bool) {
	s.listeners = append(s.listeners, l)
	s.servers = append(s.servers, &http.Server{
		Handler:           routes(s.config.Node, changes),
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(s.config.Logger.Handler(), slog.LevelWarn),
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
