package leasequery

import (
	"context"
	"errors"
	"os"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/query"
	"github.com/lockstep6/lockstep6/core/wire"
)

// bulk answers a LEASEQUERY (RFC 5460, Section 7.2): the first client in a LEASEQUERY-REPLY, the others in a
// LEASEQUERY-DATA each, and a LEASEQUERY-DONE behind them. Where nobody is found the reply is empty, and all.
func (c *connection) bulk(ctx context.Context, m *wire.Message) error {
	r := c.server.responder
	q, fault := r.read(m, query.Bulk)
	if fault = r.mayAsk(&q, fault, true); fault != nil {
		// A query that can't be answered says nothing about the next one on the connection.
		return c.send(func(dst []byte) []byte { return r.refuse(r.open(dst, wire.LeasequeryReply, m), fault) })
	}
	ctx, cancel := context.WithTimeout(ctx, r.rules.Limits.Query)
	defer cancel()
	sent := 0
	for found, err := range r.source.Find(ctx, &q) {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return c.terminate(m, &q, sent, err)
		}
		if !changed(&q, found.Client) {
			continue
		}
		if err := c.tell(m, &q, found.Client, sent == 0); err != nil {
			return c.slow(err)
		}
		if sent++; sent == 1 {
			if err := c.flush(); err != nil { // a requestor sees at once that there is something
				return c.slow(err)
			}
		}
	}
	if ctx.Err() != nil {
		return c.terminate(m, &q, sent, ctx.Err())
	}
	return c.slow(c.finish(m, &q, sent))
}

// tell sends one client.
func (c *connection) tell(m *wire.Message, q *query.Question, client query.Client, first bool) error {
	r := c.server.responder
	now := r.source.Now()
	// A client with very many leases comes in several messages.
	for len(client) > 0 {
		some := client[:min(len(client), q.MaxLeases())]
		client = client[len(some):]
		err := c.gather(func(dst []byte) []byte {
			if first {
				dst = r.open(dst, wire.LeasequeryReply, m)
			} else {
				dst = wire.AppendHeader(dst, wire.LeasequeryData, m.TransactionID)
			}
			return r.baseTime(r.client(dst, some, q, now), q, now)
		})
		if err != nil {
			return err
		}
		first = false
	}
	return nil
}

// finish ends the answer to a query.
func (c *connection) finish(m *wire.Message, q *query.Question, sent int) error {
	r := c.server.responder
	return c.send(func(dst []byte) []byte {
		if sent == 0 {
			dst = r.open(dst, wire.LeasequeryReply, m)
		} else {
			dst = wire.AppendHeader(dst, wire.LeasequeryDone, m.TransactionID)
		}
		// A node that catches up must know; others have no use for that.
		if q.Associates() && !r.source.Whole(q) {
			dst = wire.AppendStatus(dst, wire.StatusDataMissing, "this server was away and hasn't heard all clients of other servers since")
		}
		return r.baseTime(dst, q, r.source.Now())
	})
}

// terminate ends a query that can't go on, and the connection with it (RFC 5460, Sections 7.2 and 7.4).
func (c *connection) terminate(m *wire.Message, q *query.Question, sent int, cause error) error {
	r := c.server.responder
	text := cause.Error()
	switch {
	case errors.Is(cause, context.DeadlineExceeded):
		text = "the query took longer than leasequery.query-time"
	case errors.Is(cause, context.Canceled):
		text = "the server ends"
	case errors.Is(cause, ErrSlow):
		r.Counters.slow.Add(1)
	}
	fault := &query.Fault{Code: wire.StatusQueryTerminated, Text: text}
	err := c.send(func(dst []byte) []byte {
		if sent == 0 {
			dst = r.open(dst, wire.LeasequeryReply, m)
		} else {
			dst = wire.AppendHeader(dst, wire.LeasequeryDone, m.TransactionID)
		}
		return r.baseTime(r.refuse(dst, fault), q, r.source.Now())
	})
	return errors.Join(fault, err)
}

// slow counts a requestor that doesn't read.
func (c *connection) slow(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		c.server.responder.Counters.slow.Add(1)
	}
	return err
}

// changed tells whether a client's bindings changed within the query's times (RFC 7653, Section 6.3).
func changed(q *query.Question, client query.Client) bool {
	if !q.HasStart && !q.HasEnd {
		return true
	}
	for i := range client {
		at := max(client[i].LastTransaction, client[i].Since)
		if (!q.HasStart || at >= binding.Time(q.Start)) && (!q.HasEnd || at <= binding.Time(q.End)) {
			return true
		}
	}
	return false
}
