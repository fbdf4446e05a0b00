package peer

import (
	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/wire"
)

// A Claim is what a client says in a peer's name about a lease that stands in the table for somebody else.
type Claim struct {
	Node      int
	Kind      wire.Kind
	IAID      uint32
	Anonymous bool              // its IAID isn't known: it may be any of the client's. IAID is 0 then
	DUID      []byte            // as the client said, like IAID
	Known     address.Identity  // what the client IA is known by; not Derived: DUID and IAID
	Strong    bool              // a candidate or a reservation explains it
	Asked     bool              // first heard by a Request, so that its client waited for an answer
	Held      bool              // heard by a Renew or Rebind: the client got the lease. A Request only asks for it
	Confirmed bool              // held, and heard so at least 30 s after the first time
	Since     binding.Time      // first heard
	Expires   binding.Time      // last heard and our valid lifetime
	Told      bool              // its client was told that it lost the lease
	Port      uint64            // hash of the relay port that it came by; 0: none is known
	Extension binding.Extension // what is kept of relays and hardware
}

// Same tells whether two claims on a lease are of the same client's identity association, as far as is known.
func (c *Claim) Same(other *Claim) bool {
	if c.Anonymous || other.Anonymous {
		return c.Kind == other.Kind && string(c.DUID) == string(other.DUID)
	}
	a, b := c.Client(), other.Client()
	return a.Equal(&b)
}

// Client is what the claim's client IA is known by. Its DUID is a view.
func (c *Claim) Client() address.Identity {
	if c.Known.Derived {
		return c.Known
	}
	return address.Identity{DUID: c.DUID, IAID: c.IAID, Kind: c.Kind}
}

// own makes the claim's slices its own.
func (c *Claim) own() {
	c.DUID = append([]byte(nil), c.DUID...)
	c.Known.DUID = append([]byte(nil), c.Known.DUID...)
}

// Grace is how many seconds after its end a lease isn't given to another client. A node counts whole seconds from when it hears the
// client, which may be before another node hears it, and the client counts from when it hears the Reply, for which the disk and the
// network have this time.
const Grace = 30

// confirmAfter is how many seconds after its first sight a claim is confirmed by a Renew or Rebind: by then the client
// has its Reply, which a Request alone doesn't show.
const confirmAfter = 30

// Confirms tells whether a message now confirms what was first heard at since.
func Confirms(since, now binding.Time) bool { return now >= since+confirmAfter }
