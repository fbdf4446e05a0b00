package sim

import (
	"encoding/binary"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/peer"
	"github.com/lockstep6/lockstep6/core/policy"
	"github.com/lockstep6/lockstep6/core/wire"
)

const (
	spare      = 512 // leases of a node's table beyond some for each client and slot
	reserve    = 1024
	octets     = 256 // of what is kept with each lease
	maxWorkers = 3
	batchDelay = 4      // milliseconds, at most, that a datagram waits for its worker
	sweepEvery = 30_000 // milliseconds
	sweepGrace = 60     // seconds that an ended binding is left alone
	tickEvery  = 5_000  // milliseconds between two judgements of the view
	beatEvery  = 30_000 // milliseconds between two heartbeats
)

// A node is one server: its engines over one table, and the disk under it.
type node struct {
	*world
	index   int
	name    string
	policy  *policy.Policy
	up      bool
	gone    bool // for good
	starts  int
	clock   clock
	disk    *disk
	memory  memory   // what it knows, as the Ledger has it
	partner *partner // it is a server of a failover pair, and no node of ours

	table   *binding.Table
	handle  *binding.Handle
	marks   *engine.Marks
	site    *engine.Site
	sweeper *engine.Sweeper
	workers []*worker

	refusals uint64 // claims that it refused so far, as it was last asked
}

// A worker is one engine, and what waits for it.
type worker struct {
	id       int
	engine   *engine.Engine
	sequence uint64
	inbox    []*datagram
}

// boot starts the node over what is on its disk.
func (n *node) boot() {
	if n.gone || n.up {
		return
	}
	n.starts++
	n.up = true
	if n.partner != nil {
		n.partner.boot()
		return
	}
	table, err := binding.New(binding.Options{
		Capacity: n.capacity(), Reserve: reserve, ExtensionBytes: octets * n.capacity(), Seed: n.rng.Uint64(),
	})
	if err != nil {
		panic(err) // the machine has no memory left
	}
	n.table, n.handle, n.marks = table, table.NewHandle(), new(engine.Marks)
	n.load()
	if n.site, err = engine.NewSite(n.policy, n.view(), n.handle, table.Shards()); err != nil {
		panic(err)
	}
	n.workers = nil
	for id := range 1 + n.rng.IntN(maxWorkers) {
		n.workers = append(n.workers, &worker{id: id, engine: engine.New(table.NewHandle(), n.marks)})
	}
	n.sweeper = engine.NewSweeper(table.NewHandle(), n.marks)
	n.note("node %s starts for time %d with %d leases", n.name, n.starts, len(n.disk.values))
	n.alive(n.sweepEvery, n.sweep)
	n.tick()
}

// capacity is more leases than a node can come to have: each is an address that a client wants, or a slot.
func (n *node) capacity() int { return spare + 8*n.Clients + 4*n.Slots }

// load fills the table and starts the clock, which isn't behind what the disk has seen.
func (n *node) load() {
	newest := binding.Time(0)
	for _, c := range n.disk.sorted() {
		if err := n.handle.Load(binding.AppendKey(nil, &c.key), c.value); err != nil {
			n.fault("6", "node %s can't load %s: %v", n.name, show(c.key), err)
		}
		newest = max(newest, c.claim.last)
	}
	read := epoch*1000 + n.now + n.rng.Int64N(2*maxOffset) - maxOffset
	switch {
	case n.Mutation == Hastens && n.starts > 1:
		read += 4 * validLifetime * 1000
	case n.Clocks && n.starts > 1:
		read += n.rng.Int64N(2*maxWrong) - maxWrong
	}
	n.clock = clock{started: n.now, read: max(read, int64(newest)*1000), drift: n.rng.Int64N(2*maxDrift) - maxDrift}
	n.ledger.loaded(n)
}

