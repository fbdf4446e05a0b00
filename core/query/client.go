package query

import (
	"encoding/binary"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/wire"
)

// A Client is what is known of one client on one link: leases that it may use, all of the same DUID, at least one.
type Client []binding.Stored

// DUID is the client's.
func (c Client) DUID() []byte { return c[0].DUID }

// Last is when the client was last heard on the link (RFC 5007, Section 4.1.2.3).
func (c Client) Last() (last binding.Time) {
	for i := range c {
		last = max(last, c[i].LastTransaction)
	}
	return last
}

// newest is the lease with which the client was heard last: what is kept with it is newest too.
func (c Client) newest() *binding.Stored {
	at := 0
	for i := range c {
		if c[i].LastTransaction > c[at].LastTransaction {
			at = i
		}
	}
	return &c[at]
}

// Usable tells whether the client may use a lease now: only such leases are in an answer (RFC 5007, Section 4.1.2.2).
func Usable(s *binding.Stored, now binding.Time) bool {
	return (s.State == binding.Bound || s.State == binding.Superseded) && s.Expires > now
}

// AppendClient appends OPTION_CLIENT_DATA (RFC 5007, Section 4.4.2): Client Identifier, a lease option for each lease with
// what is left of its lifetimes, OPTION_CLT_TIME, and of what the query's Option Request option lists that which is kept of
// the client and isn't hidden; a lease's identity association too (see Association). The option's length must fit 16 bits: with at
// most q.MaxLeases() leases it does.
func AppendClient(dst []byte, c Client, q *Question, now binding.Time, t *Teller) []byte {
	dst, mark := wire.OpenOption(dst, wire.OptionClientData)
	dst = wire.AppendOption(dst, wire.OptionClientID, c.DUID())
	for i := range c[:min(len(c), q.MaxLeases())] {
		dst = appendLease(dst, &c[i], now)
		if anonymous(&c[i]) {
			continue
		}
		if code := associationCode(c[i].Kind); q.Wants(code) && !t.hides(code) && Usable(&c[i], now) {
			dst = appendAssociation(dst, &c[i], q, now, t)
		}
	}
	dst = wire.AppendUint32Option(dst, wire.OptionCLTTime, uint32(max(now, c.Last())-c.Last()))
	return wire.CloseOption(appendKept(dst, c.newest(), q, t), mark)
}

// MaxLeases is the most leases of a client that one OPTION_CLIENT_DATA carries (see Question.MaxLeases).
const MaxLeases = 1024

// A Teller says what a server tells of its bindings. Nil: all but who granted them.
type Teller struct {
	Hide     func(wire.OptionCode) bool // nil: nothing is hidden
	ServerID func(owner uint8) []byte   // DUID of the server whose binding it is; nil where it isn't known
}

func (t *Teller) hides(code wire.OptionCode) bool { return t != nil && t.Hide != nil && t.Hide(code) }

func (t *Teller) serverID(owner uint8) []byte {
	if t == nil || t.ServerID == nil {
		return nil
	}
	return t.ServerID(owner)
}

// appendLease appends the lease as an option of its own, without an IA around it. Of one that has ended, which only an
// active query tells of, the lifetimes are 0.
func appendLease(dst []byte, s *binding.Stored, now binding.Time) []byte {
	preferred, valid := left(s, now)
	if s.Kind != wire.IAPD {
		return wire.AppendIAAddress(dst, &s.Key.Address, preferred, valid)
	}
	return wire.AppendIAPrefix(dst, &s.Key.Address, s.Key.Length, preferred, valid, nil)
}

// left is what is left of a lease's lifetimes.
func left(s *binding.Stored, now binding.Time) (preferred, valid uint32) {
	switch {
	case !Usable(s, now):
		return 0, 0
	case s.Expires == binding.Never:
		valid = wire.Infinity
	default:
		valid = uint32(s.Expires - now)
	}
	preferred = s.Preferred
	if preferred != wire.Infinity && now > s.LastTransaction {
		preferred -= min(preferred, uint32(now-s.LastTransaction))
	}
	return min(preferred, valid), valid
}

// keptOptions are the options that are kept with a binding as they were received.
var keptOptions = [...]struct {
	code wire.OptionCode
	kind binding.ExtensionKind
}{
	{wire.OptionInterfaceID, binding.ExtInterfaceID},
	{wire.OptionRemoteID, binding.ExtRemoteID},
	{wire.OptionSubscriberID, binding.ExtSubscriberID},
	{wire.OptionRelayID, binding.ExtRelayID},
	{wire.OptionClientLinkLayer, binding.ExtHardwareAddress},
	{wire.OptionClientFQDN, binding.ExtFQDN},
}

func appendKept(dst []byte, s *binding.Stored, q *Question, t *Teller) []byte {
	if len(q.Options) == 0 {
		return dst
	}
	wanted := func(code wire.OptionCode) bool { return q.Wants(code) && !t.hides(code) }
	for _, o := range keptOptions {
		if v, ok := s.Extension.Find(o.kind); ok && wanted(o.code) {
			dst = wire.AppendOption(dst, o.code, v)
		}
	}
	if chain, ok := s.Extension.Find(binding.ExtRelayChain); ok && len(chain) > 16 && wanted(wire.OptionLQRelayData) {
		dst = wire.AppendOption(dst, wire.OptionLQRelayData, chain)
	}
	if options, ok := s.Extension.Find(binding.ExtClientOptions); ok {
		for code, data, rest, more := wire.Options(options).Next(); more; code, data, rest, more = rest.Next() {
			if wanted(code) {
				dst = wire.AppendOption(dst, code, data)
			}
		}
	}
	return dst
}

// AppendLinks appends OPTION_LQ_CLIENT_LINK, for a client that is found on several links (RFC 5007, Section 4.1.2.5).
func AppendLinks(dst []byte, links [][16]byte) []byte {
	dst, mark := wire.OpenOption(dst, wire.OptionLQClientLink)
	for i := range links {
		dst = append(dst, links[i][:]...)
	}
	return wire.CloseOption(dst, mark)
}

// AppendBaseTime appends OPTION_LQ_BASE_TIME (RFC 7653, Section 6.3.1).
func AppendBaseTime(dst []byte, now binding.Time) []byte {
	return binary.BigEndian.AppendUint32(append(dst, 0, byte(wire.OptionLQBaseTime), 0, timeSize), uint32(now))
}
