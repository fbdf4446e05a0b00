package failover

import "slices"

// updates tells whether the server tells its partner of each change at once (RFC 8156, Sections 8.8.1 and 8.12).
func (s *Server) updates() bool {
	return s.connected && (s.disk.state == Normal || s.disk.state == ConflictDone)
}

// changed notes that the partner has to know of leases, and lets it know soon (RFC 8156, Section 4.3).
func (s *Server) changed(leases ...*lease) {
	for _, l := range leases {
		l.version++
		l.dirty = true
	}
	if len(leases) > 0 && s.updates() {
		s.host.After(int64(s.host.Random(lazily)), func() {
			if s.updates() {
				s.update(slices.DeleteFunc(leases, func(l *lease) bool { return !l.dirty }))
			}
		})
	}
}

// flush tells the partner of all that it doesn't know, or of all.
func (s *Server) flush(all bool) {
	for _, l := range s.disk.order {
		if l.dirty || all && (l.status == Active || l.status == FreeBackup) {
			s.update([]*lease{l})
		}
	}
}

// update sends one BNDUPD.
func (s *Server) update(leases []*lease) {
	if len(leases) == 0 {
		return
	}
	m := &Message{Type: BNDUPD, transaction: s.transaction}
	s.transaction++
	for _, l := range leases {
		l.told = l.status == Expired || l.status == Released
		m.updates = append(m.updates, update{l.key, l.status, l.client, l.since, l.until, l.sent, l.heard, l.expiration, l.version})
	}
	s.outstanding[m.transaction] = m.updates
	s.send(m)
}

// updated takes in a BNDUPD, and answers it (RFC 8156, Sections 7.5 and 7.6).
func (s *Server) updated(m *Message) {
	reply := &Message{Type: BNDREPLY, transaction: m.transaction, echo: m.updates}
	for i := range m.updates {
		u := &m.updates[i]
		l := s.disk.at(u.key)
		ok := s.accepts(l, u)
		reply.rejected = append(reply.rejected, !ok)
		if ok {
			s.take(l, u)
		} else {
			l.dirty = true
		}
	}
	s.send(reply)
}

// accepts is the table of RFC 8156, Section 7.5.4.
func (s *Server) accepts(l *lease, u *update) bool {
	of := u.heard
	if u.status == Free || u.status == FreeBackup {
		of = max(u.heard, u.since)
	}
	switch {
	case l.version == 0 && l.heard == 0:
		return true // nothing is known of it
	case l.status != Active:
		return of >= l.moved()-same
	case u.status == Active && u.client != l.client:
		return s.role == Secondary || u.heard > l.since
	case u.status == Active || u.status == Released:
		return of >= l.moved()-same
	}
	return s.host.Now() > l.until
}

// take stores an update (RFC 8156, Section 7.5.5). What has ended is free for its owner at once: both know of it.
func (s *Server) take(l *lease, u *update) {
	if l.status != u.status || l.client != u.client {
		l.since = u.since
	}
	if l.status = u.status; u.status == Expired || u.status == Released {
		l.status = Free
	}
	if l.client = u.client; u.status == Active {
		s.disk.bind(l, u.client)
	}
	l.until, l.expiration = u.until, u.lifetime
	l.heard, l.sent = max(l.heard, u.heard), max(l.sent, u.expires)
	l.dirty, l.told = false, false
}

// acknowledged takes in a BNDREPLY (RFC 8156, Section 7.7).
func (s *Server) acknowledged(m *Message) {
	sent, ok := s.outstanding[m.transaction]
	if !ok {
		return
	}
	delete(s.outstanding, m.transaction)
	for i := range sent {
		u := &sent[i]
		l := s.disk.leases[u.key]
		if m.rejected[i] {
			if l.version == u.version {
				l.dirty, l.told = false, false // the partner's own update says why
			}
			continue
		}
		if u.status == Active {
			l.acked = max(l.acked, u.lifetime)
		}
		if l.version == u.version {
			l.dirty, l.told = false, false
			if l.status == Expired || l.status == Released || u.status == Free {
				l.status, l.since = Free, s.host.Now()
			}
		}
	}
	s.done()
}

// done says UPDDONE when all that the partner asked for is acknowledged.
func (s *Server) done() {
	if s.owes && len(s.outstanding) == 0 {
		s.owes = false
		s.send(&Message{Type: UPDDONE})
	}
}
