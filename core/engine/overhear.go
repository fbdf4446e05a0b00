package engine

import (
	"github.com/cespare/xxhash/v2"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/peer"
	"github.com/lockstep6/lockstep6/core/wire"
)

// repetition is how many milliseconds after its first message a client repeats it at the earliest: REQ_TIMEOUT of 1 s
// (RFC 9915, Section 7.6), less the randomization of Section 15.
const repetition = 800

// overhear reads a message that another server is asked to answer, before it is discarded (RFC 9915, Section 16): it
// says whom the client trusts, whether that server answers, and what the client asks of it.
func (e *Engine) overhear(in *Input) wire.Drop {
	node, ok := e.policy.NodeOf(e.message.ServerID)
	e.link = e.policy.SelectLink(&e.packet, in.Listen)
	switch {
	case e.policy.Single || !ok:
		e.view.Foreign.Heard(e.message.ServerID, e.linkIndex(), e.now)
		return wire.DropForeignServer
	case e.packet.RelayCount == 0 && !in.Multicast:
		return wire.DropForPeer // meant for one node, and came to the wrong one
	}
	e.reset(in)
	e.arrive(in)
	e.view.Heard(node, e.message.Type, e.now)
	if e.message.Type == wire.Request || e.message.Type == wire.Renew {
		// A client that gives a lease up may go without waiting for the answer: its silence says nothing.
		e.view.Health.Asked(node, e.relay, e.exchange, e.client, e.waited(repetition), e.now)
	}
	e.view.Relays.Named(e.relay, e.message.Type, e.now)
	if e.message.Type == wire.Request {
		e.view.Relays.Requested(e.client, false, e.now)
	}
	switch {
	case e.link == nil:
	case !e.writable:
		e.view.Gate.Close(e.link.Index, e.now, peer.ReasonStore)
	default:
		e.observe(node)
	}
	return wire.DropForPeer
}

// arrive notes by which relay the message came, and hashes what tells it from others. Hashes are seeded, so that nobody
// can know which clients share a place in a table. A single node has nobody to compare with.
func (e *Engine) arrive(in *Input) {
	if e.policy.Single {
		return
	}
	relay := in.Source
	if e.packet.RelayCount == 0 {
		relay = [16]byte{}
	}
	e.relay = e.view.Relays.Heard(relay, e.linkIndex(), e.now)
	var room [wire.MaxDUID + 4 + 8]byte
	b := append(room[:0], e.view.Salt[:]...)
	b = append(b, e.message.ClientID...)
	e.client = xxhash.Sum64(b)
	b = append(b, e.message.TransactionID[:]...)
	e.exchange = xxhash.Sum64(append(b, byte(e.message.Type)))
	if e.message.Type == wire.Solicit || e.message.Type == wire.Request {
		e.view.Firsts.Age(^e.client, e.at)
	}
}

func (e *Engine) linkIndex() int {
	if e.link == nil {
		return -1
	}
	return e.link.Index
}

// waited tells whether the client has been asking for so many milliseconds already: by its own word
// (RFC 9915, Section 21.9), or since this node first heard the message.
func (e *Engine) waited(milliseconds uint64) bool {
	age := e.view.Firsts.Age(e.exchange, e.at)
	said := e.message.HasElapsedTime && uint64(e.message.ElapsedTime)*10 >= milliseconds
	return said || age >= milliseconds
}

// gateOpen tells whether the link's gate is open: what peers granted there is known without a known gap.
func (e *Engine) gateOpen() bool {
	return e.policy.Single || e.link != nil && e.view.Gate.Open(e.link.Index, e.now)
}

// witness looks for evidence that a node with an empty store isn't the beginning of a new cluster: the client has a
// lease of this link, the node has no record of it, and it isn't known to have asked anybody lately. In an exclusive pool it can be
// one that only this node grants: then it lost its store.
func (e *Engine) witness() {
	if e.policy.Single || e.link == nil || !e.view.Gate.Fresh(e.link.Index, e.now) && !e.view.Gate.Doubts(e.now) {
		return
	}
	if e.view.Firsts.Age(^e.client, e.at) > 0 {
		return // it has just been given something that its messages didn't name
	}
	for i := range e.message.IACount {
		ia := &e.message.IAs[i]
		for lease, rest, ok := ia.NextLease(ia.Options); ok; lease, rest, ok = ia.NextLease(rest) {
			key := binding.Key{Address: lease.Address, Length: lease.Length}
			pool := e.poolOf(ia.Kind, &key)
			if pool == nil || e.handle.Find(&key) != nil {
				continue
			}
			e.view.Gate.Evidence(e.link.Index, e.now)
			if id := e.identity(i); exclusive(pool) && e.solely(pool, &key) && e.verifies(&key, &id, ia) { // anybody could name a lease
				e.view.Gate.Lose(e.now)
			}
		}
	}
}
