package events

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
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
	TLS         *tls.Config // nil: as the servers' URLs say
	Name        string      // of the connection
}

// natsTimeout bounds the wait for one acknowledgement.
const natsTimeout = 10 * time.Second

// NATS is a JetStream. The connection comes and goes by itself; nothing is published while there is none.
type NATS struct {
	subject string
	conn    *nats.Conn
	js      jetstream.JetStream
}

// NewNATS begins to connect. It doesn't wait for that; an error is about the settings.
func NewNATS(s *NATSSettings) (*NATS, error) {
	options := []nats.Option{
		nats.Name(s.Name), nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1), nats.ReconnectWait(time.Second), nats.ReconnectBufSize(-1),
		nats.IgnoreAuthErrorAbort(), nats.Timeout(natsTimeout), nats.PermissionErrOnSubscribe(true),
		// What goes wrong comes to whoever publishes; the library would write it on standard error else.
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}),
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
		options = append(options, nats.Secure(s.TLS))
	}
	conn, err := nats.Connect(strings.Join(s.Servers, ","), options...)
	if err != nil {
		return nil, err
	}
	js, err := jetstream.New(conn, jetstream.WithPublishAsyncTimeout(natsTimeout))
	if err != nil {
		conn.Close()
		return nil, err
	}
	return &NATS{subject: s.Subject, conn: conn, js: js}, nil
}

// Close implements Broker.
func (n *NATS) Close() { n.conn.Close() }

// Trouble implements Broker.
func (n *NATS) Trouble() error {
	if n.conn.IsConnected() {
		return nil
	}
	if err := n.conn.LastError(); err != nil {
		return fmt.Errorf("not connected: %w", err)
	}
	return errors.New("not connected")
}

// Publish implements Broker. The messages are sent one behind the other, and then all acknowledgements are waited for.
func (n *NATS) Publish(ctx context.Context, some []Message) []error {
	if err := n.Trouble(); err != nil {
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
			errs[i] = natsError(errs[i])
			continue
		}
		select {
		case <-f.Ok():
		case err := <-f.Err():
			errs[i] = natsError(err)
		case <-ctx.Done():
			errs[i] = ctx.Err()
		}
	}
	return errs
}

// natsError says what an error means to whoever tries again.
func natsError(err error) error {
	switch {
	case errors.Is(err, nats.ErrMaxPayload):
		return fmt.Errorf("%w: %w", ErrRefused, err)
	case errors.Is(err, nats.ErrNoResponders), errors.Is(err, jetstream.ErrNoStreamResponse):
		return errors.New("no stream takes the subject: add one, as docs/fleet.md shows")
	}
	return err
}
