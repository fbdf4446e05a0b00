package upkeep_test

import (
	"bytes"
	"context"
	"hash/fnv"
	"slices"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/naming"
	"github.com/lockstep6/lockstep6/core/upkeep"
	"github.com/lockstep6/lockstep6/core/wire"
)

// Times of the story in seconds. All clients renew within storyT1 of a node's return, or rebind.
const (
	storyT1, storyT2, storyValid, storyGrace, storyStep = 100, 160, 300, 20, 10

	unnamed = 255 // owner of what a client says that it has, from nobody knows whom (see package peer)
	kept    = 8   // a flag: the client said that it has the lease (see package engine)
)

// A storyNode is a node as far as DNS is concerned: a table that follows the rules of package engine, and a queue of tasks.
type storyNode struct {
	story  *story
	number int
	up     bool
	dead   bool
	left   binding.Time // when it went away last
	back   binding.Time // when it came back last
	listen binding.Time // until when it listens
	table  map[binding.Key]*binding.Stored
	queue  []queued
	busy   bool // a task of it is being done
}

type queued struct {
	octets []byte
	tried  bool
}

// ownerOf is another node's number as an owner.
func ownerOf(node int) uint8 { return uint8(node + 1) }

// publish puts a binding into the table, and the task into the queue where the change has news (see engine.AppendChange).
func (n *storyNode) publish(b binding.Stored) {
	old := n.table[b.Key]
	n.table[b.Key] = &b
	if old != nil && !granted(old) {
		old = nil
	}
	goesOn := old != nil && old.State == b.State && old.Since == b.Since && old.Owner == b.Owner && sameIA(old, &b) &&
		bytes.Equal(old.Extension, b.Extension)
	if !goesOn && (old != nil || granted(&b)) {
		n.enqueue(b.Key, old)
	}
}

func (n *storyNode) enqueue(key binding.Key, old *binding.Stored) {
	task := fresh(key)
	if old != nil {
		task.Before = *old
	}
	n.queue = append(n.queue, queued{octets: task.Append(nil)})
}

func granted(b *binding.Stored) bool {
	return b.State == binding.Bound || b.State == binding.Superseded
}

func sameIA(a, b *binding.Stored) bool { return a.IAID == b.IAID && bytes.Equal(a.DUID, b.DUID) }

func (n *storyNode) live(b *binding.Stored) bool { return granted(b) && b.Expires > n.story.now }

// free tells whether the node may give a lease of its own to somebody new.
func (n *storyNode) free(key binding.Key) bool {
	b := n.table[key]
	return b == nil || b.Expires <= n.story.now && !n.unheard(b)
}

// unheard tells whether a peer could have extended a binding that ended while this node was away.
func (n *storyNode) unheard(b *binding.Stored) bool {
	return n.story.now < n.listen && b.Expires >= n.left
}

// grant gives or extends a lease to a client that asked this node.
func (n *storyNode) grant(c *storyClient, key binding.Key) {
	now := n.story.now
	b := c.binding(key, now)
	if old := n.table[key]; old != nil && n.live(old) && sameIA(old, &b) {
		b.Since, b.Expires = old.Since, max(b.Expires, old.Expires)
	}
	n.publish(b)
	for _, other := range n.of(c) {
		if other.Key != key && other.State == binding.Bound && n.live(&other) {
			other.State, other.LastTransaction, other.Since = binding.Superseded, now, now
			n.publish(other)
		}
	}
}

// overhear takes a Request or Renew to another node.
func (n *storyNode) overhear(c *storyClient, key binding.Key, server int, renew bool) {
	now := n.story.now
	b := c.binding(key, now)
	b.Owner = ownerOf(server)
	if renew {
		b.Flags = kept
	}
	switch old := n.table[key]; {
	case old == nil || !granted(old) || !n.live(old):
		n.publish(b)
	case !sameIA(old, &b):
		return
	case old.Owner == 0 && !renew:
		longer := *old
		longer.Expires = max(longer.Expires, b.Expires)
		n.publish(longer)
	default:
		b.Expires = max(b.Expires, old.Expires)
		b.Flags |= old.Flags
		if old.Owner != 0 {
			b.Since = old.Since
		}
		n.publish(b)
	}
	if renew {
		n.giveWay(c, key)
	}
}

// giveWay ends what the client has left for the lease that it renews.
func (n *storyNode) giveWay(c *storyClient, key binding.Key) {
	for _, other := range n.of(c) {
		switch {
		case other.Key == key || other.State != binding.Bound || !n.live(&other):
		case other.Owner == 0:
			other.State, other.Since = binding.Superseded, n.story.now
			n.publish(other)
		case other.Flags&kept == 0 && other.Since+30 > n.story.now:
			n.end(other)
		}
	}
}

