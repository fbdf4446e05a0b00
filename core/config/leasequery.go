package config

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/lockstep6/lockstep6/core/wire"
)

// Leasequery says who may ask for bindings, and how (RFC 5007, RFC 5460, RFC 7653).
type Leasequery struct {
	Requestors  []netip.Prefix
	Listen      []netip.AddrPort // TCP
	Connections int
	Data, Query uint32 // seconds
	RelayData   bool   // the last Relay-forward is kept with each binding
	Hidden      []wire.OptionCode
	Active      *ActiveQuery // nil: not answered
	TLS         *LeasequeryTLS
}

// ActiveQuery says how active queries are answered.
type ActiveQuery struct {
	Insecure bool   // without TLS too
	Keep     uint32 // seconds for which ended leases are remembered
}

// LeasequeryTLS names PEM files, relative to the configuration's folder.
type LeasequeryTLS struct {
	Certificate, Key, Authorities string
	Names                         []string // of requestors; none: any
	Required                      bool     // nothing is answered by TCP without it
}

// Defaults of leasequery; times in seconds (RFC 5460, Section 5.6; DefaultActiveKeep is ours).
const (
	DefaultConnections  = 10
	DefaultDataTimeout  = 300
	DefaultQueryTimeout = 3600
	DefaultActiveKeep   = 600
)

func (c *checker) leasequery(raw *rawLeasequery) *Leasequery {
	if raw == nil {
		return nil
	}
	q := &Leasequery{
		Connections: int(raw.Connections.or(DefaultConnections)),
		Data:        raw.Data.or(DefaultDataTimeout),
		Query:       raw.Query.or(DefaultQueryTimeout),
		RelayData:   raw.RelayData.value,
	}
	for i := range raw.Requestors {
		q.Requestors = append(q.Requestors, raw.Requestors[i].value)
	}
	if len(raw.Requestors) == 0 && c.positions["leasequery.requestors"] != (Position{}) {
		c.fail(raw.At.in("requestors"), "names nobody, so nobody can ask", "name the relays' prefixes, or leave leasequery out")
	}
	c.queryListen(q, raw)
	for i := range raw.Hidden {
		code, ok := wire.OptionCode(raw.Hidden[i].value), raw.Hidden[i].ok
		switch {
		case !ok:
		case slices.Contains(q.Hidden, code):
			c.fail(raw.Hidden[i].place, fmt.Sprintf("option %d stands here twice", code), "keep one of the two")
		default:
			q.Hidden = append(q.Hidden, code)
		}
	}
	c.queryTLS(q, raw)
	if raw.Active != nil {
		q.Active = &ActiveQuery{Insecure: raw.Active.Insecure.value, Keep: raw.Active.Keep.or(DefaultActiveKeep)}
		if !q.Active.Insecure && raw.TLS == nil {
			c.fail(raw.Active.At, "needs TLS, and there is no leasequery.tls", "add leasequery.tls, or say insecure: true")
		}
		if len(q.Listen) == 0 {
			c.fail(raw.Active.At, "comes by TCP, and leasequery.listen is empty", "name an address there")
		}
	}
	return q
}

func (c *checker) queryListen(q *Leasequery, raw *rawLeasequery) {
	if c.positions["leasequery.listen"] == (Position{}) {
		q.Listen = []netip.AddrPort{netip.AddrPortFrom(netip.IPv6Unspecified(), wire.ServerPort)}
		return
	}
	for i := range raw.Listen {
		t := &raw.Listen[i]
		at, ok := c.socketAddress(t)
		switch {
		case !ok:
		case slices.Contains(q.Listen, at):
			c.fail(t.place, at.String()+" stands here twice", "keep one of the two")
		default:
			q.Listen = append(q.Listen, at)
		}
	}
}

func (c *checker) queryTLS(q *Leasequery, raw *rawLeasequery) {
	if raw.TLS == nil {
		return
	}
	q.TLS = &LeasequeryTLS{Certificate: raw.TLS.Certificate.value, Key: raw.TLS.Key.value, Authorities: raw.TLS.Authorities.value}
	q.TLS.Required = raw.TLS.Required.value
	if q.TLS.Required && raw.Active != nil && raw.Active.Insecure.value {
		c.fail(raw.Active.Insecure.place, "contradicts leasequery.tls.required", "leave one of the two out")
	}
	for i := range raw.TLS.Names {
		q.TLS.Names = append(q.TLS.Names, raw.TLS.Names[i].value)
	}
}
