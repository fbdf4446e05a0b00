package e2e

import (
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
)

// A ledger holds what the clients were told, by client number.
type ledger struct {
	mu    sync.Mutex
	told  map[uint32]Lease
	by    map[netip.Prefix]uint32 // whose each lease is
	count atomic.Int64            // Replies received
	wrong []string

	trap   int64  // with the Reply of this number spring is called, before anything else happens; guarded by mu
	spring func() // guarded by mu
	dark   bool   // the server's machine has no power: what is heard of it counts for nothing; guarded by mu
}

func newLedger() *ledger {
	return &ledger{told: map[uint32]Lease{}, by: map[netip.Prefix]uint32{}}
}

// set makes a trap for the Reply that comes after so many others.
func (b *ledger) set(others int64, spring func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.trap, b.spring = b.count.Load()+others+1, spring
}

// power switches the power of the server's machine.
func (b *ledger) power(on bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.dark = !on
}

// note records a Reply. Whoever was told something else before, or was told what is another's, is written down.
func (b *ledger) note(n uint32, l Lease) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.dark {
		return
	}
	if b.count.Add(1) == b.trap {
		b.spring()
	}
	if old, known := b.told[n]; known && (old.Address != l.Address || old.Prefix != l.Prefix) {
		b.wrong = append(b.wrong, "a client was told "+old.String()+" and then "+l.String())
	}
	for _, p := range l.both() {
		if holder, taken := b.by[p]; taken && holder != n {
			b.wrong = append(b.wrong, p.String()+" was given to two clients")
		}
		b.by[p] = n
	}
	b.told[n] = l
}

func (l Lease) both() []netip.Prefix {
	return []netip.Prefix{netip.PrefixFrom(l.Address, 128), l.Prefix}
}

func (l Lease) String() string { return l.Address.String() + " and " + l.Prefix.String() }

// clients are the numbers of those that were told anything, in order.
func (b *ledger) clients() (all []uint32) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for n := range b.told {
		all = append(all, n)
	}
	slices.Sort(all)
	return all
}

// forget takes a client out that has nothing any more.
func (b *ledger) forget(n uint32) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range b.told[n].both() {
		delete(b.by, p)
	}
	delete(b.told, n)
}

// lease is what a client was told last.
func (b *ledger) lease(n uint32) (l Lease, known bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	l, known = b.told[n]
	return l, known
}

// holders are the clients that were told last that they have a prefix.
func (b *ledger) holders(p netip.Prefix) (all []uint32) {
	for _, n := range b.clients() {
		if l, _ := b.lease(n); slices.Contains(l.both(), p) {
			all = append(all, n)
		}
	}
	return all
}

// duplicates are the leases that several clients hold by what each was told last.
func (b *ledger) duplicates() (all []netip.Prefix) {
	b.mu.Lock()
	defer b.mu.Unlock()
	holders := map[netip.Prefix]int{}
	for _, l := range b.told {
		for _, p := range l.both() {
			if holders[p]++; holders[p] == 2 {
				all = append(all, p)
			}
		}
	}
	return all
}
