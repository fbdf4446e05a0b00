package peer

import (
	"sync/atomic"

	"github.com/lockstep6/lockstep6/core/binding"
)

// twinClients is from how many clients, within one T1, renewals of leases that we never granted show a twin.
const twinClients = 3

// A Twin is another server that answers under our own Server Identifier: a node started with our name, or a copy of
// this machine. While the gate is open this node knows what it granted; clients that renew what it didn't have it
// from somebody else.
type Twin struct {
	clients [twinClients]atomic.Uint64
	times   [twinClients]atomic.Uint32
	total   atomic.Uint64
}

// Renewed notes a Renew, from the client with this hash, that names us and a lease that we have no record of.
func (t *Twin) Renewed(client uint64, now binding.Time) {
	t.total.Add(1)
	oldest := 0
	for i := range t.clients {
		if t.clients[i].Load() == client {
			t.times[i].Store(uint32(now))
			return
		}
		if t.times[i].Load() < t.times[oldest].Load() {
			oldest = i
		}
	}
	t.clients[oldest].Store(client)
	t.times[oldest].Store(uint32(now))
}

// Seen tells whether enough clients did so within t1 seconds.
func (t *Twin) Seen(t1 uint32, now binding.Time) bool {
	for i := range t.times {
		if at := t.times[i].Load(); at == 0 || uint32(now)-at > t1 {
			return false
		}
	}
	return true
}

// Total is how many such Renews there were.
func (t *Twin) Total() uint64 { return t.total.Load() }
