package ddns

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/miekg/dns"

	"github.com/lockstep6/lockstep6/core/naming"
	"github.com/lockstep6/lockstep6/core/upkeep"
)

// A Zone is one that takes updates.
type Zone struct {
	Name    naming.Name
	Servers []netip.AddrPort // the primary first; at least one
	Key     *Key             // nil: nothing is signed
}

// A Client asks the servers of zones. It is safe for concurrent use.
type Client struct {
	zones   []clientZone
	timeout time.Duration
	now     func() time.Time // the clock of signatures
}

type clientZone struct {
	Zone
	servers []*server
}

// NewClient makes a client. Timeout is how long one try waits for its answer; a server gets three, two by UDP and one by TCP.
func NewClient(zones []Zone, timeout time.Duration) *Client {
	c := &Client{timeout: timeout, now: time.Now}
	for _, z := range zones {
		own := clientZone{Zone: z}
		for _, addr := range z.Servers {
			own.servers = append(own.servers, &server{addr: addr})
		}
		c.zones = append(c.zones, own)
	}
	return c
}

// Exchange brings an update to the zone's servers in turn, and returns the answer of the first that does something about it. An *Error
// says that none gave an answer to go by; whether the update was made isn't known then. The context's end ends it.
func (c *Client) Exchange(ctx context.Context, u *upkeep.Update) (upkeep.Answer, error) {
	z, err := c.zone(u.Zone)
	if err != nil {
		return 0, err
	}
	answer, err := c.ask(ctx, z, updateMessage(z.Name, u))
	if err != nil {
		return 0, err
	}
	return upkeep.Answer(answer.Rcode), nil
}

// Query asks for the records of one name in a zone. What the server has in place of them, a CNAME, is among what it returns. No such
// name, and no such record, are no error.
func (c *Client) Query(ctx context.Context, zone int, name naming.Name, kind upkeep.RRType) ([]Record, error) {
	z, err := c.zone(zone)
	if err != nil {
		return nil, err
	}
	m, err := c.ask(ctx, z, queryMessage(name, kind))
	switch {
	case err != nil:
		return nil, err
	case m.Rcode != dns.RcodeSuccess && m.Rcode != dns.RcodeNameError:
		return nil, &RefusedError{z.Name, upkeep.Answer(m.Rcode)}
	case !m.Authoritative:
		return nil, fmt.Errorf("zone %s: the server isn't one of the zone's own; is the zone loaded there?", z.Name)
	}
	var records []Record
	for _, rr := range m.Answer {
		r, err := readRecord(rr)
		if err != nil {
			return nil, err
		}
		if string(r.Name) == string(name) {
			records = append(records, r)
		}
	}
	return records, nil
}

// A RefusedError is a server's refusal to tell of a zone.
type RefusedError struct {
	Zone   naming.Name
	Answer upkeep.Answer
}

// Error names the zone and the server's answer.
func (e *RefusedError) Error() string {
	return fmt.Sprintf("zone %s: the server answers %s; does it allow this host, or this key, to read the zone?", e.Zone, dns.RcodeToString[int(e.Answer)])
}

// serving is the server of a zone that is asked first now; empty: all rest after failures.
func (c *Client) serving(zone int, now time.Time) string {
	for _, s := range c.zones[zone].servers {
		if s.rests(now).IsZero() {
			return s.addr.String()
		}
	}
	return ""
}

func (c *Client) zone(i int) (*clientZone, error) {
	if i < 0 || i >= len(c.zones) {
		return nil, fmt.Errorf("there is no zone %d", i)
	}
	return &c.zones[i], nil
}

// ask asks the zone's servers in turn. A server that can't or won't (RFC 2136, Section 4.5: SERVFAIL, NOTIMP; and where it is no
// primary and hands nothing on, REFUSED or NOTAUTH) leaves the word to the next; where all do, the first one's answer counts.
func (c *Client) ask(ctx context.Context, z *clientZone, m *dns.Msg) (*dns.Msg, error) {
	var unwilling *dns.Msg
	failed := &Error{Zone: z.Name}
	for _, s := range turn(z.servers, time.Now()) {
		r, err := newRequest(m, z.Key, c.now())
		if err != nil {
			return nil, fmt.Errorf("zone %s: the message can't be made: %w", z.Name, err)
		}
		answer, err := c.askServer(ctx, s, r)
		switch {
		case ctx.Err() != nil && err != nil:
			return nil, ctx.Err()
		case err != nil:
			failed.add(s.addr, err)
		case !passes(answer.Rcode):
			return answer, nil
		case unwilling == nil:
			unwilling = answer
		}
	}
	if unwilling != nil {
		return unwilling, nil
	}
	return nil, failed
}

// passes tells whether the next server is to be asked.
func passes(rcode int) bool {
	return rcode == dns.RcodeServerFailure || rcode == dns.RcodeNotImplemented || rcode == dns.RcodeRefused || rcode == dns.RcodeNotAuth
}
