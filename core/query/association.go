package query

import (
	"encoding/binary"

	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/wire"
)

// Leasequery carries no IAID, and a node that catches up needs one. Who lists IA_NA or IA_PD in the query's Option Request
// option is told each lease of that kind a second time, as a client would see it:
//
//	IA_NA or IA_PD     IAID; T1 and T2 are 0
//	  IA Address or IA Prefix
//	  Server Identifier       who granted it, where that is known
//	  OPTION_CLT_TIME         seconds since the client was heard with this lease
//	  OPTION_LQ_START_TIME    when it got the lease, by the clock of OPTION_LQ_BASE_TIME
//	  OPTION_LQ_CLIENT_LINK   what its relay called the link
//	  Client FQDN             what the client is called with this lease, where that is asked for and isn't hidden
//	  Client Identifier       what its client is known by, where that isn't DUID and IAID: a number, 4 octets, and the identity
//	  OPTION_ADDR_REG_ENABLE  the client gave itself the address and registered it (RFC 9686); IAID is 0
//	  Status Code             NoBinding, where the client has turned to another server: it isn't extended
//
// All of them are standard options, in a place at which other requestors don't look.

// An Association is a lease with the identity association that it is in. Slices are views over the message.
type Association struct {
	Lease
	IAID       uint32
	Known      address.Identity // what the client IA is known by; not Derived: its DUID and IAID
	ServerID   []byte           // nil: it isn't known who granted it
	Age        uint32           // seconds since the client was heard with it
	Start      binding.Time     // when the client got it, by the server's clock; 0: isn't told
	Link       [16]byte         // zero: isn't told
	FQDN       []byte           // data of the Client FQDN option; nil: isn't told
	Superseded bool
}

// Associates tells whether the query asks for identity associations.
func (q *Question) Associates() bool { return q.Wants(wire.OptionIANA) || q.Wants(wire.OptionIAPD) }

// maxAssociated is how many leases of a client one OPTION_CLIENT_DATA carries with their identity associations, each of which
// takes up to 550 octets.
const maxAssociated = 96

// MaxLeases is how many leases of a client one OPTION_CLIENT_DATA carries: 64 kilooctets are its end. A client with more
// is a router that asks for whole networks; it comes in several.
func (q *Question) MaxLeases() int {
	if q.Associates() {
		return maxAssociated
	}
	return MaxLeases
}

func associationCode(kind wire.Kind) wire.OptionCode {
	if kind == wire.IAPD {
		return wire.OptionIAPD
	}
	return wire.OptionIANA
}

// anonymous tells whether the lease's IAID isn't known: a server of another make told of it, which can't say that. Others are told
// no more of it than by that one.
func anonymous(s *binding.Stored) bool { return s.Flags&binding.FlagAnonymous != 0 }

// appendAssociation appends the identity association of a usable lease.
func appendAssociation(dst []byte, s *binding.Stored, q *Question, now binding.Time, t *Teller) []byte {
	dst, mark := wire.OpenIA(dst, s.Kind, s.IAID)
	dst = appendLease(dst, s, now)
	if s.Kind == wire.Registered {
		dst = wire.AppendOption(dst, wire.OptionAddrRegEnable, nil)
	} else if id := t.serverID(s.Owner); id != nil {
		dst = wire.AppendOption(dst, wire.OptionServerID, id)
	}
	dst = wire.AppendUint32Option(dst, wire.OptionCLTTime, uint32(max(now, s.LastTransaction)-s.LastTransaction))
	dst = wire.AppendUint32Option(dst, wire.OptionLQStartTime, uint32(s.Since))
	if link, ok := s.Extension.Find(binding.ExtLinkAddress); ok && len(link) == 16 {
		dst = wire.AppendOption(dst, wire.OptionLQClientLink, link)
	}
	if name, ok := s.Extension.Find(binding.ExtFQDN); ok && q.Wants(wire.OptionClientFQDN) && !t.hides(wire.OptionClientFQDN) {
		dst = wire.AppendOption(dst, wire.OptionClientFQDN, name)
	}
	if id := s.Identity(); id.Derived {
		var room [4 + binding.MaxIdentity]byte
		dst = wire.AppendOption(dst, wire.OptionClientID, binding.AppendIdentity(room[:0], &id))
	}
	if s.State == binding.Superseded {
		dst = wire.AppendStatus(dst, wire.StatusNoBinding, "")
	}
	return wire.CloseOption(dst, mark)
}

const (
	iaHeader   = 12 // IAID, T1 and T2
	statusSize = 2
)

// readAssociation reads an IA of OPTION_CLIENT_DATA. Of one that tells of no lease, or not when its client was heard, nothing is
// taken: no server has to say any of this.
func readAssociation(kind wire.Kind, b []byte) (a Association, ok bool) {
	if len(b) < iaHeader || !wire.WellFramed(b[iaHeader:]) {
		return a, false
	}
	ia := wire.IA{Kind: kind, IAID: binary.BigEndian.Uint32(b), Options: wire.Options(b[iaHeader:])}
	lease, _, found := ia.NextLease(ia.Options)
	if !found || lease.Length == 0 {
		return a, false
	}
	a.Lease = Lease{
		Key: binding.Key{Address: lease.Address, Length: lease.Length}, Kind: kind, Preferred: lease.Preferred, Valid: lease.Valid,
	}
	a.IAID = ia.IAID
	for code, data, rest, more := ia.Options.Next(); more; code, data, rest, more = rest.Next() {
		switch {
		case code == wire.OptionServerID && len(data) >= wire.MinDUID && len(data) <= wire.MaxDUID:
			a.ServerID = data
		case code == wire.OptionAddrRegEnable && kind == wire.IANA:
			a.Kind = wire.Registered
		case code == wire.OptionClientID:
			a.Known, _ = binding.ParseIdentity(kind, data)
		case code == wire.OptionCLTTime && len(data) == timeSize:
			a.Age, ok = binary.BigEndian.Uint32(data), true
		case code == wire.OptionLQStartTime && len(data) == timeSize:
			a.Start = binding.Time(binary.BigEndian.Uint32(data))
		case code == wire.OptionLQClientLink && len(data) >= 16:
			a.Link = [16]byte(data)
		case code == wire.OptionClientFQDN:
			a.FQDN = data
		case code == wire.OptionStatusCode && len(data) >= statusSize:
			a.Superseded = wire.StatusCode(binary.BigEndian.Uint16(data)) == wire.StatusNoBinding
		}
	}
	return a, ok
}

// Relay is what OPTION_CLIENT_DATA says of the relay that the client is behind: whatever of it was asked for and is told.
func (d *Data) Relay() (r wire.Relay) {
	for code, data, rest, ok := d.Options.Next(); ok; code, data, rest, ok = rest.Next() {
		switch code {
		case wire.OptionInterfaceID:
			r.InterfaceID = data
		case wire.OptionRemoteID:
			r.RemoteID = data
		case wire.OptionSubscriberID:
			r.SubscriberID = data
		case wire.OptionRelayID:
			r.RelayID = data
		case wire.OptionClientLinkLayer:
			r.ClientLinkLayer = data
		}
	}
	return r
}
