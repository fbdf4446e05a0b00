package leasequery

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"iter"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"github.com/lockstep6/lockstep6/core/query"
	"github.com/lockstep6/lockstep6/core/wire"
)

// A Requestor asks a server of whatever make.
type Requestor struct {
	DUID   []byte         // its Client Identifier
	Server netip.AddrPort // UDP or TCP
	TLS    *tls.Config    // with its certificate; nil: plain TCP
	Limit  time.Duration  // within which the server must send something; 0: as the standards have it
}

// The standards' times (RFC 5007, Section 4.1.4; RFC 5460, Section 5.6; RFC 7653, Section 6.4).
const (
	lqTimeout    = time.Second      // LQ_TIMEOUT: until the first repetition
	lqMaxTimeout = 10 * time.Second // LQ_MAX_RT
	lqMaxRepeats = 5                // LQ_MAX_RC
	bulkTimeout  = 300 * time.Second
	activeWait   = 120 * time.Second // ACTIVE_LQ_RCV_TIMEOUT
)

// A StatusError is a server's refusal.
type StatusError struct {
	Code wire.StatusCode
	Text string
}

// Error is the status and the server's words.
func (e *StatusError) Error() string {
	if e.Text == "" {
		return "the server answers " + e.Code.String()
	}
	return "the server answers " + e.Code.String() + ": " + e.Text
}

// refused is the status of an answer as an error; nil: there is none, or it is Success.
func refused(a *query.Answer) error {
	if !a.HasStatus || a.Status == wire.StatusSuccess {
		return nil
	}
	return &StatusError{a.Status, a.Text}
}

// Ask asks by UDP, again where nobody answers (RFC 5007, Section 4.3.2). The answer's slices are its own.
func (r *Requestor) Ask(ctx context.Context, q *query.Question) (query.Answer, error) {
	conn, err := net.DialUDP("udp6", nil, net.UDPAddrFromAddrPort(r.Server))
	if err != nil {
		return query.Answer{}, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Now()) })()
	message := query.AppendQuestion(nil, wire.Leasequery, transaction(), r.DUID, q)
	buffer := make([]byte, 1<<16)
	wait := lqTimeout
	for range 1 + lqMaxRepeats {
		if _, err := conn.Write(message); err != nil && !isRefusedPort(err) {
			return query.Answer{}, err
		}
		a, err := r.receive(ctx, conn, message, buffer, time.Now().Add(wait))
		switch {
		case err == nil:
			return a, refused(&a)
		case ctx.Err() != nil:
			return query.Answer{}, ctx.Err()
		case !errors.Is(err, os.ErrDeadlineExceeded) && !isRefusedPort(err):
			return query.Answer{}, err
		}
		wait = min(2*wait, lqMaxTimeout)
	}
	return query.Answer{}, fmt.Errorf("%s doesn't answer; is this host among the server's requestors, and the port right?", r.Server)
}

// isRefusedPort tells whether nobody listens at the port, as far as the kernel was told: somebody may in a second.
func isRefusedPort(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }

// receive waits for the answer to a message. Others are skipped.
func (r *Requestor) receive(ctx context.Context, conn *net.UDPConn, message, buffer []byte, until time.Time) (query.Answer, error) {
	for {
		if err := conn.SetReadDeadline(until); err != nil {
			return query.Answer{}, err
		}
		if ctx.Err() != nil {
			return query.Answer{}, ctx.Err()
		}
		n, err := conn.Read(buffer)
		if err != nil {
			if isRefusedPort(err) {
				select {
				case <-time.After(time.Until(until)):
				case <-ctx.Done():
				}
			}
			return query.Answer{}, err
		}
		a, err := query.ReadAnswer(buffer[:n])
		if err == nil && a.Type == wire.LeasequeryReply && bytes.Equal(a.TransactionID[:], message[1:4]) && bytes.Equal(a.Requestor, r.DUID) && a.ServerID != nil {
			return a, nil
		}
	}
}

func transaction() (xid [3]byte) {
	_, _ = rand.Read(xid[:]) // never fails, by its documentation
	return xid
}

// Bulk asks by TCP, and yields the messages that have clients or the server's time, until the last. A message is valid until the next.
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
	var in []byte
	for first := true; ; first = false {
		if in, err = readFrame(conn, in, limit); err != nil {
			return interrupted(ctx, err)
		}
		end, err := r.step(in, xid, message, first, yield)
		if end || err != nil {
			return err
		}
	}
}

// step takes one message; end: it was the last.
func (r *Requestor) step(in []byte, xid [3]byte, message wire.MessageType, first bool, yield func(query.Answer) bool) (end bool, err error) {
	a, err := query.ReadAnswer(in)
	switch {
	case err != nil:
		return true, err
	case a.TransactionID != xid:
		return false, nil // of an earlier query
	case first != (a.Type == wire.LeasequeryReply):
		return true, fmt.Errorf("the server sends %s out of turn", a.Type)
	}
	active := message == wire.ActiveLeasequery
	told := active && (a.Status == wire.StatusDataMissing || a.Status == wire.StatusCatchUpComplete)
	if err := refused(&a); err != nil && !told {
		return true, err
	}
	if (active || len(a.Clients) > 0 || a.HasBaseTime) && !yield(a) {
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
	in, err := readFrame(conn, nil, handshakeTime)
	if err != nil {
		return conn, fmt.Errorf("the server doesn't speak TLS: %w", interrupted(ctx, err))
	}
	a, err := query.ReadAnswer(in)
	if err == nil && a.Type != wire.Reply {
		err = fmt.Errorf("the server answers STARTTLS with %s", a.Type)
	}
	if err == nil {
		err = refused(&a)
	}
	if err != nil {
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
