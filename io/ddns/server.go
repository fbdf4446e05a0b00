package ddns

import (
	"net/netip"
	"sync"
	"time"
)

// Waits of servers that don't answer.
const (
	firstWait = time.Second
	longWait  = 30 * time.Second
	streams   = 10 * time.Minute // for which TCP is tried first, where UDP gave nothing and TCP did
)

// A server is one of a zone's, and how it went with it.
type server struct {
	addr netip.AddrPort

	mu     sync.Mutex
	wait   time.Duration // until when it isn't asked while others are there; 0: it answers
	until  time.Time
	stream time.Time // until when TCP is tried first
}

// answered notes that there was an answer, by which way.
func (s *server) answered(tcp, udpFailed bool, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wait, s.until = 0, time.Time{}
	if tcp && udpFailed {
		s.stream = now.Add(streams)
	}
}

// failed notes that there was none. Many that fail at the same time are one failure.
func (s *server) failed(asked, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stream = time.Time{}
	if s.wait > 0 && s.until.Add(-s.wait).After(asked) {
		return
	}
	s.wait = min(max(2*s.wait, firstWait), longWait)
	s.until = now.Add(s.wait)
}

// rests tells until when the server isn't asked; the zero time: it is.
func (s *server) rests(now time.Time) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.until.After(now) {
		return s.until
	}
	return time.Time{}
}

// streamFirst tells whether TCP is tried first.
func (s *server) streamFirst(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stream.After(now)
}

// turn is the order in which servers are asked: as they are configured, without those that rest after a failure. Where all rest it is
// all of them: whoever asks has waited already.
func turn(servers []*server, now time.Time) []*server {
	var awake []*server
	for _, s := range servers {
		if s.rests(now).IsZero() {
			awake = append(awake, s)
		}
	}
	if len(awake) == 0 {
		return servers
	}
	return awake
}
