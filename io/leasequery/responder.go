package leasequery

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"time"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/query"
	"github.com/lockstep6/lockstep6/core/wire"
)

// Rules say who may ask, and what isn't told.
type Rules struct {
	Requestors []netip.Prefix    // who may ask; none: nobody
	Hidden     []wire.OptionCode // never returned, whoever asks (RFC 5007, Section 4.4.2)
	Limits     Limits
}

// Limits bound what requestors can take of the node.
type Limits struct {
	Connections int           // TCP connections at a time (RFC 5460, Section 5.6, BULK_LQ_MAX_CONNS)
	Data        time.Duration // after which a connection that doesn't move is given up (BULK_LQ_DATA_TIMEOUT)
	Query       time.Duration // that one query may take
	Send        time.Duration // the same of an active query, unless Data is shorter (RFC 7653, Section 9.3, ACTIVE_LQ_SEND_TIMEOUT)
	Idle        time.Duration // of an active query, after which an empty message shows that all is well (ACTIVE_LQ_IDLE_TIMEOUT)
}

// DefaultLimits are the standards' (RFC 5460, Section 5.6; RFC 7653, Section 6.4).
var DefaultLimits = Limits{Connections: 10, Data: 300 * time.Second, Query: time.Hour, Send: 2 * time.Minute, Idle: time.Minute}

// Allowed tells whether the address is a requestor's.
func (r *Rules) Allowed(address netip.Addr) bool {
	return slices.ContainsFunc(r.Requestors, func(p netip.Prefix) bool { return p.Contains(address.WithZone("")) })
}

func (r *Rules) hides(code wire.OptionCode) bool { return slices.Contains(r.Hidden, code) }

// A Responder answers queries.
type Responder struct {
	source   Source
	rules    Rules
	teller   query.Teller
	Counters Counters
}

// NewResponder makes one.
func NewResponder(source Source, rules Rules) *Responder {
	r := &Responder{source: source, rules: rules}
	r.teller = query.Teller{Hide: r.rules.hides, ServerID: source.Granter}
	return r
}

// udpTime is how long a query by UDP may take: the requestor asks again after a second (RFC 5007, Section 4.2, LQ_TIMEOUT).
const udpTime = time.Second

// UDP answers a datagram with a LEASEQUERY, relayed or not, and returns the datagram to send back and the port that it goes to.
// A nil reply: it is dropped, and counted by reason. Buffers aren't kept.
func (r *Responder) UDP(data []byte, source netip.AddrPort) (reply []byte, port uint16) {
	var p wire.Packet
	drop := p.Parse(data)
	if drop == wire.DropNone && p.Message.Type != wire.Leasequery {
		drop = wire.DropUnknownType
	}
	if drop == wire.DropNone {
		drop = query.Check(&p.Message, r.source.ServerID())
	}
	if drop == wire.DropNone && !query.Asks(&p.Message) {
		drop = wire.DropMalformedOption // RFC 5007, Section 4.2.1
	}
	if drop != wire.DropNone {
		r.Counters.dropped.Add(1)
		return nil, 0
	}
	reply, marks := wire.OpenRelays(nil, &p)
	reply = wire.CloseRelays(r.one(reply, &p.Message, r.rules.Allowed(source.Addr())), marks)
	// A requestor's port is whatever it sent from; a relay's and a client's are fixed (RFC 9915, Section 7.2).
	if p.RelayCount == 0 {
		return reply, source.Port()
	}
	return reply, wire.ReplyPort(&p, source.Port())
}

// errHasty says that a query by UDP couldn't be answered in time.
var errHasty = errors.New("the query takes too long for UDP; ask by TCP")

// one appends the reply to a query with at most one client for an answer.
func (r *Responder) one(dst []byte, m *wire.Message, allowed bool) []byte {
	ctx, cancel := context.WithTimeout(context.Background(), udpTime)
	defer cancel()
	q, fault := r.read(m, query.UDP)
	fault = r.mayAsk(&q, fault, allowed)
	dst = r.open(dst, wire.LeasequeryReply, m)
	if fault != nil {
		return r.refuse(dst, fault)
	}
	found, err := first(r.source.Find(ctx, &q), maxLinks)
	if err == nil && ctx.Err() != nil {
		err = errHasty // what was found so far may not be all
	}
	now := r.source.Now()
	switch {
	case err != nil:
		return r.refuse(dst, &query.Fault{Code: wire.StatusUnspecFail, Text: err.Error()})
	case len(found) == 1:
		dst = r.client(dst, found[0].Client, &q, now)
	case len(found) > 1:
		// RFC 5007, Section 4.4.1: on several links it MUST NOT return client data.
		dst = query.AppendLinks(dst, linksOf(found))
	}
	return r.baseTime(dst, &q, now)
}

// read reads a query and counts it. One that can't be read asks by nothing.
func (r *Responder) read(m *wire.Message, by query.Transport) (q query.Question, fault *query.Fault) {
	if q, fault = query.Read(m, by); fault == nil || q.Type != query.Everything {
		r.Counters.asked(q.Type)
	}
	return q, fault
}

// maxLinks bounds the links that one reply names: a datagram's worth.
const maxLinks = 64

func first(clients func(func(query.Found, error) bool), most int) (out []query.Found, err error) {
	for f, e := range clients {
		if e != nil {
			return out, e
		}
		if out = append(out, f); len(out) == most {
			break
		}
	}
	return out, nil
}

func linksOf(found []query.Found) (links [][16]byte) {
	for i := range found {
		if l := found[i].Link; l != [16]byte{} && !slices.Contains(links, l) {
			links = append(links, l)
		}
	}
	return links
}

// mayAsk refuses who may not ask, and asks about a link that isn't there (RFC 5007, Section 4.4.1; RFC 5460, Section 7.2).
func (r *Responder) mayAsk(q *query.Question, fault *query.Fault, allowed bool) *query.Fault {
	switch {
	case !allowed:
		return &query.Fault{Code: wire.StatusNotAllowed, Text: "this requestor isn't among leasequery.requestors"}
	case fault != nil:
		return fault
	case q.LinkAddress != [16]byte{} && !r.source.OnLink(q.LinkAddress):
		return &query.Fault{Code: wire.StatusNotConfigured, Text: "no link has this link-address"}
	case q.Type == query.ByAddress && q.LinkAddress == [16]byte{} && !r.source.OnLink(q.Address):
		return &query.Fault{Code: wire.StatusNotConfigured, Text: "no link has this address"}
	default:
		return nil
	}
}

// open begins a reply, with what a requestor needs to take it (RFC 5007, Section 4.2.2).
func (r *Responder) open(dst []byte, t wire.MessageType, m *wire.Message) []byte {
	dst = wire.AppendHeader(dst, t, m.TransactionID)
	dst = wire.AppendOption(dst, wire.OptionServerID, r.source.ServerID())
	if m.ClientID == nil {
		return dst
	}
	return wire.AppendOption(dst, wire.OptionClientID, m.ClientID)
}

func (r *Responder) refuse(dst []byte, fault *query.Fault) []byte {
	r.Counters.refused(fault.Code)
	return wire.AppendStatus(dst, fault.Code, fault.Text)
}

func (r *Responder) client(dst []byte, c query.Client, q *query.Question, now binding.Time) []byte {
	r.Counters.clients.Add(1)
	return query.AppendClient(dst, c, q, now, &r.teller)
}

func (r *Responder) baseTime(dst []byte, q *query.Question, now binding.Time) []byte {
	if q.BaseTime {
		return query.AppendBaseTime(dst, now)
	}
	return dst
}
