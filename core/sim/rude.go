package sim

import (
	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/wire"
)

// A rude client sends what it likes, when it likes, to whichever server: IAIDs that it never used, hints for others'
// leases, Requests to several servers at once, Rapid Commit, Server Identifiers of nobody. It takes every answer to its
// last message. An attacker does the same with several DUIDs and aims at what others have; what it doesn't
// know is another client's DUID.
type rude struct {
	*world
	port     *port
	duids    [][]byte
	attacker bool
	duid     []byte // that of the last message
	kind     wire.MessageType
	xid      [3]byte
	leases   []claimed // what it was told of, the newest last
}

// Numbers of rude clients' doings.
const (
	rudeIAIDs    = 3      // that each DUID uses of a kind
	rudeMemory   = 8      // leases that it remembers
	rudePause    = 60_000 // milliseconds between two messages, at most
	attackerIDs  = 3      // DUIDs of an attacker
	burst        = 4      // copies of a message, at most
	nobody       = "\x00\x03\x00\x01\xff\xff"
	foreignSpace = 0x3f // first octet of addresses that no link here has
)

func (w *world) newRude(number int, attacker bool) *rude {
	u := &rude{world: w, attacker: attacker}
	u.port = w.connect(u, w.rng.IntN(len(w.relays)))
	count := 1
	if attacker {
		count = attackerIDs
	}
	for i := range count {
		u.duids = append(u.duids, duidOf(number+i))
	}
	return u
}

// speak sends one message, or some, and comes back.
func (u *rude) speak() {
	if !u.troubled {
		return
	}
	pause := u.rng.Int64N(rudePause)
	types := []wire.MessageType{
		wire.Solicit, wire.Request, wire.Request, wire.Request, wire.Renew, wire.Renew, wire.Rebind, wire.Rebind,
		wire.Release, wire.Decline, wire.Confirm,
	}
	u.kind, u.duid, u.xid = types[u.rng.IntN(len(types))], u.duids[u.rng.IntN(len(u.duids))], u.transaction()
	if u.kind == wire.Release || u.kind == wire.Decline {
		pause += 2 * laggard // a copy of it that is late would end what comes next
	}
	ias := u.ias()
	for range 1 + u.rng.IntN(burst) {
		var server []byte
		if toServer(u.kind) {
			server = u.anyServer()
		}
		b := openMessage(nil, u.kind, u.xid, u.duid, server, u.rng.Int64N(10_000))
		if u.kind == wire.Solicit && u.rng.IntN(2) == 0 {
			b = wire.AppendOption(b, wire.OptionRapidCommit, nil)
		}
		u.send(u.port, u.duid, append(b, ias...))
		if u.kind != wire.Request { // several servers at once
			break
		}
	}
	u.after(pause, u.speak)
}

// anyServer is some node's Server Identifier, or nobody's.
func (u *rude) anyServer() []byte {
	if u.rng.IntN(10) == 0 {
		return []byte(nobody)
	}
	return u.nodes[u.rng.IntN(len(u.nodes))].policy.ServerID
}

// ias are one or two IAs of the message. What it gives up in them it doesn't use any more.
func (u *rude) ias() (b []byte) {
	for range 1 + u.rng.IntN(2) {
		who := identity{string(u.duid), wire.Kind(1 + u.rng.IntN(2)), u.rng.Uint32N(rudeIAIDs)}
		if own := u.own(who); own != nil && u.rng.IntN(3) != 0 {
			who = *own
		}
		var keys []binding.Key
		for range u.rng.IntN(3) {
			keys = append(keys, u.target(who))
		}
		for _, key := range keys {
			if u.kind == wire.Release || u.kind == wire.Decline && who.kind == wire.IANA {
				u.ledger.drop(who, key)
			}
		}
		b = appendIA(b, who.kind, who.iaid, keys)
	}
	return b
}

// own is an IA of the DUID that has a lease, or nil.
func (u *rude) own(who identity) *identity {
	for i := len(u.leases) - 1; i >= 0; i-- {
		if l := &u.leases[i]; l.who.duid == who.duid {
			return &l.who
		}
	}
	return nil
}

// target is a lease to name: its own, another client's, one of a length that it would like, or one of another network.
func (u *rude) target(who identity) binding.Key {
	others := 4
	if u.attacker {
		others = 8
	}
	if n := u.rng.IntN(10); n < others {
		if key, ok := u.ledger.anyLease(who.kind); ok {
			return key
		}
	} else if n == others {
		return binding.Key{Address: [16]byte{foreignSpace}, Length: 128}
	} else if n == others+1 && who.kind == wire.IAPD {
		return binding.Key{Length: uint8(prefixLength - 4 + u.rng.IntN(8))}
	}
	for i := len(u.leases) - 1; i >= 0; i-- {
		if l := &u.leases[i]; l.who == who {
			return l.key
		}
	}
	return binding.Key{Length: 128}
}

// receive takes what an answer to the last message gives.
func (u *rude) receive(r *reply, message []byte) {
	a := readAnswer(message)
	if a == nil || a.xid != u.xid || string(a.client) != string(u.duid) || a.kind != wire.Reply {
		return
	}
	u.ledger.took(r, u.kind, false)
	for i := range a.ias {
		for _, o := range a.ias[i].leases {
			if o.valid > 0 {
				u.leases = append(u.leases, claimed{o.key, identity{string(u.duid), a.ias[i].kind, a.ias[i].iaid}})
			}
		}
	}
	u.leases = u.leases[max(0, len(u.leases)-rudeMemory):]
}
