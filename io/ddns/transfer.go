package ddns

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/miekg/dns"

	"github.com/lockstep6/lockstep6/core/upkeep"
)

// transferIdle is how long a transfer waits for its next message.
const transferIdle = 30 * time.Second

// Transfer reads a whole zone (RFC 5936) and gives its records to yield one by one, the SOA record once. The zone's servers are asked in
// turn until one begins; a *RefusedError says that none wants to. Yield's error ends it. What was given is right only if there is no
// error in the end: the last message of a signed transfer is what vouches for those before it.
func (c *Client) Transfer(ctx context.Context, zone int, yield func(*Record) error) error {
	z, err := c.zone(zone)
	if err != nil {
		return err
	}
	var refused error
	failed := &Error{Zone: z.Name}
	for _, s := range turn(z.servers, time.Now()) {
		began, err := c.transferFrom(ctx, z, s, yield)
		var no *RefusedError
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case began:
			return fmt.Errorf("zone %s from %s: %w", z.Name, s.addr, err)
		case errors.As(err, &no):
			refused = err
		default:
			failed.add(s.addr, err)
		}
	}
	if refused != nil {
		return refused
	}
	return failed
}

// transferFrom reads the zone from one server; began: yield was called.
func (c *Client) transferFrom(ctx context.Context, z *clientZone, s *server, yield func(*Record) error) (began bool, err error) {
	r, err := newRequest(queryMessage(z.Name, upkeep.RRType(dns.TypeAXFR)), z.Key, c.now())
	if err != nil {
		return false, err
	}
	conn, err := c.dial(ctx, s)
	if err != nil {
		return false, c.inWords(err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	if err := conn.SetDeadline(time.Now().Add(c.timeout)); err != nil {
		return false, err
	}
	if err := writeFrame(conn, r.wire); err != nil {
		return false, c.inWords(err)
	}
	t := &transfer{client: c, zone: z, request: r, yield: yield}
	err = t.run(conn)
	return t.records > 0, err
}

// A transfer is one that is going on.
type transfer struct {
	client  *Client
	zone    *clientZone
	request *request
	yield   func(*Record) error
	records int
	ended   bool // the second SOA record was there
}

func (t *transfer) run(conn net.Conn) (err error) {
	var in []byte
	for !t.ended {
		if err := conn.SetReadDeadline(time.Now().Add(transferIdle)); err != nil {
			return err
		}
		if in, err = readFrame(conn, in); err != nil {
			return t.client.inWords(err)
		}
		m, err := t.request.read(in, t.client.now())
		switch {
		case err != nil:
			return bad(err)
		case m.Rcode != dns.RcodeSuccess:
			return &RefusedError{t.zone.Name, upkeep.Answer(m.Rcode)}
		case m.Truncated || len(m.Answer) == 0:
			return &malformedError{errors.New("a message of the transfer has no records")}
		}
		if err := t.take(m.Answer); err != nil {
			return err
		}
	}
	if s := t.request.signer; s != nil && len(s.pending) > 0 {
		return &trustError{fmt.Errorf("the transfer's last message: %w", errUnsigned)}
	}
	return nil
}

// take gives the records of a message on. The first is the zone's SOA record, and so is the last (RFC 5936, Section 2.2).
func (t *transfer) take(answers []dns.RR) error {
	for _, rr := range answers {
		r, err := readRecord(rr)
		switch isStart := err == nil && r.Type == upkeep.RRType(dns.TypeSOA) && string(r.Name) == string(t.zone.Name); {
		case err != nil:
			return &malformedError{err}
		case t.ended:
			return &malformedError{errors.New("the transfer goes on behind its end")}
		case t.records == 0 && !isStart:
			return &malformedError{errors.New("the transfer doesn't begin with the zone's SOA record")}
		case t.records > 0 && isStart:
			t.ended = true
			continue
		}
		t.records++
		if err := t.yield(&r); err != nil {
			return err
		}
	}
	return nil
}
