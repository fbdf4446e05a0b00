package events

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// NATSSettings is what a NATS broker is made of.
type NATSSettings struct {
	Servers     []string
	Subject     string // {shard} stands for the message's part of it
	Credentials string // path of a file as nsc and nats make them; empty: none
	User        string // empty: none
	Password    func() (string, error)
	TLS         func() (*tls.Config, error) // asked for each connection; nil: as the servers' URLs say
	Name        string                      // of the connection
	Timeout     time.Duration               // of a connection, and of an acknowledgement
}

// natsWrite bounds a write to a server that doesn't read, and by that how long a node waits for it that is told to end.
const natsWrite = 5 * time.Second

// NATS is a JetStream. The connection comes and goes by itself; nothing is published while there is none.
type NATS struct {
	subject string
	timeout time.Duration
	dialer  *dialer
	denied  atomic.Pointer[error] // what the server doesn't allow; nil: nothing, or it has acknowledged something since
	conn    *nats.Conn
	js      jetstream.JetStream
}

// NewNATS begins to connect. It doesn't wait for that; an error is about the settings.
func NewNATS(s *NATSSettings) (*NATS, error) {
	d := newDialer(len(s.Servers), s.Timeout)
	n := &NATS{subject: s.Subject, timeout: s.Timeout, dialer: d}
	options := []nats.Option{
		nats.Name(s.Name), nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1), nats.CustomReconnectDelay(d.wait), nats.ReconnectBufSize(-1),
		nats.SetCustomDialer(d), nats.SkipHostLookup(), // the dialer looks names up, which may take long too
		nats.IgnoreAuthErrorAbort(), nats.Timeout(s.Timeout), nats.FlusherTimeout(natsWrite), nats.PermissionErrOnSubscribe(true),
		nats.ReconnectHandler(func(*nats.Conn) { n.denied.Store(nil) }),
		// What goes wrong comes to whoever publishes; the library would write it on standard error else.
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			if errors.Is(err, nats.ErrPermissionViolation) { // of it nothing else comes: what was sent is never acknowledged
				n.denied.Store(&err)
			}
		}),
	}
	if s.Credentials != "" {
		options = append(options, nats.UserCredentials(s.Credentials))
	}
	if s.User != "" {
		options = append(options, nats.UserInfoHandler(func() (string, string) {
			password, err := s.Password()
			if err != nil {
				return s.User, "" // refused, and asked again
			}
			return s.User, password
		}))
	}
	if s.TLS != nil {
		secure, err := s.secure()
		if err != nil {
			return nil, err
		}
		options = append(options, secure...)
	}
	var err error
	if n.conn, err = nats.Connect(strings.Join(s.Servers, ","), options...); err != nil {
		return nil, err
	}
	if n.js, err = jetstream.New(n.conn, jetstream.WithPublishAsyncTimeout(s.Timeout)); err != nil {
		n.Close()
		return nil, err
	}
	return n, nil
}

// secure has each connection made with TLS as it is set then.
func (s *NATSSettings) secure() ([]nats.Option, error) {
	now, err := s.TLS()
	if err != nil {
		return nil, err
	}
	authorities := func() (*x509.CertPool, error) {
		c, err := s.TLS()
		if err != nil {
			return nil, err
		}
		return c.RootCAs, nil
	}
	if len(now.Certificates) == 0 {
		return []nats.Option{nats.Secure(now), nats.ClientTLSConfig(nil, authorities)}, nil
	}
	own := func() (tls.Certificate, error) {
		c, err := s.TLS()
		if err != nil {
			return tls.Certificate{}, err
		}
		return c.Certificates[0], nil
	}
	return []nats.Option{nats.Secure(now), nats.ClientTLSConfig(own, authorities)}, nil
}

// Close implements Broker.
func (n *NATS) Close() {
	n.dialer.end()
	n.conn.Close()
}

// trouble is why there is no connection; nil: there is one.
func (n *NATS) trouble() error {
	if n.conn.IsConnected() {
		return nil
	}
	if err := cmp.Or(n.conn.LastError(), n.dialer.trouble()); err != nil {
		return fmt.Errorf("not connected: %w", err)
	}
	return errors.New("not connected")
}

// Publish implements Broker. The messages are sent one behind the other, and then all acknowledgements are waited for, each for a timeout at most.
// What isn't acknowledged by then is forgotten: the server tells by its ID whether it has it when it is sent again. The end of the context is the
// broker's: it cuts off a connection that is being made.
func (n *NATS) Publish(ctx context.Context, some []Message, _ func(int, error)) []error {
	defer context.AfterFunc(ctx, n.dialer.end)()
	if err := n.trouble(); err != nil {
		return all(len(some), err)
	}
	errs := make([]error, len(some))
	futures := make([]jetstream.PubAckFuture, len(some))
	for i := range some {
		m := &nats.Msg{Subject: strings.ReplaceAll(n.subject, "{shard}", some[i].Subject), Data: some[i].Body, Header: nats.Header{}}
		futures[i], errs[i] = n.js.PublishMsgAsync(m, jetstream.WithMsgID(some[i].ID))
	}
	for i, f := range futures {
		if f == nil {
			errs[i] = n.explain(errs[i])
			continue
		}
		select {
		case <-f.Ok():
			n.denied.Store(nil)
		case err := <-f.Err():
			errs[i] = n.explain(err)
		case <-ctx.Done():
			errs[i] = ctx.Err()
		}
	}
	return errs
}

// explain says what an error means to whoever tries again.
func (n *NATS) explain(err error) error {
	switch {
	case errors.Is(err, nats.ErrMaxPayload):
		return fmt.Errorf("%w: %w", ErrRefused, err)
	case errors.Is(err, nats.ErrNoResponders), errors.Is(err, jetstream.ErrNoStreamResponse):
		return errors.New("no stream takes the subject: add one, as docs/fleet.md shows")
	case errors.Is(err, jetstream.ErrAsyncPublishTimeout):
		if denied := n.denied.Load(); denied != nil {
			return fmt.Errorf("the server doesn't allow what a node needs: %w", *denied)
		}
		return fmt.Errorf("the server takes events and acknowledged none for %v: look at the stream's leader, replicas and disk", n.timeout)
	}
	return err
}
