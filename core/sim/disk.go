package sim

import (
	"maps"
	"slices"

	"github.com/lockstep6/lockstep6/core/binding"
)

// Milliseconds that a write takes until it is on stable storage.
const (
	quickWrite = 20   // at most, usually
	slowWrite  = 2000 // at most, now and then
)

// A change is one version of a lease, as a node wrote it.
type change struct {
	key     binding.Key
	value   []byte // without what only history is told
	whole   []byte
	version uint64
	claim   claim // what it says
}

// A disk keeps the highest version of each lease. What is written becomes durable in any order.
type disk struct {
	values                  map[binding.Key]change
	copied                  map[binding.Key]change // as it was when somebody made a copy
	copiedBeat, copiedWhole binding.Time
	past                    past
	air                     []*flight    // written, and not yet durable
	stuck                   int64        // it writes nothing until then
	beat                    binding.Time // the last heartbeat, by the node's clock
	beaten                  bool
	whole                   binding.Time // when the node last knew of no gap, by its clock; 0: never yet
	lost                    binding.Time // until when the node doesn't know what it granted before it lost a disk, by its clock
	next                    int64        // when the next heartbeat is due

	// For the Ledger's eyes only.
	begun   int64 // when its node began with it, empty or as a copy of one with which it hadn't listened for long enough; negative: it didn't
	evident int64 // until when the node gives nothing new, since it heard of a lease that only it can have granted, without a record; 0: it didn't
	durable bool  // it has written that
}

func newDisk() *disk { return &disk{values: make(map[binding.Key]change), begun: -1} }

// put makes a change durable: of two versions the higher one stands.
func (d *disk) put(c *change) {
	d.past.keep(c)
	if d.values[c.key].version < c.version {
		d.values[c.key] = *c
	}
}

// drop takes a flight out of the air.
func (d *disk) drop(f *flight) bool {
	i := slices.Index(d.air, f)
	if i < 0 {
		return false
	}
	d.air = slices.Delete(d.air, i, i+1)
	return true
}

// sorted are the values in an order that is the same each time.
func (d *disk) sorted() []change {
	all := slices.AppendSeq(make([]change, 0, len(d.values)), maps.Values(d.values))
	slices.SortFunc(all, func(a, b change) int { return a.key.Compare(&b.key) })
	return all
}

// A flight is a batch's changes on their way to the disk, and the replies that wait for them.
type flight struct {
	mark    binding.Mark
	changes []change
	replies []*reply
}

// write takes a flight to the node's disk. If the node doesn't go down before, it settles after a while.
func (n *node) write(f *flight) {
	d := n.disk
	d.air = append(d.air, f)
	delay := 1 + n.rng.Int64N(quickWrite)
	if n.troubled && n.gauge == nil && n.rng.IntN(50) == 0 {
		delay = n.rng.Int64N(slowWrite)
	}
	if n.troubled {
		delay += max(0, d.stuck-n.now)
	}
	if n.Mutation == Hurries {
		n.reply(f.replies)
		f.replies = nil
	}
	n.after(delay, func() {
		if !d.drop(f) {
			return // lost in a crash
		}
		for i := range f.changes {
			d.put(&f.changes[i])
		}
		n.settle(f.mark)
		n.reply(f.replies)
	})
}

// lose ends what is in the air when the node's power fails: any part of it made it to the disk, but nobody was told.
func (n *node) lose() {
	for _, f := range n.disk.air {
		if n.rng.IntN(2) == 0 {
			for i := range f.changes {
				n.disk.put(&f.changes[i])
			}
		}
	}
	n.disk.air = nil
	if values := n.disk.sorted(); n.Mutation == Rots && len(values) > 0 {
		delete(n.disk.values, values[n.rng.IntN(len(values))].key)
	}
}

// healthy tells whether what is granted can be made durable soon.
func (n *node) healthy() bool { return !n.troubled || n.disk.stuck <= n.now }
