package failover

import "github.com/lockstep6/lockstep6/core/binding"

// A Server is one of the pair, from its start until its process ends.
type Server struct {
	Options
	host Host
	role Role
	duid []byte
	disk *Disk

	starting    bool   // in STARTUP
	started     int64  // when
	failed      int64  // TIME-OF-FAILURE; of a server without storage, when it started
	connection  uint64 // 0: none
	connected   bool   // communications are OK: the partner has told its state
	partner     State
	heard, said int64 // when the last message came, and went
	tried       int64 // when the primary last tried to connect
	swept       int64

	asked       bool // it has sent UPDREQ or UPDREQALL on this connection
	owes        bool // it was sent one, and hasn't said UPDDONE
	transaction uint64
	outstanding map[uint64][]update // BNDUPDs without BNDREPLY
	offers      map[Client]offer
	reserved    map[binding.Key]Client
}

// Start makes a server over its disk, in STARTUP (RFC 8156, Section 8.3.2).
func Start(o Options, host Host, role Role, duid []byte, disk *Disk) *Server {
	s := &Server{Options: o, host: host, role: role, duid: duid, disk: disk, starting: true, started: host.Now(), failed: host.Now(),
		outstanding: make(map[uint64][]update), offers: make(map[Client]offer), reserved: make(map[binding.Key]Client)}
	for _, key := range o.Prefixes {
		disk.at(key)
	}
	if disk.known {
		s.failed = disk.alive
		disk.state = interrupted(disk.state)
	} else {
		disk.state, disk.since = Recover, host.Now()
	}
	s.tried = host.Now() - connectEvery
	s.tick()
	return s
}

// tick does what time demands, and comes back.
func (s *Server) tick() {
	now := s.host.Now()
	if s.connection != 0 && now-s.heard > keepalive {
		s.disconnect()
	}
	switch {
	case s.connection != 0:
		if now-s.said >= contactEvery {
			s.send(&Message{Type: CONTACT})
		}
	case s.role == Primary && now-s.tried >= connectEvery:
		s.tried = now
		s.host.Send(&Message{Type: CONNECT, connection: 1 + s.host.Random(1<<62)})
	}
	s.timers(now)
	if s.disk.alive = now; now-s.swept >= sweepEvery {
		s.swept = now
		s.sweep()
	}
	s.host.After(tickEvery, s.tick)
}

// timers lets the server change its state because time has passed.
func (s *Server) timers(now int64) {
	d := s.disk
	switch {
	case s.starting && now-s.started >= startup:
		s.starting = false
		s.enter(d.state)
	case s.starting:
	case d.state == CommunicationsInterrupted && !s.connected && s.AutoPartnerDown > 0 && now-d.since >= s.AutoPartnerDown:
		s.enter(PartnerDown)
	case d.state == RecoverWait && now >= s.failed+s.MCLT:
		s.enter(RecoverDone)
	}
}

// send sends a message on the connection, if there is one.
func (s *Server) send(m *Message) {
	if s.connection == 0 {
		return
	}
	m.connection, s.said = s.connection, s.host.Now()
	s.host.Send(m)
}

func (s *Server) sendState() {
	s.send(&Message{Type: STATE, state: s.disk.state, since: s.disk.since, starts: s.starting})
}

// connect begins with a new connection.
func (s *Server) connect(connection uint64) {
	if s.connection != 0 {
		s.disconnect()
	}
	s.connection, s.heard = connection, s.host.Now()
}

// disconnect ends the connection: communications aren't OK.
func (s *Server) disconnect() {
	s.connection, s.connected, s.asked, s.owes = 0, false, false, false
	clear(s.outstanding)
	if after := interrupted(s.disk.state); after != s.disk.state {
		s.enter(after)
	}
}

// Receive takes a message of the partner.
func (s *Server) Receive(m *Message) {
	switch {
	case m.Type == CONNECT && s.role == Secondary:
		s.connect(m.connection)
		s.send(&Message{Type: CONNECTREPLY})
		s.sendState()
		return
	case m.Type == CONNECTREPLY && s.role == Primary && s.connection == 0:
		s.connect(m.connection)
		s.sendState()
		return
	case s.connection == 0 || m.connection != s.connection:
		if m.connection != 0 && m.Type != CONNECT && m.Type != DISCONNECT {
			s.host.Send(&Message{Type: DISCONNECT, connection: m.connection}) // as TCP would, by a reset
		}
		return // of a connection that is over
	}
	s.heard = s.host.Now()
	switch m.Type {
	case STATE:
		s.partnerIn(m)
	case BNDUPD:
		s.updated(m)
	case BNDREPLY:
		s.acknowledged(m)
	case POOLREQ:
		s.send(&Message{Type: POOLRESP})
		s.balance(0)
	case UPDREQ, UPDREQALL:
		s.owes = true
		s.flush(m.Type == UPDREQALL)
		s.done()
	case UPDDONE:
		s.complete()
	case DISCONNECT:
		s.disconnect()
	}
}

// partnerIn notes the partner's state, and goes to the state that follows.
func (s *Server) partnerIn(m *Message) {
	d := s.disk
	s.partner, s.connected = m.state, true
	if s.starting {
		s.starting = false
		switch {
		case m.state != PartnerDown || !d.known:
			s.enter(d.state)
		case m.since > s.failed:
			s.enter(Recover)
		default:
			s.enter(PotentialConflict)
		}
		return
	}
	if !m.starts {
		s.settle()
	}
}

// settle goes to the state that the partner's state asks for, and does there what is to be done.
func (s *Server) settle() {
	if after := next(s.disk.state, s.partner); after != s.disk.state {
		s.enter(after)
		return
	}
	switch d := s.disk; {
	case s.asked:
	case d.state == Recover:
		s.asked = true
		kind := UPDREQ
		if len(d.of) == 0 {
			kind = UPDREQALL // its storage is lost
		}
		s.send(&Message{Type: kind})
	case d.state == PotentialConflict && (s.role == Primary || s.partner == ConflictDone):
		s.asked = true
		s.send(&Message{Type: UPDREQ})
	}
}

// enter goes to a state, and tells the partner.
func (s *Server) enter(to State) {
	d := s.disk
	if d.state != to || !d.known {
		d.since = s.host.Now()
	}
	d.state, d.known = to, true
	s.host.Became(to)
	if !s.connected {
		return
	}
	s.sendState()
	if to == Normal {
		s.flush(false)
		if s.role == Secondary {
			s.send(&Message{Type: POOLREQ})
		}
	}
	s.settle()
}

// complete is what follows UPDDONE.
func (s *Server) complete() {
	s.asked = false
	switch d := s.disk; {
	case d.state == Recover:
		s.enter(RecoverWait)
		s.timers(s.host.Now())
	case d.state == PotentialConflict && s.role == Primary:
		s.enter(ConflictDone)
	case d.state == PotentialConflict:
		s.enter(Normal)
	}
}