// remember takes a Rebind that the node doesn't answer.
func (n *storyNode) remember(c *storyClient, key binding.Key) {
	b := c.binding(key, n.story.now)
	switch old := n.table[key]; {
	case old == nil || !granted(old) || !n.live(old):
		b.Owner, b.Flags = unnamed, kept
		n.publish(b)
	case sameIA(old, &b) && (old.Owner != 0 || old.State == binding.Superseded):
		again := *old
		again.Expires = max(again.Expires, b.Expires)
		if old.Owner != 0 {
			again.LastTransaction, again.Flags = n.story.now, kept
		}
		n.publish(again)
	}
}

// end lets a binding be given up.
func (n *storyNode) end(b binding.Stored) {
	b.State, b.LastTransaction, b.Since, b.Expires = binding.Released, n.story.now, n.story.now, n.story.now
	n.publish(b)
}

// sweep reclaims what has ended.
func (n *storyNode) sweep() {
	for _, key := range n.keys() {
		if b := n.table[key]; b.Expires+storyGrace <= n.story.now && !n.unheard(b) {
			delete(n.table, key)
			if granted(b) {
				n.enqueue(key, b)
			}
		}
	}
}

func (n *storyNode) keys() []binding.Key {
	keys := make([]binding.Key, 0, len(n.table))
	for key := range n.table {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b binding.Key) int { return a.Compare(&b) })
	return keys
}

func (n *storyNode) of(c *storyClient) []binding.Stored {
	return n.Client(nil, &binding.Stored{DUID: c.duid, Kind: wire.IANA, IAID: c.iaid})
}

// step does the first task of the queue. One that fails stays; one that has to wait goes to the end, once what can be done is done.
func (n *storyNode) step() {
	if n.busy || len(n.queue) == 0 {
		return
	}
	n.busy = true
	defer func() { n.busy = false }()
	first := n.queue[0]
	task, err := upkeep.DecodeTask(first.octets)
	if err != nil {
		n.story.t.Fatal(err)
	}
	task.Tried = first.tried
	jobs, later := upkeep.Plan(&task, n, n.story.settings)
	for i := range jobs {
		n.story.note("  node %d: %s", n.number, showJob(&jobs[i]))
		if _, err := upkeep.Run(context.Background(), &jobs[i], n.story.settings, n.story.server); err != nil {
			return
		}
	}
	n.queue = n.queue[1:]
	if later {
		first.tried = true
		n.queue = append(n.queue, first)
	}
}

// Now, Lease, Client, Removes, Missed and Listening make the node a World.
func (n *storyNode) Now() binding.Time { return n.story.now }

func (n *storyNode) Lease(key *binding.Key) (binding.Stored, bool) {
	if b := n.table[*key]; b != nil {
		return *b, true
	}
	return binding.Stored{}, false
}

func (n *storyNode) Client(dst []binding.Stored, of *binding.Stored) []binding.Stored {
	for _, key := range n.keys() {
		if b := n.table[key]; b.IAID == of.IAID && bytes.Equal(b.DUID, of.DUID) {
			dst = append(dst, *b)
		}
	}
	return dst
}

func (n *storyNode) Removes(key *binding.Key, owner uint8) bool {
	if owner == 0 {
		return true
	}
	if owner != unnamed && n.story.nodes[owner-1].up {
		return false
	}
	best, most := -1, uint64(0)
	for _, node := range n.story.nodes {
		h := fnv.New64a()
		h.Write(append(key.Address[:], byte(node.number)))
		if sum := h.Sum64(); node.up && (best < 0 || sum > most) {
			best, most = node.number, sum
		}
	}
	return best == n.number
}

func (n *storyNode) Missed(heard binding.Time) bool { return heard <= n.back }

func (n *storyNode) Listening(*binding.Key, wire.Kind) bool { return n.story.now < n.listen }

// binding is a client's as it is at now, in this node's own name.
func (c *storyClient) binding(key binding.Key, now binding.Time) binding.Stored {
	return binding.Stored{
		Key: key, Kind: wire.IANA, IAID: c.iaid, DUID: c.duid, State: binding.Bound, Valid: storyValid,
		LastTransaction: now, Since: now, Expires: now + storyValid,
		Extension: binding.AppendExtension(nil, binding.ExtFQDN, append([]byte{byte(naming.FlagS)}, wireName(c.name)...)),
	}
}
