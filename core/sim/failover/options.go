package failover

import "github.com/lockstep6/lockstep6/core/binding"

// A Role is which of the two servers one is.
type Role uint8

// The roles (RFC 8156, Section 3).
const (
	Primary Role = iota
	Secondary
)

// Options is what both servers are configured with. Times are in milliseconds.
type Options struct {
	MCLT int64 // Maximum Client Lead Time
	// AutoPartnerDown is how long a server is in COMMUNICATIONS-INTERRUPTED until it takes its partner for dead; 0: it never does.
	AutoPartnerDown int64

	Preferred, Valid int64         // lifetimes that clients are meant to have
	SolMaxRT         uint32        // seconds, as clients are told
	Addresses        [16]byte      // a /64
	Prefixes         []binding.Key // the delegable prefixes
}

// A Host is the machine that a server runs on.
type Host interface {
	Now() int64                    // milliseconds, of a clock that both servers share
	After(delay int64, run func()) // as long as this process lives
	Random(n uint64) uint64        // below n
	Send(m *Message)               // to the partner: in order, or never
	Became(s State)                // the server has entered a state
}

// Milliseconds. The defaults of RFC 8156, Section 6.5, where it has any.
const (
	keepalive    = 60_000 // after which a silent connection is dead
	contactEvery = keepalive / 4
	connectEvery = 10_000 // from one attempt of the primary to the next
	startup      = 15_000 // in which a server that starts looks for its partner
	tickEvery    = 5_000
	sweepEvery   = 30_000
	lazily       = 100    // that an update waits at most after the Reply
	offered      = 60_000 // that an Advertise reserves a lease
	same         = 5_000  // by which two times may differ and be the same (Section 7.5.1)
)
