package worker

import (
	"encoding/binary"
	"sync/atomic"

	"github.com/cespare/xxhash/v2"

	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/limit"
	"github.com/lockstep6/lockstep6/core/wire"
)

// Limits are what the workers of a node share to limit senders: the rates that relays and neighbours have used up, and the news
// that messages get lost, upon which each worker lets nobody have more than its share.
type Limits struct {
	salt    uint64
	senders *limit.Table
	losses  atomic.Uint64
}

// NewLimits makes them for so many relays and neighbours at a time. The salt is a secret: see limit.Table.
func NewLimits(senders int, salt uint64) *Limits {
	return &Limits{salt: salt, senders: limit.NewTable(senders)}
}

// Lost tells that the kernel dropped datagrams because they weren't read in time. Any goroutine may call it.
func (l *Limits) Lost() { l.losses.Add(1) }

// press tells the worker's share of losses that it hasn't seen yet.
func (w *Worker) press(now int64) {
	if w.Limits == nil {
		return
	}
	if n := w.Limits.losses.Load(); n != w.pressed {
		w.pressed = n
		w.share.Lost()
		w.floods.Lost(now)
	}
}

// unheard tells why a datagram isn't even read, if so: it is too old, or its sender sends too much.
func (w *Worker) unheard(d *Datagram, limits *config.Limits, now, wall int64) wire.Drop {
	if d.stale(wall) {
		w.share.Lost()
		w.floods.Lost(now)
		return wire.DropOverload
	}
	if w.Limits == nil {
		return wire.DropNone
	}
	sender := w.Limits.sender(d)
	if rate, drop := rateOf(d, limits); rate.Limited() && !w.Limits.senders.Admit(sender, now, rate) {
		return drop
	}
	if !limits.NoShares && !w.share.Admit(sender, now) {
		return wire.DropShare
	}
	return wire.DropNone
}

// sender is the hash of where the datagram came from. A link-local address is one of its interface.
func (l *Limits) sender(d *Datagram) uint64 {
	var b [28]byte
	binary.NativeEndian.PutUint64(b[:], l.salt)
	copy(b[8:], d.Source[:])
	if d.Source[0] == 0xfe {
		binary.NativeEndian.PutUint32(b[24:], d.Interface)
	}
	return xxhash.Sum64(b[:])
}

// rateOf is the rate of the datagram's sender: a relay, or a client on the link. Others, which ask by unicast without a relay, have none.
func rateOf(d *Datagram, limits *config.Limits) (limit.Rate, wire.Drop) {
	switch {
	case len(d.Data) > 0 && wire.MessageType(d.Data[0]) == wire.RelayForward:
		return limit.Rate(limits.OfRelay), wire.DropRelayRate
	case d.Destination[0] == 0xff:
		return limit.Rate(limits.OfNeighbour), wire.DropNeighbourRate
	default:
		return limit.Rate{}, wire.DropNone
	}
}

// flow notes what became of a datagram, for the sieve: its sender was refused for what it sends, or it was handled.
func (w *Worker) flow(d *Datagram, drop wire.Drop, now int64) {
	if !w.holding {
		return
	}
	switch drop {
	case wire.DropShare, wire.DropRelayRate, wire.DropNeighbourRate, wire.DropClientRate:
		flow := flowOf(d)
		w.floods.Refused(&flow, drop == wire.DropClientRate, now)
	case wire.DropOverload:
	default:
		if !w.floods.Idle() {
			flow := flowOf(d)
			w.floods.Admitted(&flow)
		}
	}
}

func flowOf(d *Datagram) (f limit.Flow) {
	f.Source, f.Later = d.Source, d.Later
	if d.Source[0] == 0xfe {
		f.Interface = d.Interface
	}
	f.Peer, f.Relayed = wire.ClientPeer(d.Data)
	return f
}

// sift tells the sieve, when a second is over, what of floods is to be read in the next one.
func (w *Worker) sift(now int64) {
	if !w.holding && !w.sifting {
		return
	}
	floods, thrown, over := w.floods.Settle(now)
	w.Counters.thrown(thrown)
	if !w.holding {
		floods, over, w.floods = nil, true, limit.Floods{}
	}
	if !over || len(floods) == 0 && !w.sifting {
		return
	}
	if w.sifting = w.sieve.Sift(floods) && len(floods) > 0; !w.sifting {
		w.floods.Unheld()
	}
}
