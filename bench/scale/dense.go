package scale

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/lockstep6/lockstep6/bench/node"
	"github.com/lockstep6/lockstep6/bench/subscriber"
	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/core/worker"
)

// Bounds of a dense pool: 2^MinBits to 2^MaxBits prefixes.
const (
	MinBits = 16 // at the highest of Fills a batch still finds room
	MaxBits = 24
)

const denseLength = 64 // of the prefixes

// A Dense is one engine over a pool of prefixes in which most are taken. It belongs to one goroutine.
type Dense struct {
	node     *server
	engine   *engine.Engine
	handle   *binding.Handle // of who takes bindings away
	taken    []uint64        // a bit for each prefix
	count    int
	size     int
	next     uint64 // number of the next subscriber
	sequence uint64
	random   *rand.Rand
	template *subscriber.Template
	batch    [worker.BatchSize][]byte
	arena    []byte
	changes  []byte
}

// NewDense makes a pool of 2^bits prefixes, all free.
func NewDense(bits int) (*Dense, error) {
	if bits < MinBits || bits > MaxBits {
		return nil, fmt.Errorf("a pool of 2^%d prefixes: must be 2^%d to 2^%d", bits, MinBits, MaxBits)
	}
	text := node.Settings + fmt.Sprintf("    prefixes: [{pool: \"2001:db8:8000::/%d\", length: %d}]\n", denseLength-bits, denseLength)
	n, err := newNode(text, 1<<bits)
	if err != nil {
		return nil, err
	}
	d := &Dense{
		node: n, engine: engine.New(n.Table.NewHandle(), n.Marks), handle: n.Table.NewHandle(),
		taken: make([]uint64, 1<<bits/64), size: 1 << bits, random: rand.New(rand.NewPCG(1, 2)),
		template: subscriber.New(wire.Request, wire.IAPD, link, node.ServerID, false, 0),
		arena:    make([]byte, 0, engine.MaxReply), changes: make([]byte, 0, worker.BatchSize*256),
	}
	for i := range d.batch {
		d.batch[i] = make([]byte, d.template.Len())
	}
	return d, nil
}

// Close gives the memory back.
func (d *Dense) Close() error { return d.node.close() }

// Fill lets new subscribers ask until that share of the pool is taken.
func (d *Dense) Fill(share float64) error {
	for want := int(share * float64(d.size)); d.count < want; {
		if _, err := d.allocate(min(worker.BatchSize, want-d.count), false); err != nil {
			return err
		}
	}
	return nil
}

// Allocate lets n new subscribers ask, and takes as many other prefixes back, so that the fill stays. With collide it lets
// only those ask whose primary prefix is taken. It returns how long the engine took to answer them.
func (d *Dense) Allocate(n int, collide bool) (took time.Duration, err error) {
	for n > 0 {
		count := min(n, worker.BatchSize)
		t, err := d.allocate(count, collide)
		if err != nil {
			return took, err
		}
		took += t
		n -= count
		if err := d.takeBack(count); err != nil {
			return took, err
		}
	}
	return took, nil
}

// allocate answers one batch. Only that is timed: not the choice of the subscribers, nor the making of their messages.
func (d *Dense) allocate(count int, collide bool) (time.Duration, error) {
	for i := range count {
		number, err := d.subscriber(collide)
		if err != nil {
			return 0, err
		}
		d.batch[i] = d.template.Write(d.batch[i], number, 1, nil)
	}
	d.sequence++
	mark := engine.NewMark(0, d.sequence)
	began := time.Now()
	d.engine.Begin(d.node.Site.Load(), 800_000_000_000, mark, true, d.changes[:0])
	for _, data := range d.batch[:count] {
		if result := d.engine.Handle(&engine.Input{Data: data, Source: link, SourcePort: 547, Listen: 1}, d.arena); result.Drop != wire.DropNone {
			return 0, fmt.Errorf("a Request was dropped: %s", result.Drop)
		}
	}
	d.engine.End()
	took := time.Since(began)
	d.changes = d.engine.Changes
	d.node.Marks.Settle(mark)
	if d.engine.Count != count {
		return took, fmt.Errorf("%d of %d Requests got a prefix, with %d of %d taken", d.engine.Count, count, d.count, d.size)
	}
	return took, d.note()
}

// subscriber picks the next one, or the next whose primary prefix is taken. It looks at a bitmap of its own, so as not to
// bring into the processor's cache what the engine is about to look for.
func (d *Dense) subscriber(collide bool) (number uint64, err error) {
	for {
		number = d.next
		d.next++
		if !collide {
			return number, nil
		}
		var duid [subscriber.DUIDLength]byte
		subscriber.DUID(&duid, number)
		_, slot, err := d.node.primary(wire.IAPD, duid[:])
		if err != nil || d.isTaken(slot.Lo) {
			return number, err
		}
	}
}

func (d *Dense) isTaken(slot uint64) bool { return d.taken[slot/64]>>(slot%64)&1 != 0 }

// note marks what the batch has granted.
func (d *Dense) note() error {
	for rest := d.changes; len(rest) > 0; {
		b, _, next, err := binding.NextChange(rest)
		if err != nil {
			return err
		}
		key, err := binding.DecodeKey(b)
		if err != nil {
			return err
		}
		slot, ok := d.node.Site.Load().Policy.Pools[0].Range.Slot(key.Address)
		if !ok || d.isTaken(slot.Lo) {
			return fmt.Errorf("the prefix in slot %d was granted, but isn't free", slot.Lo)
		}
		d.taken[slot.Lo/64] |= 1 << (slot.Lo % 64)
		d.count++
		rest = next
	}
	return nil
}

// takeBack removes the bindings of count prefixes at random, as the sweeper does.
func (d *Dense) takeBack(count int) error {
	site := d.node.Site.Load()
	pool := site.Policy.Pools[0]
	d.handle.Enter()
	defer d.handle.Leave()
	for count > 0 {
		slot := d.random.Uint64N(uint64(d.size))
		if !d.isTaken(slot) {
			continue
		}
		key := binding.Key{Address: pool.Range.Lease(address.U128{Lo: slot}), Length: denseLength}
		r := d.handle.Find(&key)
		if r == nil || d.handle.Remove(r) != binding.Published {
			return errors.New("a binding that was granted isn't there")
		}
		site.Put(&key, wire.IAPD)
		d.taken[slot/64] &^= 1 << (slot % 64)
		d.count--
		count--
	}
	return nil
}