// view makes what the node knows of its peers, and tells it for how long the node was away: its disk says when it
// served last.
func (n *node) view() *peer.View {
	memory := engine.Memory{}
	binary.LittleEndian.PutUint64(memory.Salt[:], n.rng.Uint64())
	view := engine.NewView(n.policy, memory, MaxSlots)
	if now := n.clock.time(n.now); n.disk.beaten {
		view.Gate.Returned(min(n.disk.beat, now), now)
		if n.disk.whole != 0 {
			view.Gate.ReturnedAgain(n.disk.whole, now)
		} else {
			view.Gate.Begins(n.disk.lost, now)
		}
	} else {
		view.Gate.Begun(now)
	}
	return view
}

// tick lets the view judge, and writes the heartbeat, and that the node knows of no gap if so.
func (n *node) tick() {
	n.site.View.Tick(binding.Moment(n.clock.millis(n.now)))
	if n.healthy() && n.now >= n.disk.next {
		now := n.clock.time(n.now)
		n.disk.beat, n.disk.beaten, n.disk.next = now, true, n.now+beatEvery
		n.disk.lost, n.disk.durable = n.site.View.Gate.LostUntil(now), n.disk.evident > 0
		if n.site.View.Gate.Whole(now) {
			n.disk.whole = now
		}
	}
	n.alive(tickEvery, n.tick)
}

// gateOpen tells whether the node knows of no gap in what it heard of a link.
func (n *node) gateOpen(link int) bool { return n.site.View.Gate.Open(link, n.clock.time(n.now)) }

// refused tells whether the node refused a claim since it was last asked, because its relay port has too many.
func (n *node) refused() bool {
	before := n.refusals
	n.refusals = n.site.View.Ports.Refused()
	return n.refusals != before
}

// missed tells whether the node knows that it didn't take in all claims to a pool's leases.
func (n *node) missed(pool *policy.Pool) bool {
	return n.site.View.Missed.In(pool.ID, n.clock.time(n.now))
}

// contended tells whether clients claim the lease beside a record of it, or had one that has gone since.
func (n *node) contended(key binding.Key) bool { return len(n.site.View.Conflicts.On(&key)) > 0 }

// confirmedRival tells whether the node knows of a client's confirmed claim to the lease beside its record of it; and
// whether that is in a node's name, for of others nobody decides.
func (n *node) confirmedRival(key binding.Key, who identity) (confirmed, decides bool) {
	for _, c := range n.site.View.Conflicts.On(&key) {
		if c.Confirmed && string(c.DUID) == who.duid && c.Kind == who.kind && c.IAID == who.iaid {
			return true, c.Node != peer.Nobody
		}
	}
	return false, false
}

// alive plans something that only this process does: not what follows a crash.
func (n *node) alive(delay int64, run func()) {
	starts := n.starts
	n.after(delay, func() {
		if n.up && n.starts == starts {
			run()
		}
	})
}

// crash ends the process: memory is gone, and part of what was on its way to the disk.
func (n *node) crash() {
	if !n.up {
		return
	}
	n.up = false
	if !n.disk.durable {
		n.disk.evident = 0
	}
	n.lose()
	n.close()
	n.stats.Crashes++
	n.note("node %s goes down", n.name)
}

func (n *node) close() {
	if n.table == nil {
		return
	}
	if err := n.table.Close(); err != nil {
		panic(err)
	}
	n.table, n.workers = nil, nil
}

// arrive gives a datagram to one of the workers.
func (n *node) arrive(d *datagram) {
	if !n.up {
		return
	}
	n.stats.Arrived++
	if n.partner != nil {
		n.partner.arrive(d)
		return
	}
	k := n.workers[n.rng.IntN(len(n.workers))]
	if k.inbox = append(k.inbox, d); len(k.inbox) == 1 {
		n.alive(n.rng.Int64N(batchDelay), func() { n.batch(k) })
	}
}

