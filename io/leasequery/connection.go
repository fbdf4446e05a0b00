package leasequery

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"github.com/lockstep6/lockstep6/core/query"
	"github.com/lockstep6/lockstep6/core/wire"
)

// A connection is one requestor's. It has one query at a time: the next one isn't read before (RFC 5460, Section 7.3).
type connection struct {
	server *Server
	plain  net.Conn // the TCP connection
	conn   net.Conn // what is spoken on: plain, or TLS over it
	in     []byte

	mu  sync.Mutex // of what follows: an active query has two who send
	out writer
}

// Errors that end a connection.
var (
	errType      = errors.New("a message that has no place on this connection")
	errDiscarded = errors.New("a query without a Client Identifier, or to another server") // RFC 5007, Section 4.2.1: not answered
	errRoom      = errors.New("another requestor needed the place, and this one asked nothing")
	errLate      = errors.New("the requestor didn't ask for too long")
	errInsecure  = errors.New("a query without TLS, which it needs")
	errEnd       = errors.New("the server ends")
)

// farewell is how long a requestor has to take the last message of a server that ends.
const farewell = 2 * time.Second

// hurry makes everything that is still to be sent go within farewell, also what a requestor isn't reading just now.
func (c *connection) hurry() {
	c.out.hurried.Store(true)
	_ = c.plain.SetWriteDeadline(time.Now().Add(farewell))
}

// run answers queries until the connection is to end.
func (c *connection) run(ctx context.Context) error {
	for first := true; ; first = false {
		var err error
		c.server.idle.begin(c)
		c.in, err = readFrame(c.conn, c.in, c.server.responder.rules.Limits.Data)
		switch {
		case !c.server.idle.end(c):
			return errRoom
		case errors.Is(err, io.ErrUnexpectedEOF):
			return c.misplaced(err)
		case err != nil:
			return ending(ctx, err)
		}
		var p wire.Packet
		if drop := p.Parse(c.in); drop != wire.DropNone || p.RelayCount > 0 {
			return c.misplaced(errType)
		}
		m := &p.Message
		asks := m.Type == wire.Leasequery || m.Type == wire.ActiveLeasequery
		if asks && query.Check(m, c.server.responder.source.ServerID()) != wire.DropNone {
			c.server.responder.Counters.dropped.Add(1)
			return errDiscarded
		}
		if asks && c.server.config.Required && c.conn == c.plain {
			c.server.responder.Counters.rejected.Add(1)
			return errInsecure
		}
		switch m.Type {
		case wire.Leasequery:
			err = c.bulk(ctx, m)
		case wire.ActiveLeasequery:
			return c.active(ctx, m)
		case wire.StartTLS:
			if !first || c.conn != c.plain {
				return c.misplaced(errType)
			}
			err = c.startTLS(m)
		default:
			return c.misplaced(errType)
		}
		if err != nil {
			return err
		}
	}
}

// misplaced counts a message that ends the connection because it is none, or none that is answered here.
func (c *connection) misplaced(err error) error {
	c.server.responder.Counters.dropped.Add(1)
	return err
}

// ending is why reading ended, in words; nil where the requestor just went.
func ending(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return errEnd
	case errors.Is(err, io.EOF):
		return nil
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errLate
	default:
		return err
	}
}

// startTLS answers a STARTTLS message (RFC 7653, Section 9.1).
func (c *connection) startTLS(m *wire.Message) error {
	r := c.server.responder
	if c.server.config.TLS == nil {
		return c.send(func(dst []byte) []byte {
			return r.refuse(r.open(dst, wire.Reply, m), &query.Fault{Code: wire.StatusTLSConnectionRefused, Text: "leasequery.tls isn't configured"})
		})
	}
	if err := c.send(func(dst []byte) []byte { return r.open(dst, wire.Reply, m) }); err != nil {
		return err
	}
	secured, err := c.server.secure(c.plain)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conn, c.out.conn = secured, secured
	return nil
}

// send sends one message, with what is pending before it.
func (c *connection) send(fill func(dst []byte) []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.out.add(fill); err != nil {
		return err
	}
	return c.out.flush()
}

// gather sends one message some time: when there are enough, or flush is called.
func (c *connection) gather(fill func(dst []byte) []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.out.add(fill)
}

func (c *connection) flush() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.out.flush()
}

// fail refuses a query before there was a reply; the connection ends (RFC 5460, Section 7.2; RFC 7653, Section 9.3).
func (c *connection) fail(m *wire.Message, fault *query.Fault) error {
	r := c.server.responder
	if err := c.send(func(dst []byte) []byte { return r.refuse(r.open(dst, wire.LeasequeryReply, m), fault) }); err != nil {
		return err
	}
	return fault
}
