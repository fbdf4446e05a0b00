package reconfigure

import (
	"sync/atomic"

	"github.com/cespare/xxhash/v2"

	"github.com/lockstep6/lockstep6/core/wire"
)

// Awaited is the clients of whom a message is awaited because they were asked for it. One goroutine asks and looks what came; any
// number of others hear messages, without a lock. While nobody is awaited hearing costs a load. The zero value awaits nobody.
//
// It is a hash table of buckets. A slot is 0, or a client's hash and in its lower bits which messages were heard since it was put there:
// one word, so that what is heard of a client that has just been forgotten doesn't count for the next one in its slot.
type Awaited struct {
	table atomic.Pointer[slots]
	some  atomic.Int32
}

const (
	awaitedBuckets = 1 << 13
	bucketSlots    = 8

	// MaxAwaited is how many clients can be awaited at once, about: there is room for twice as many, so that few find their bucket full.
	MaxAwaited = awaitedBuckets * bucketSlots / 2
)

type slots [awaitedBuckets][bucketSlots]atomic.Uint64

const heardBits = 1<<3 - 1

// heardBit is the bit of a type that Asks is true of; 0: it is none.
func heardBit(t wire.MessageType) uint64 {
	switch t {
	case wire.Renew:
		return 1
	case wire.Rebind:
		return 2
	case wire.InformationRequest:
		return 4
	default:
		return 0
	}
}

// Hash is the client as the table has it; never 0, and its lower bits are free.
func Hash(seed uint64, duid []byte) uint64 {
	var room [8 + wire.MaxDUID]byte
	b := append(room[:0], byte(seed), byte(seed>>8), byte(seed>>16), byte(seed>>24), byte(seed>>32), byte(seed>>40), byte(seed>>48), byte(seed>>56))
	return max(xxhash.Sum64(append(b, duid...))&^heardBits, heardBits+1)
}

// Any tells whether anybody is awaited.
func (a *Awaited) Any() bool { return a.some.Load() > 0 }

// Await begins to await a client; false: there is no room now, or it is awaited already.
func (a *Awaited) Await(client uint64) bool {
	t := a.table.Load()
	if t == nil {
		t = new(slots)
		a.table.Store(t)
	}
	bucket := t.bucket(client)
	free := -1
	for i := range bucket {
		switch bucket[i].Load() &^ heardBits {
		case client:
			return false
		case 0:
			free = i
		}
	}
	if free < 0 {
		return false
	}
	bucket[free].Store(client)
	a.some.Add(1)
	return true
}

// Forget ends that a client is awaited.
func (a *Awaited) Forget(client uint64) {
	if s, _ := a.find(client); s != nil {
		s.Store(0)
		a.some.Add(-1)
	}
}

// Heard tells whether an awaited client's message of a type that Asks is true of has come.
func (a *Awaited) Heard(client uint64, t wire.MessageType) bool {
	_, word := a.find(client)
	return word&heardBit(t) != 0
}

// Hear notes a client's message of a type that Asks is true of.
func (a *Awaited) Hear(client uint64, t wire.MessageType) {
	for s, word := a.find(client); s != nil && !s.CompareAndSwap(word, word|heardBit(t)); {
		s, word = a.find(client)
	}
}

// find is the client's slot and what stands there; nil and 0: it isn't awaited.
func (a *Awaited) find(client uint64) (*atomic.Uint64, uint64) {
	t := a.table.Load()
	if t == nil {
		return nil, 0
	}
	bucket := t.bucket(client)
	for i := range bucket {
		if word := bucket[i].Load(); word&^heardBits == client {
			return &bucket[i], word
		}
	}
	return nil, 0
}

func (t *slots) bucket(client uint64) *[bucketSlots]atomic.Uint64 {
	return &t[client/(heardBits+1)%awaitedBuckets]
}

// Shared is what engines and whoever sends Reconfigure messages share. The zero value is ready but for Replay.
type Shared struct {
	Replay  Replay
	_       [64]byte // what each key writes and what each message reads aren't in one cache line
	Awaited Awaited
	Seed    uint64 // of clients' hashes; not changed after the first message
}
