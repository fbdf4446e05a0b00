package limit

import "time"

// A Share keeps senders fair to each other while a worker gets more than it can handle: nobody gets more than a level, which falls while
// messages are lost and rises again when none are. What is above it is dropped before it is read, which costs a fraction of what an answer does,
// so the queue gets shorter and the others' messages no longer meet a full one. One worker owns it.
//
// The level halves each second in which messages were lost, down to an equal share of what was admitted among the senders that were heard:
// below that nobody would gain. It grows by a tenth in each other second, and is no more as soon as it is far above what anybody sends.
type Share struct {
	turn    int64 // the current second
	lost    bool  // messages were lost in it
	seen    [shareWords]uint32
	admits  uint64
	level   uint64 // messages a second; 0: there is none
	buckets *Table
}

const (
	shareWords   = 1 << 10 // senders are counted in so many places; who shares one counts as one
	shareSenders = 1 << 12
	// shareBurst is the part of a second's level that comes at once.
	shareBurst = 8
)

// NewShare makes one without a level.
func NewShare() *Share { return &Share{buckets: NewTable(shareSenders)} }

// Lost tells that the worker, or the kernel before it, has lost messages for want of time.
func (s *Share) Lost() { s.lost = true }

// Admit counts a message of a sender, and tells whether it is to be handled; now is in nanoseconds.
func (s *Share) Admit(sender uint64, now int64) bool {
	if second := now / int64(time.Second); second != s.turn {
		s.settle()
		s.turn = second
	}
	s.seen[sender>>(64-10)]++
	if s.level != 0 && !s.buckets.Admit(sender, now, Rate{PerSecond: int(s.level), Burst: int(s.level/shareBurst) + 1}) {
		return false
	}
	s.admits++
	return true
}

// Level is how many messages a second a sender gets handled at most; 0: any number.
func (s *Share) Level() int { return int(s.level) }

// settle makes the next second's level from what the last one brought.
func (s *Share) settle() {
	senders, most := uint64(0), uint64(0)
	for i, n := range s.seen {
		if n != 0 {
			senders, most = senders+1, max(most, uint64(n))
			s.seen[i] = 0
		}
	}
	switch {
	case s.lost && senders > 1:
		if s.level == 0 {
			s.level = most
		}
		s.level = max(s.level/2, s.admits/senders, 1)
	case s.level != 0:
		s.level += s.level/10 + 1
		if senders < 2 || s.level > 2*most {
			s.level = 0
		}
	}
	s.lost, s.admits = false, 0
}
