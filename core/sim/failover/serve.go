package failover

import (
	"bytes"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/wire"
)

// A serving is a client's message and what comes of it.
type serving struct {
	*Server
	m       *wire.Message
	b       []byte
	changes []*lease // in the order of their IAs
	given   int      // IAs that have a lease in the answer
	said    int      // IAs that are in the answer at all
}

// Answer returns the reply to a client's message, relays' headers included; nil: there is none. The partner learns of what was
// granted after that (RFC 8156, Section 4.3).
func (s *Server) Answer(p *wire.Packet) []byte {
	m := &p.Message
	mine := bytes.Equal(m.ServerID, s.duid)
	if how := s.manner(); how == unresponsive || how == renewResponsive && !mine || m.ServerID != nil && !mine {
		return nil
	}
	if s.disk.state == RecoverDone && m.Type != wire.Renew {
		return nil
	}
	kind := wire.Reply
	if m.Type == wire.Solicit {
		kind = wire.Advertise
	}
	b, marks := wire.OpenRelays(nil, p)
	b = wire.AppendHeader(b, kind, m.TransactionID)
	b = wire.AppendOption(b, wire.OptionClientID, m.ClientID)
	b = wire.AppendOption(b, wire.OptionServerID, s.duid)
	v := &serving{Server: s, m: m, b: wire.AppendUint32Option(b, wire.OptionSOLMaxRT, s.SolMaxRT)}
	if !v.serve() {
		return nil
	}
	if kind == wire.Advertise && v.given == m.IACount && s.role == Primary {
		v.b = wire.AppendUint8Option(v.b, wire.OptionPreference, 255)
	}
	s.changed(v.changes...)
	return wire.CloseRelays(v.b, marks)
}

// serve does what the message asks for; false: it isn't answered.
func (v *serving) serve() bool {
	switch v.m.Type {
	case wire.Solicit, wire.Request:
		for i := range v.m.IACount {
			v.give(&v.m.IAs[i])
		}
		return true
	case wire.Renew, wire.Rebind:
		for i := range v.m.IACount {
			v.extend(&v.m.IAs[i])
		}
		return v.said > 0
	case wire.Confirm:
		v.confirm()
		return true
	case wire.Release:
		v.release()
		return true
	}
	return false
}

func (v *serving) client(ia *wire.IA) Client { return Client{string(v.m.ClientID), ia.Kind, ia.IAID} }

// give offers or grants a lease.
func (v *serving) give(ia *wire.IA) {
	who := v.client(ia)
	key, ok := v.assign(who)
	if !ok {
		code := wire.StatusNoAddrsAvail
		if ia.Kind == wire.IAPD {
			code = wire.StatusNoPrefixAvail
		}
		v.status(ia, code)
		return
	}
	if v.m.Type == wire.Solicit {
		v.reserve(key, who)
		var l lease
		if known := v.disk.leases[key]; known != nil {
			l = *known
		}
		v.lease(ia, key, v.lifetime(&l))
		return
	}
	v.lease(ia, key, v.grant(v.disk.at(key), who))
}

// lifetime is how many milliseconds a client may have a lease (RFC 8156, Section 4.4).
func (s *Server) lifetime(l *lease) int64 {
	if s.disk.state == PartnerDown {
		return s.Valid
	}
	now := s.host.Now()
	return min(s.Valid, max(l.acked, now)-now+s.MCLT)
}

// grant binds a lease to a client. The partner will be told of a lifetime that lets the client have all of its own next time.
func (v *serving) grant(l *lease, who Client) (valid int64) {
	now := v.host.Now()
	if l.client != who {
		l.acked = 0
	}
	valid = v.lifetime(l)
	if l.status != Active || l.client != who {
		l.since = now
	}
	delete(v.reserved, l.key)
	delete(v.offers, who)
	l.status, l.told = Active, false
	v.disk.bind(l, who)
	l.heard, l.until = now, now+valid
	l.sent = now + v.renewal(valid) + v.Valid
	v.changes = append(v.changes, l)
	return valid
}

// renewal is T1 of a lease.
func (s *Server) renewal(valid int64) int64 { return min(s.Preferred, valid) / 2 }

// extend extends what a client has. What the server doesn't know it says of a Renew (RFC 9915, Section 18.3.4); at a Rebind
// another server may know it.
func (v *serving) extend(ia *wire.IA) {
	who, known := v.client(ia), false
	lease, _, ok := ia.NextLease(ia.Options)
	if !ok {
		if v.manner() == responsive {
			v.give(ia)
		}
		return
	}
	key := binding.Key{Address: lease.Address, Length: lease.Length}
	l := v.disk.leases[key]
	if l != nil {
		known = v.keeps(l, who) || v.disk.state != RecoverDone && l.client != who && v.available(l, who)
	}
	switch {
	case known:
		v.lease(ia, key, v.grant(l, who))
	case l != nil && l.status == Active && l.client != who:
		v.withdraw(ia, key)
	case v.m.Type == wire.Renew && v.disk.state != RecoverDone:
		v.status(ia, wire.StatusNoBinding)
	}
}

// lease appends an IA with a lease.
func (v *serving) lease(ia *wire.IA, key binding.Key, valid int64) {
	v.given++
	v.said++
	b, mark := wire.OpenIA(v.b, ia.Kind, ia.IAID)
	preferred := min(v.Preferred, valid)
	wire.SetTimes(b, mark, uint32(preferred/2000), uint32(preferred*8/10_000))
	b = appendLease(b, ia.Kind, key, uint32(preferred/1000), uint32(valid/1000))
	v.b = wire.CloseOption(b, mark)
}

// withdraw appends an IA whose lease another client has.
func (v *serving) withdraw(ia *wire.IA, key binding.Key) {
	v.said++
	b, mark := wire.OpenIA(v.b, ia.Kind, ia.IAID)
	v.b = wire.CloseOption(appendLease(b, ia.Kind, key, 0, 0), mark)
}

func (v *serving) status(ia *wire.IA, code wire.StatusCode) {
	v.said++
	b, mark := wire.OpenIA(v.b, ia.Kind, ia.IAID)
	v.b = wire.CloseOption(wire.AppendStatus(b, code, ""), mark)
}

func appendLease(b []byte, kind wire.Kind, key binding.Key, preferred, valid uint32) []byte {
	if kind == wire.IANA {
		return wire.AppendIAAddress(b, &key.Address, preferred, valid)
	}
	return wire.AppendIAPrefix(b, &key.Address, key.Length, preferred, valid, nil)
}

// confirm tells whether the client's addresses are of the link.
func (v *serving) confirm() {
	code := wire.StatusSuccess
	for i := range v.m.IACount {
		ia := &v.m.IAs[i]
		if l, _, ok := ia.NextLease(ia.Options); ok && ia.Kind == wire.IANA && !bytes.Equal(l.Address[:8], v.Addresses[:8]) {
			code = wire.StatusNotOnLink
		}
	}
	v.b = wire.AppendStatus(v.b, code, "")
}

// release ends what the client gives up.
func (v *serving) release() {
	for i := range v.m.IACount {
		ia := &v.m.IAs[i]
		lease, _, ok := ia.NextLease(ia.Options)
		l := v.disk.leases[binding.Key{Address: lease.Address, Length: lease.Length}]
		if ok && l != nil && l.status == Active && l.client == v.client(ia) {
			l.status, l.since, l.heard, l.told = Released, v.host.Now(), v.host.Now(), false
			v.changes = append(v.changes, l)
		}
	}
	v.b = wire.AppendStatus(v.b, wire.StatusSuccess, "")
}
