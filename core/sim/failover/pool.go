package failover

import (
	"encoding/binary"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/wire"
)

// An offer is a lease that an Advertise named, and that is reserved for its client until then.
type offer struct {
	key   binding.Key
	until int64
}

// own tells whether a free lease is the server's to give (RFC 8156, Sections 4.2.1.1 and 4.2.2).
func (s *Server) own(l *lease) bool {
	if l.isAddress() {
		return l.status == Free && (l.key.Address[15]&1 == 1) == (s.role == Primary)
	}
	return s.role == Primary && l.status == Free || s.role == Secondary && l.status == FreeBackup
}

// inherited tells whether a free prefix of the partner's may be given: in PARTNER-DOWN, after the MCLT (Section 8.4.1).
func (s *Server) inherited(l *lease) bool {
	return !l.isAddress() && (l.status == Free || l.status == FreeBackup) && s.disk.state == PartnerDown && s.host.Now() >= s.disk.since+s.MCLT
}

// available tells whether the server may give the lease to a client that doesn't have it.
func (s *Server) available(l *lease, who Client) bool {
	holder, taken := s.reserved[l.key]
	if taken && holder != who && s.offers[holder].until > s.host.Now() {
		return false
	}
	return s.own(l) || s.inherited(l)
}

// keeps tells whether a client may have a lease that the server knows as its own. One that has ended it may have again as long
// as the partner wasn't told of its end (Section 4.2.2.1).
func (s *Server) keeps(l *lease, who Client) bool {
	if l.client != who {
		return false
	}
	return l.status == Active || (l.status == Expired || l.status == Released) && !l.told || s.available(l, who)
}

// assign chooses a lease for a client: its own, what it was offered, or a new one; false: there is none.
func (s *Server) assign(who Client) (key binding.Key, ok bool) {
	if l := s.disk.find(who); l != nil && s.keeps(l, who) {
		return l.key, true
	}
	if o, ok := s.offers[who]; ok && o.until > s.host.Now() {
		if l := s.disk.leases[o.key]; l == nil || s.available(l, who) {
			return o.key, true
		}
	}
	if who.Kind == wire.IANA {
		return s.newAddress(), true
	}
	return s.newPrefix(who)
}

// newAddress draws one of the server's 2^63 addresses; the pool is never used up (Section 4.2.1).
func (s *Server) newAddress() binding.Key {
	for {
		key := binding.Key{Address: s.Addresses, Length: 128}
		interfaceID := s.host.Random(1<<63) << 1
		if s.role == Primary {
			interfaceID |= 1
		}
		binary.BigEndian.PutUint64(key.Address[8:], interfaceID)
		if s.disk.leases[key] == nil {
			return key
		}
	}
}

// newPrefix takes a free prefix: of the own ones, and only if there is none of the partner's.
func (s *Server) newPrefix(who Client) (key binding.Key, ok bool) {
	count := uint64(len(s.Prefixes))
	start := s.host.Random(count)
	for _, mine := range []bool{true, false} {
		for i := range count {
			l := s.disk.leases[s.Prefixes[(start+i)%count]]
			if s.available(l, who) && s.own(l) == mine {
				return l.key, true
			}
		}
	}
	return key, false
}

// reserve keeps a lease for a client that was offered it.
func (s *Server) reserve(key binding.Key, who Client) {
	s.offers[who] = offer{key, s.host.Now() + offered}
	s.reserved[key] = who
}

// sweep ends what has ended, lets ended leases become free where no partner is to be asked, and keeps free prefixes balanced.
func (s *Server) sweep() {
	now, d := s.host.Now(), s.disk
	for _, l := range d.order {
		switch {
		case l.status == Active && now > l.ends():
			l.status, l.since, l.told = Expired, now, false
			s.changed(l)
		case (l.status == Expired || l.status == Released) && d.state == PartnerDown &&
			now > max(l.ends(), l.sent, l.acked, d.since)+s.MCLT: // Section 8.4.1
			l.status, l.since = Free, now
			l.version++
			l.dirty = true
		}
	}
	if s.role == Primary && d.state == Normal && s.connected && len(s.outstanding) == 0 {
		s.balance(10)
	}
}

// balance gives the secondary half of the free prefixes, or takes some back, where more than a share of them would change hands
// (RFC 8156, Section 4.2.2).
func (s *Server) balance(percent int) {
	var free, backup []*lease
	for _, key := range s.Prefixes {
		switch l := s.disk.leases[key]; l.status {
		case Free:
			free = append(free, l)
		case FreeBackup:
			backup = append(backup, l)
		}
	}
	move := (len(free) - len(backup)) / 2
	if s.role != Primary || max(move, -move)*100 <= (len(free)+len(backup))*percent {
		return
	}
	for i := range move {
		l := free[i]
		if _, taken := s.reserved[l.key]; taken {
			continue
		}
		l.status, l.since = FreeBackup, s.host.Now()
		s.changed(l)
	}
	for i := range -move {
		s.demand(backup[i])
	}
}

// demand asks for a prefix of the secondary's. It is the primary's when the secondary has agreed.
func (s *Server) demand(l *lease) {
	l.version++
	m := &Message{Type: BNDUPD, transaction: s.transaction}
	s.transaction++
	m.updates = []update{{key: l.key, status: Free, since: s.host.Now(), version: l.version}}
	s.outstanding[m.transaction] = m.updates
	s.send(m)
}
