package leasequery

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/lockstep6/lockstep6/core/query"
	"github.com/lockstep6/lockstep6/core/wire"
)

// Errors of a Source.
var (
	// ErrSlow says that a requestor's queue of changes was full.
	ErrSlow = errors.New("the requestor takes changes more slowly than they happen")
	// ErrMissing says that what changed since the time that was asked for isn't known any more.
	ErrMissing = errors.New("changes from so long ago aren't known")
)

// active answers an ACTIVELEASEQUERY (RFC 7653, Section 9.3): a LEASEQUERY-REPLY, then what changed since the time that the
// requestor names, while what changes now goes out beside it; and so on until one of the two ends the connection.
func (c *connection) active(ctx context.Context, m *wire.Message) error {
	r := c.server.responder
	q, fault := r.read(m, query.Active)
	switch {
	case !c.server.config.Active:
		return c.fail(m, &query.Fault{Code: wire.StatusNotSupported, Text: "leasequery.active isn't switched on"})
	case c.conn == c.plain && !c.server.config.Insecure:
		r.Counters.rejected.Add(1)
		return errInsecure // RFC 7653, Section 9.1: MUST be closed
	}
	if fault = r.mayAsk(&q, fault, true); fault != nil {
		return c.fail(m, fault)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	c.mu.Lock()
	c.out.limit = min(c.out.limit, r.rules.Limits.Send)
	c.mu.Unlock()
	go c.listen(cancel)
	changes := c.changes(ctx, &q)
	since, missing := c.since(ctx, &q)
	err := c.send(func(dst []byte) []byte {
		dst = r.open(dst, wire.LeasequeryReply, m)
		if missing {
			dst = r.refuse(dst, &query.Fault{Code: wire.StatusDataMissing, Text: ErrMissing.Error()})
			return query.AppendBaseTime(dst, r.source.Now()) // RFC 7653, Section 8.4.1: whoever asks
		}
		return r.baseTime(dst, &q, r.source.Now())
	})
	if err == nil {
		err = c.stream(ctx, m, &q, changes, since)
	}
	if errors.Is(err, errGone) {
		return nil
	}
	var broken sourceError
	if ctx.Err() != nil || errors.As(err, &broken) {
		q.BaseTime = true // RFC 7653, Section 8.4: the requestor comes back with it
		return c.terminate(m, &q, 1, cmp.Or(err, ctx.Err()))
	}
	return c.slow(err)
}

// A sourceError is why there is nothing more to tell. The requestor is told of it.
type sourceError struct{ error }

// Unwrap is the source's error.
func (e sourceError) Unwrap() error { return e.error }

// errGone says that the requestor has closed the connection.
var errGone = errors.New("the requestor has gone")

// listen waits for the requestor to go: it says nothing more on this connection (RFC 7653, Section 9.4).
func (c *connection) listen(gone context.CancelCauseFunc) {
	_ = c.plain.SetReadDeadline(time.Time{})
	var one [1]byte
	_, _ = c.conn.Read(one[:])
	gone(errGone)
}

// An item is a client, or the end of what yields them.
type item struct {
	found query.Found
	err   error // nil: found counts
	end   bool
}

// pump makes a channel of a sequence.
func pump(ctx context.Context, clients func(func(query.Found, error) bool)) <-chan item {
	out := make(chan item)
	go func() {
		defer close(out)
		put := func(i item) bool {
			select {
			case out <- i:
				return true
			case <-ctx.Done():
				return false
			}
		}
		for f, err := range clients {
			if !put(item{found: f, err: err}) || err != nil {
				return
			}
		}
		if ctx.Err() == nil { // else it may have been cut short
			put(item{end: true})
		}
	}()
	return out
}

func (c *connection) changes(ctx context.Context, q *query.Question) <-chan item {
	return pump(ctx, c.server.responder.source.Watch(ctx, q))
}

// since begins the catch-up, where the requestor names a time. Missing: what changed since isn't known.
func (c *connection) since(ctx context.Context, q *query.Question) (items <-chan item, missing bool) {
	if !q.HasStart {
		return nil, false
	}
	all := pump(ctx, c.server.responder.source.Since(ctx, q))
	begin, ok := <-all
	switch {
	case !ok: // the query has ended
		return nil, false
	case errors.Is(begin.err, ErrMissing):
		return nil, true
	}
	again := make(chan item)
	go func() {
		defer close(again)
		for i := begin; ; {
			select {
			case again <- i:
			case <-ctx.Done():
				return
			}
			if i, ok = <-all; !ok {
				return
			}
		}
	}()
	return again, false
}

// stream sends changes and, until it is complete, the catch-up.
func (c *connection) stream(ctx context.Context, m *wire.Message, q *query.Question, changes, since <-chan item) error {
	idle := time.NewTimer(c.server.responder.rules.Limits.Idle)
	defer idle.Stop()
	for {
		var i item
		var ok bool
		catching := false
		select {
		case i, ok = <-changes:
			if !ok {
				return context.Cause(ctx)
			}
		case i, ok = <-since:
			catching = true
			if !ok {
				return context.Cause(ctx)
			}
		case <-idle.C:
			if err := c.data(m, q, nil, nil); err != nil {
				return err
			}
			idle.Reset(c.server.responder.rules.Limits.Idle)
			continue
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		err := c.step(m, q, i, catching, &since)
		if err != nil {
			return err
		}
		idle.Reset(c.server.responder.rules.Limits.Idle)
	}
}

// step sends one client, or that the catch-up has ended.
func (c *connection) step(m *wire.Message, q *query.Question, i item, catching bool, since *<-chan item) error {
	switch {
	case catching && errors.Is(i.err, ErrMissing):
		*since = nil
		return c.data(m, q, nil, &query.Fault{Code: wire.StatusDataMissing, Text: ErrMissing.Error()})
	case i.err != nil:
		return sourceError{i.err}
	case catching && i.end:
		*since = nil
		return c.data(m, q, nil, &query.Fault{Code: wire.StatusCatchUpComplete, Text: "what follows happens now"})
	case i.end:
		return sourceError{errEnd}
	default:
		return c.data(m, q, i.found.Client, nil)
	}
}

// data sends a LEASEQUERY-DATA with a client, a status, or neither.
func (c *connection) data(m *wire.Message, q *query.Question, client query.Client, status *query.Fault) error {
	r := c.server.responder
	now := r.source.Now()
	return c.send(func(dst []byte) []byte {
		dst = wire.AppendHeader(dst, wire.LeasequeryData, m.TransactionID)
		if len(client) > 0 {
			dst = r.client(dst, client, q, now)
		}
		if status != nil {
			dst = wire.AppendStatus(dst, status.Code, status.Text)
		}
		if status != nil && status.Code == wire.StatusDataMissing {
			return query.AppendBaseTime(dst, now)
		}
		return r.baseTime(dst, q, now)
	})
}
