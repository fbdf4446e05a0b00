package leasequery

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
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
		if err == nil && a.Type == wire.LeasequeryReply && bytes.Equal(a.TransactionID[:], message[1:4]) && r.isMine(&a) {
			return a, nil
		}
	}
}

func transaction() (xid [3]byte) {
	_, _ = rand.Read(xid[:]) // never fails, by its documentation
	return xid
}

// isMine tells whether a LEASEQUERY-REPLY is by a server and for this requestor. Others MUST be discarded (RFC 5007, Section 4.2.2).
func (r *Requestor) isMine(a *query.Answer) bool {
	return a.ServerID != nil && bytes.Equal(a.Requestor, r.DUID)
}
