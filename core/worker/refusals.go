package worker

import (
	"encoding/binary"
	"sync/atomic"

	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/wire"
)

// Bounds of what is kept of refusals. What comes beyond the rate is counted only: a flood must not cost more than answers do.
const (
	RefusalRate    = 256 // a second, of each worker and class
	maxLinkLayer   = 8   // octets: a hardware type and 6 more
	maxInterfaceID = 32  // octets
	maxPoolName    = 32  // octets
)

// A Refusal is a message that its client got nothing by, or not all that it asked for.
type Refusal struct {
	At     int64 // Unix nanoseconds
	Type   wire.MessageType
	Drop   wire.Drop       // why there was no reply; DropNone: there was one, with Status
	Status wire.StatusCode // the worst of the reply
	Lack   engine.Lack
	Listen uint16 // as in Datagram
	Source [16]byte
	Asker  engine.Asker // what is too long is cut; its slices belong to whoever asked for the refusal
}

// A class of refusals has a ring of its own, so that what is usual doesn't push out what isn't.
type class uint8

const (
	notRefused class = iota
	refused          // the client's or the configuration's fault, or this node's
	left             // to other servers: usual where there are several
)

// classOf says whether a message without reply was refused.
func classOf(d wire.Drop) class {
	switch d {
	case wire.DropNone, wire.DropForPeer, wire.DropServerMessage, wire.DropUnknownType, wire.DropHeld, wire.DropSend:
		return notRefused
	case wire.DropForeignServer, wire.DropPatience, wire.DropBackSeat, wire.DropExhausted, wire.DropNothingToSay:
		return left
	default:
		return refused
	}
}

// Refusals keeps a worker's newest refusals in memory of fixed size. Its worker alone writes, without a lock and without
// waiting for readers; who reads meanwhile leaves out what is being written.
type Refusals struct {
	rings   [2]ring // of refused and left
	skipped atomic.Uint64

	second int64 // of the rate
	taken  [2]int
}

// A ring's slots are words, so that a reader may look at one that is being written. Each begins with its sequence: odd
// while it is written, 2n+2 once it holds the ring's n-th entry, counted from 0.
type ring struct {
	slots []slotWords
	next  atomic.Uint64 // entries so far
}

const (
	duidWords = (wire.MaxDUID + 7) / 8
	wordPool  = 15
	wordDUID  = wordPool + (maxPoolName+7)/8
)

type slotWords [wordDUID + duidWords]atomic.Uint64

// NewRefusals makes room for so many entries of each class, at least one.
func NewRefusals(entries int) *Refusals {
	r := new(Refusals)
	for i := range r.rings {
		r.rings[i].slots = make([]slotWords, max(1, entries))
	}
	return r
}

// Total is how many messages were refused: what is kept, what was pushed out, and what was only counted.
func (r *Refusals) Total() uint64 {
	return r.rings[0].next.Load() + r.rings[1].next.Load() + r.skipped.Load()
}

// Skipped is how many of them were only counted.
func (r *Refusals) Skipped() uint64 { return r.skipped.Load() }

// admits tells whether one more of the class may be kept at this time, and counts it where not.
func (r *Refusals) admits(c class, unixNano int64) bool {
	if second := unixNano / 1e9; second != r.second {
		r.second, r.taken = second, [2]int{}
	}
	if r.taken[c-1] == RefusalRate {
		bump(&r.skipped, 1)
		return false
	}
	r.taken[c-1]++
	return true
}

// put keeps a refusal in the place of the oldest one.
func (r *Refusals) put(c class, f *Refusal) {
	g := &r.rings[c-1]
	n := g.next.Load()
	s := &g.slots[n%uint64(len(g.slots))]
	s[0].Store(2*n + 1)
	a := &f.Asker
	var relayed uint64
	if a.Relayed {
		relayed = 1
	}
	name := a.PoolName[:min(len(a.PoolName), maxPoolName)]
	duid, hardware, id := a.DUID[:min(len(a.DUID), wire.MaxDUID)], a.LinkLayer[:min(len(a.LinkLayer), maxLinkLayer)],
		a.InterfaceID[:min(len(a.InterfaceID), maxInterfaceID)]
	s[1].Store(uint64(f.At))
	s[2].Store(uint64(f.Type)<<56 | uint64(f.Drop)<<48 | uint64(f.Status)<<40 | uint64(f.Lack)<<32 | uint64(f.Listen)<<16 |
		uint64(len(name))<<8 | uint64(a.Length))
	s[3].Store(uint64(uint32(a.Link))<<32 | uint64(len(duid))<<24 | uint64(len(hardware))<<16 | uint64(len(id))<<8 | relayed)
	s.write(4, f.Source[:])
	s.write(6, a.Peer[:])
	s.write(8, a.LinkAddress[:])
	s.write(10, hardware)
	s.write(11, id)
	s.write(wordPool, name)
	s.write(wordDUID, duid)
	s[0].Store(2*n + 2)
	g.next.Store(n + 1)
}

