package worker

import (
	"sync/atomic"

	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/wire"
)

// MessageTypes bounds the types that are counted apart; all above count as type 0.
const MessageTypes wire.MessageType = 40

// Counters is what one worker counts. Each is written by its own worker's goroutines only and read by anyone;
// no cache line is shared with another worker.
type Counters struct {
	_             [64]byte
	answers       [MessageTypes]atomic.Uint64
	drops         [wire.DropCount]atomic.Uint64
	unread        [MessageTypes]atomic.Uint64 // dropped, by type
	lacks         [engine.LackCount]atomic.Uint64
	registrations [engine.RegisteringCount]atomic.Uint64
	spared        atomic.Uint64
	delivery      struct {
		sent, refused atomic.Uint64
	}
	_ [64]byte
}

// Answered is how many messages of type t got a reply.
func (c *Counters) Answered(t wire.MessageType) uint64 { return c.answers[slot(t)].Load() }

// DroppedType is how many messages of type t got none; type 0 are those that couldn't be read.
func (c *Counters) DroppedType(t wire.MessageType) uint64 { return c.unread[slot(t)].Load() }

// Dropped is how many datagrams got no reply for that reason.
func (c *Counters) Dropped(d wire.Drop) uint64 { return c.drops[d].Load() }

// Lacked is how many messages, answered or not, found no lease for that reason.
func (c *Counters) Lacked(l engine.Lack) uint64 { return c.lacks[l].Load() }

// Registered is how many addresses that clients registered became that.
func (c *Counters) Registered(r engine.Registering) uint64 { return c.registrations[r].Load() }

// Spared is how many bindings were reported without a write, as they were stored.
func (c *Counters) Spared() uint64 { return c.spared.Load() }

// Sent is how many replies the kernel took.
func (c *Counters) Sent() uint64 { return c.delivery.sent.Load() }

func (c *Counters) answered(t wire.MessageType) { bump(&c.answers[slot(t)], 1) }

func (c *Counters) dropped(t wire.MessageType, d wire.Drop) {
	bump(&c.drops[d], 1)
	bump(&c.unread[slot(t)], 1)
}

// thrown counts what a sieve has thrown away.
func (c *Counters) thrown(n uint64) {
	if n > 0 {
		bump(&c.drops[wire.DropFlood], n)
		bump(&c.unread[0], n)
	}
}

// sent counts a batch of replies. Run and Deliver both call it, so it adds atomically.
func (c *Counters) sent(all, refused int) {
	c.delivery.sent.Add(uint64(all - refused))
	if refused > 0 {
		c.delivery.refused.Add(uint64(refused))
		c.drops[wire.DropSend].Add(uint64(refused))
	}
}

// held counts replies that the disk held for too long. Only Deliver calls it.
func (c *Counters) held(n int) { bump(&c.drops[wire.DropHeld], uint64(n)) }

// bump adds to a counter that one goroutine writes: a plain addition, visible to readers, without a locked one.
func bump(c *atomic.Uint64, n uint64) { c.Store(c.Load() + n) }

func slot(t wire.MessageType) wire.MessageType {
	if t >= MessageTypes {
		return 0
	}
	return t
}