// batch lets a worker answer what waits for it: one time, one policy, one mark, one write.
func (n *node) batch(k *worker) {
	waiting := k.inbox
	k.inbox = nil
	f := &flight{mark: engine.NewMark(k.id, k.sequence+1)}
	e := k.engine
	e.Begin(n.site, binding.Moment(n.clock.millis(n.now)), f.mark, n.healthy(), nil)
	var immediate []*reply
	for _, d := range waiting {
		mutated := n.mutate(d)
		before := len(e.Changes)
		result := e.Handle(&engine.Input{
			Data: d.data, Source: d.source, SourcePort: d.port, Multicast: d.direct, Listen: listen(d),
		}, n.room[:0])
		r := &reply{data: append([]byte(nil), result.Reply...), node: n, to: d, decided: n.now, changes: append(mutated, n.changes(e.Changes[before:])...)}
		f.changes = append(f.changes, r.changes...)
		if result.Drop != wire.DropNone {
			r.data = nil
			n.stats.Drops[result.Drop]++
		}
		n.rewrite(r)
		n.ledger.decided(r)
		switch {
		case r.data == nil:
		case result.Durable:
			f.replies = append(f.replies, r)
		default:
			immediate = append(immediate, r)
		}
	}
	if e.Count > 0 {
		k.sequence++
	} else if f.mark = 0; len(f.replies) > 0 {
		n.fault("6", "node %s: a reply waits for a write that isn't there", n.name)
	}
	e.End()
	n.reply(immediate)
	if len(f.changes) > 0 {
		n.write(f)
	}
}

// listen is the interface that a datagram came by: only the link's own clients are on one.
func listen(d *datagram) uint16 {
	if d.direct {
		return 1
	}
	return 0
}

// settle notes that a batch is durable.
func (n *node) settle(mark binding.Mark) {
	if mark != 0 {
		n.marks.Settle(mark)
	}
}

// reply lets replies go to the network.
func (n *node) reply(replies []*reply) {
	for _, r := range replies {
		n.ledger.leaves(r)
		n.stats.Replies++
		n.fromNode(r)
	}
}

// sweep reclaims what has ended, and comes back later.
func (n *node) sweep() {
	n.alive(n.sweepEvery, n.sweep)
	raw, _ := n.sweeper.Sweep(n.site, n.clock.time(n.now), sweepGrace, n.capacity(), nil)
	if changes := n.changes(raw); len(changes) > 0 {
		n.stats.Swept += len(changes)
		n.ledger.swept(n, changes)
		n.write(&flight{changes: changes})
	}
	n.forget()
}

// changes splits what an engine or a sweeper wrote.
func (n *node) changes(raw []byte) (out []change) {
	now := n.clock.millis(n.now)
	for len(raw) > 0 {
		key, value, rest, err := binding.NextChange(raw)
		if err != nil {
			n.fault("6", "node %s wrote what can't be read: %v", n.name, err)
			return out
		}
		s, err := binding.DecodeValue(key, value)
		if err != nil {
			n.fault("6", "node %s wrote what can't be read: %v", n.name, err)
			return out
		}
		bare := binding.Bare(value)
		if n.Mutation == Omits && n.rng.IntN(2) == 0 {
			value = bare
		}
		out = append(out, change{s.Key, bare, value, s.Version, n.claimOf(&s, now)})
		raw = rest
	}
	return out
}

// claimOf is what a stored value says in the Ledger's terms. now is the node's clock.
func (n *node) claimOf(s *binding.Stored, now int64) claim {
	c := claim{
		who:  identity{string(s.DUID), s.Kind, s.IAID},
		last: s.LastTransaction, until: n.now + int64(s.Expires)*1000 - now,
	}
	if s.Removed {
		return claim{}
	}
	c.state, c.own = s.State, s.Owner == peer.Self
	c.word = s.Owner != peer.Self && s.Flags&engine.FlagConfirmed == 0 &&
		(s.Owner == peer.Unnamed || s.Flags&(engine.FlagStrong|engine.FlagHeld) == 0)
	c.rapid = c.own && s.Flags&engine.FlagRapid != 0
	return c
}
