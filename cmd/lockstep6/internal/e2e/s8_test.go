package e2e

import (
	"net/netip"
	"slices"
	"testing"
	"time"
)

// Scenario S8: a dense pool, filled to 95 %, three nodes, clients that arrive in another order at each of them, and lost
// packets. A prefix has no duplicate address detection, so two clients can come to hold one; none does for longer than
// one Renew once both are confirmed.

const (
	densePrefixes = "3fff:0:1::/48" // cut into /56: 256
	denseClients  = 243             // 95 % of them
	denseLoss     = 0.2             // of all datagrams between the relay and the nodes
	denseSpread   = 20 * time.Millisecond
	denseT1       = 5 * time.Second // that of brisk
	densePeriods  = 5               // in which duplicates that arose by mending are mended too
)

func TestS8DensePool(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	file := preferred("identical")
	file.Favour, file.Lifetimes, file.Prefixes = "rendezvous", brisk, densePrefixes
	file.Sync = "never" // a disk that hangs under the other tests' load would be a gap of its own
	c := NewLab(t).NewCluster(file)
	crowd := c.Crowd()
	all := between(firstOwn, firstOwn+denseClients)

	crowd.agent.faults.Store(NewFaults(seed, denseLoss, denseSpread))
	crowd.Acquire(all)
	arisen := crowd.book.duplicates()
	t.Logf("of %d prefixes %d were delegated twice", denseClients, len(arisen))
	if len(arisen) == 0 {
		t.Error("no duplicate arose, so there is nothing to mend; want some, with so many datagrams lost")
	}
	wantSpread(t, crowd, c)

	crowd.agent.faults.Store(nil)
	for period := 0; period < densePeriods && !t.Failed() && len(crowd.book.duplicates()) > 0; period++ {
		mended(t, crowd, all)
	}
	for _, d := range crowd.book.duplicates() {
		t.Errorf("%v is still held by two clients", d)
	}
	if got := crowd.book.clients(); len(got) != denseClients {
		t.Errorf("%d of %d clients have a lease", len(got), denseClients)
	}
}

// mended lets all clients renew until claims are confirmed, and once more, and fails the test where a duplicate of the
// beginning stands then. In so full a pool two nodes that mend at the same moment can give one slot to both losers: that
// is a new duplicate, with its own time.
func mended(t *testing.T, crowd *Crowd, all []uint32) {
	t.Helper()
	crowd.Keep(all) // of a claim whose Request was lost on the way to a node the first Renew tells it
	standing := crowd.book.duplicates()
	holders := map[netip.Prefix][]uint32{}
	for _, d := range standing {
		holders[d] = crowd.book.holders(d)
	}
	crowd.Confirm(all, denseT1) // both holders, at every node
	crowd.Keep(all)             // tells the loser
	left := crowd.book.duplicates()
	t.Logf("%d were held twice before their claims were confirmed, %d now", len(standing), len(left))
	for _, d := range left {
		if slices.Equal(crowd.book.holders(d), holders[d]) {
			t.Errorf("%v is still held by the same two clients", d)
			crowd.tellHolders(d)
		}
	}
}

// wantSpread fails the test unless each node serves its share of the clients, more or less.
func wantSpread(t *testing.T, crowd *Crowd, c *Cluster) {
	t.Helper()
	for _, n := range c.Nodes {
		served := 0
		for _, k := range crowd.book.clients() {
			if l, _ := crowd.book.lease(k); n.DUID.Equal(l.Server) {
				served++
			}
		}
		t.Logf("node %s serves %d clients", n.Name, served)
		if least := denseClients / len(c.Nodes) / 2; served < least {
			t.Errorf("node %s serves %d clients, want %d or more", n.Name, served, least)
		}
	}
}