// write stores octets in words from number at on.
func (s *slotWords) write(at int, octets []byte) {
	for ; len(octets) > 0; at++ {
		var word [8]byte
		n := copy(word[:], octets)
		s[at].Store(binary.BigEndian.Uint64(word[:]))
		octets = octets[n:]
	}
}

// read appends so many octets of the words from number at on.
func (s *slotWords) read(dst []byte, at, octets int) []byte {
	end := len(dst) + octets
	for ; len(dst) < end; at++ {
		dst = binary.BigEndian.AppendUint64(dst, s[at].Load())
	}
	return dst[:end]
}

// Each calls yield with what is kept, of each class the newest first, until it returns false. Any goroutine may call it.
func (r *Refusals) Each(yield func(*Refusal) bool) {
	for i := range r.rings {
		g := &r.rings[i]
		end := g.next.Load()
		for n := end; n > 0 && end-n < uint64(len(g.slots)); n-- {
			if f, ok := g.entry(n - 1); ok && !yield(&f) {
				return
			}
		}
	}
}

// entry copies the ring's n-th entry; false where it was overwritten, before or meanwhile.
func (g *ring) entry(n uint64) (f Refusal, ok bool) {
	s := &g.slots[n%uint64(len(g.slots))]
	if s[0].Load() != 2*n+2 {
		return f, false
	}
	f.At = int64(s[1].Load())
	what, sizes := s[2].Load(), s[3].Load()
	f.Type, f.Drop, f.Status = wire.MessageType(what>>56), wire.Drop(what>>48), wire.StatusCode(what>>40&0xff)
	f.Lack, f.Listen, f.Asker.Length = engine.Lack(what>>32), uint16(what>>16), uint8(what)
	a := &f.Asker
	a.Link, a.Relayed = int(int32(sizes>>32)), sizes&1 != 0
	var room [16]byte
	f.Source = [16]byte(s.read(room[:0], 4, 16))
	a.Peer = [16]byte(s.read(room[:0], 6, 16))
	a.LinkAddress = [16]byte(s.read(room[:0], 8, 16))
	// Of an entry that is being written the sizes may be another's, but they are in bounds: each is a whole word's.
	a.LinkLayer = s.read(nil, 10, int(sizes>>16&0xff))
	a.InterfaceID = s.read(nil, 11, int(sizes>>8&0xff))
	a.PoolName = s.read(nil, wordPool, int(what>>8&0xff))
	a.DUID = s.read(nil, wordDUID, int(sizes>>24&0xff))
	return f, s[0].Load() == 2*n+2
}

// note keeps a message that was refused. What was answered as it wished costs one comparison.
func (w *Worker) note(d *Datagram, result *engine.Result, unixNano int64) {
	c := classOf(result.Drop)
	if result.Status != wire.StatusSuccess {
		c = refused
	}
	if c == notRefused || w.Refusals == nil || !w.Refusals.admits(c, unixNano) {
		return
	}
	w.Refusals.put(c, &Refusal{
		At: unixNano, Type: result.Type, Drop: result.Drop, Status: result.Status, Lack: result.Lack,
		Listen: d.Listen, Source: d.Source, Asker: w.Engine.Asker(d.Source),
	})
}

// noteUnread keeps a message that wasn't looked at, for which it is read once more.
func (w *Worker) noteUnread(d *Datagram, drop wire.Drop, unixNano int64) {
	if w.Refusals == nil || !w.Refusals.admits(refused, unixNano) {
		return
	}
	w.Refusals.put(refused, &Refusal{
		At: unixNano, Type: w.Engine.Read(d.Data), Drop: drop,
		Listen: d.Listen, Source: d.Source, Asker: w.Engine.Asker(d.Source),
	})
}
