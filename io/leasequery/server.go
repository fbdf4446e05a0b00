package leasequery

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// Config is what a Server is made of.
type Config struct {
	Listen   []netip.AddrPort // TCP; port 547 by default is the configuration's affair (RFC 5460, Section 5.6)
	Active   bool             // RFC 7653 is answered: never by default (Section 9.1)
	Insecure bool             // also without TLS: never by default either
	TLS      *tls.Config      // certificates and the requestors' authorities; nil: STARTTLS is refused
	Required bool             // nothing is answered without TLS
	Names    []string         // of requestors' certificates, any of which will do; none: whatever the authorities have signed
	Logger   *slog.Logger
}

// A Server answers by TCP. It has a connection for each requestor, and a goroutine for each.
type Server struct {
	responder *Responder
	config    Config
	listeners []net.Listener
	slots     chan struct{} // one for each connection that may stand
	waiting   chan struct{} // one for each that stands or waits for that
	idle      idle
}

// Open binds the addresses. Nothing is answered before Serve.
func Open(r *Responder, c Config) (*Server, error) {
	s := &Server{responder: r, config: c, slots: make(chan struct{}, r.rules.Limits.Connections),
		waiting: make(chan struct{}, 2*r.rules.Limits.Connections)}
	for _, at := range c.Listen {
		l, err := net.Listen("tcp6", at.String())
		if err != nil {
			return nil, errors.Join(
				fmt.Errorf("leasequery.listen: %w; choose another address, or end what holds it", err), s.Close())
		}
		s.listeners = append(s.listeners, l)
	}
	return s, nil
}

// Addresses are those that are bound.
func (s *Server) Addresses() (out []netip.AddrPort) {
	for _, l := range s.listeners {
		out = append(out, l.Addr().(*net.TCPAddr).AddrPort())
	}
	return out
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

// Serve answers until the context ends, then tells requestors that their queries are ended (RFC 5460, Section 7.4).
func (s *Server) Serve(ctx context.Context) error {
	var all sync.WaitGroup
	failed := make(chan error, len(s.listeners))
	for _, l := range s.listeners {
		all.Go(func() { failed <- s.accept(ctx, l, &all) })
	}
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	err = errors.Join(err, s.Close())
	all.Wait()
	return err
}

// accept takes connections until the listener is closed.
func (s *Server) accept(ctx context.Context, l net.Listener, all *sync.WaitGroup) error {
	for {
		conn, err := l.Accept()
		switch {
		case err == nil:
		case errors.Is(err, net.ErrClosed):
			return nil
		default: // such as too many open files: it passes
			s.config.Logger.Warn("no requestor can connect for now", "id", "leasequery-accept", "error", err)
			select {
			case <-time.After(acceptPause):
			case <-ctx.Done():
			}
			continue
		}
		if !s.expected(conn) {
			_ = conn.Close()
			continue
		}
		all.Go(func() {
			defer func() { <-s.waiting }()
			if !s.admit(ctx, conn) {
				_ = conn.Close()
				return
			}
			defer func() { <-s.slots }()
			s.serve(ctx, conn)
		})
	}
}

// acceptPause is how long nobody is accepted after the kernel couldn't give a connection.
const acceptPause = time.Second

// expected tells whether the connection is a requestor's, and isn't one of too many that wait. Others are closed at once
// (RFC 5460, Section 7.1).
func (s *Server) expected(conn net.Conn) bool {
	if s.responder.rules.Allowed(conn.RemoteAddr().(*net.TCPAddr).AddrPort().Addr().Unmap()) {
		select {
		case s.waiting <- struct{}{}:
			return true
		default:
		}
	}
	s.responder.Counters.rejected.Add(1)
	return false
}

// admit waits for a place, as a requestor that has closed its last connection just now may be faster than the server sees it.
func (s *Server) admit(ctx context.Context, conn net.Conn) bool {
	select {
	case s.slots <- struct{}{}:
		return true
	default:
		s.idle.makeRoom(time.Now())
	}
	patience := time.NewTimer(admitTime)
	defer patience.Stop()
	select {
	case s.slots <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	case <-patience.C:
	}
	s.responder.Counters.rejected.Add(1)
	s.config.Logger.Warn("a requestor was turned away: there are as many connections as leasequery.connections allows",
		"id", "leasequery-connections", "requestor", conn.RemoteAddr(), "connections", cap(s.slots))
	return false
}

// admitTime is how long a connection waits for another one to end.
const admitTime = time.Second

// serve answers one connection until it ends.
func (s *Server) serve(ctx context.Context, conn net.Conn) {
	s.responder.Counters.connections.Add(1)
	defer s.responder.Counters.connections.Add(-1)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c := &connection{server: s, conn: conn, plain: conn, out: writer{conn: conn, limit: s.responder.rules.Limits.Data}}
	defer func() { _ = c.conn.Close() }()
	// When the server ends nothing is read any more, and what the requestor is still sent has two seconds.
	stop := context.AfterFunc(ctx, func() {
		_ = conn.(*net.TCPConn).CloseRead()
		c.hurry()
	})
	defer stop()
	if err := c.run(ctx); err != nil {
		s.config.Logger.Debug("a leasequery connection ended", "id", "leasequery-ended", "requestor", conn.RemoteAddr(), "error", err)
	}
}

// secure makes the connection one with TLS. Both sides show certificates (RFC 7653, Section 9.1).
func (s *Server) secure(conn net.Conn) (net.Conn, error) {
	c := s.config.TLS.Clone()
	c.ClientAuth = tls.RequireAndVerifyClientCert
	c.MinVersion = max(c.MinVersion, tls.VersionTLS12)
	c.VerifyPeerCertificate = func(_ [][]byte, chains [][]*x509.Certificate) error { return s.known(chains) }
	secured := tls.Server(conn, c)
	ctx, cancel := context.WithTimeout(context.Background(), handshakeTime)
	defer cancel()
	if err := secured.HandshakeContext(ctx); err != nil {
		s.responder.Counters.rejected.Add(1)
		return nil, fmt.Errorf("TLS with the requestor failed: %w", err)
	}
	return secured, nil
}

const handshakeTime = 10 * time.Second

// known tells whether a requestor's certificate is for one of the names that may ask.
func (s *Server) known(chains [][]*x509.Certificate) error {
	if len(s.config.Names) == 0 {
		return nil
	}
	for _, chain := range chains {
		if len(chain) > 0 && slices.ContainsFunc(s.config.Names, func(name string) bool { return chain[0].VerifyHostname(name) == nil }) {
			return nil
		}
	}
	return errors.New("the requestor's certificate is for none of leasequery.tls.names")
}
