package leasequery

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"iter"
	"net"
	"os"
	"time"

	"github.com/lockstep6/lockstep6/core/query"
	"github.com/lockstep6/lockstep6/core/wire"
)

// Bulk asks by TCP, and yields the LEASEQUERY-REPLY, which says who answers, and of what follows the messages that have clients or the
// server's time. A message is valid until the next.
func (r *Requestor) Bulk(ctx context.Context, q *query.Question) iter.Seq2[query.Answer, error] {
	return r.stream(ctx, wire.Leasequery, q, bulkTimeout)
}

// Active asks for changes, and yields all the server's messages until the context ends: also those that only have a status
// (DataMissing, CatchUpComplete) or nothing.
func (r *Requestor) Active(ctx context.Context, q *query.Question) iter.Seq2[query.Answer, error] {
	return r.stream(ctx, wire.ActiveLeasequery, q, activeWait)
}

func (r *Requestor) stream(ctx context.Context, message wire.MessageType, q *query.Question, limit time.Duration) iter.Seq2[query.Answer, error] {
	if r.Limit > 0 {
		limit = r.Limit
	}
	return func(yield func(query.Answer, error) bool) {
		err := r.converse(ctx, message, q, limit, func(a query.Answer) bool { return yield(a, nil) })
		if err != nil && !errors.Is(err, errEnough) {
			yield(query.Answer{}, err)
		}
	}
}

// errEnough says that the caller wants no more.
var errEnough = errors.New("enough")

// converse opens a connection, asks, and reads what comes.
func (r *Requestor) converse(ctx context.Context, message wire.MessageType, q *query.Question, limit time.Duration, yield func(query.Answer) bool) error {
	dialer := net.Dialer{Timeout: handshakeTime}
	conn, err := dialer.DialContext(ctx, "tcp6", r.Server.String())
	if err != nil {
		return err
	}
	plain := conn
	defer func() { _ = plain.Close() }()
	defer context.AfterFunc(ctx, func() { _ = plain.Close() })()
	if r.TLS != nil {
		if conn, err = r.secure(ctx, conn); err != nil {
			return err
		}
	}
	xid := transaction()
	out := writer{conn: conn, limit: limit}
	if err := out.add(func(dst []byte) []byte { return query.AppendQuestion(dst, message, xid, r.DUID, q) }); err != nil {
		return err
	}
	if err := out.flush(); err != nil {
		return err
	}
	return r.listen(ctx, conn, xid, message, limit, yield)
}

// listen reads the answer. Messages of other queries are discarded, and don't count as something that the server sends.
func (r *Requestor) listen(ctx context.Context, conn net.Conn, xid [3]byte, message wire.MessageType, limit time.Duration, yield func(query.Answer) bool) error {
	var in []byte
	for first, heard := true, time.Now(); ; {
		var err error
		if in, err = readFrame(conn, in, limit-time.Since(heard)); err != nil {
			return interrupted(ctx, err)
		}
		a, err := query.ReadAnswer(in)
		switch {
		case err != nil:
			return err
		case a.TransactionID != xid && a.Type == wire.LeasequeryDone:
			return errStray // RFC 5460, Section 6.3
		case a.TransactionID != xid:
			continue
		}
		if end, err := r.step(&a, message, first, yield); end || err != nil {
			return err
		}
		first, heard = false, time.Now()
	}
}

// Errors of an answer.
var (
	errStray   = errors.New("the server ends a query that wasn't asked")
	errNotMine = errors.New("the server's reply isn't to this requestor: its Client Identifier is another one, or the Server Identifier is missing")
)

// step takes one message; end: it was the last.
func (r *Requestor) step(a *query.Answer, message wire.MessageType, first bool, yield func(query.Answer) bool) (end bool, err error) {
	switch {
	case first != (a.Type == wire.LeasequeryReply), a.Type == wire.Reply: // which only STARTTLS has for an answer
		return true, fmt.Errorf("the server sends %s out of turn", a.Type)
	case first && !r.isMine(a):
		return true, errNotMine
	}
	active := message == wire.ActiveLeasequery
	told := active && (a.Status == wire.StatusDataMissing || a.Status == wire.StatusCatchUpComplete)
	if err := refused(a); err != nil && !told {
		return true, err
	}
	if (active || first || len(a.Clients) > 0 || a.HasBaseTime) && !yield(*a) {
		return true, errEnough
	}
	return a.Type == wire.LeasequeryDone || !active && first && len(a.Clients) == 0, nil
}

// interrupted is why reading ended, in words.
func interrupted(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errors.New("the server has sent nothing for too long")
	default:
		return fmt.Errorf("the connection ended before the answer did: %w", err)
	}
}

// awaitTLS reads the answer to STARTTLS: a REPLY without a status, or with Success. There is nothing else that the server could send yet.
func awaitTLS(ctx context.Context, conn net.Conn, xid [3]byte) error {
	in, err := readFrame(conn, nil, handshakeTime)
	if err != nil {
		return fmt.Errorf("the server doesn't speak TLS: %w", interrupted(ctx, err))
	}
	a, err := query.ReadAnswer(in)
	switch {
	case err != nil:
		return err
	case a.Type != wire.Reply:
		return fmt.Errorf("the server answers STARTTLS with %s", a.Type)
	case a.TransactionID != xid: // RFC 9915, Section 16.10
		return errors.New("the server answers another STARTTLS than was sent: the transaction-id is another one")
	default:
		return refused(&a)
	}
}

// secure asks for TLS and does the handshake (RFC 7653, Section 8.2).
func (r *Requestor) secure(ctx context.Context, conn net.Conn) (net.Conn, error) {
	xid := transaction()
	out := writer{conn: conn, limit: handshakeTime}
	if err := out.add(func(dst []byte) []byte { return wire.AppendHeader(dst, wire.StartTLS, xid) }); err != nil {
		return conn, err
	}
	if err := out.flush(); err != nil {
		return conn, err
	}
	if err := awaitTLS(ctx, conn, xid); err != nil {
		return conn, err
	}
	if err := conn.SetDeadline(time.Time{}); err != nil {
		return conn, err
	}
	secured := tls.Client(conn, r.TLS)
	if err := secured.HandshakeContext(ctx); err != nil {
		return conn, fmt.Errorf("TLS with the server failed: %w", err)
	}
	return secured, nil
}
