package engine

import (
	"sync/atomic"

	"github.com/lockstep6/lockstep6/core/binding"
)

// A Solicit reserves nothing, so without a memory all clients that come at once would be offered the one lowest lease.
// Two memories of fixed size, free of locks and as old as their newest user wants them, keep offers apart for some seconds:
// which leases are on offer, and to whom. Both are hints. What they forget costs a client the
// lease that it was offered, and never gives one to two: the table decides.
const (
	offerSeconds = 4                     // an offer lasts that long at least, and twice as long at most
	offerWords   = 256                   // of a generation: leases on offer are among 8192 neighbours
	offerBits    = 32                    // leases in a word
	offerPlaces  = 1 << 13               // clients whose offers are remembered
	offerEpochs  = 1<<offerEpochBits - 1 // epochs come again after 24 days

	offerEpochBits = 19
	offerTagBits   = offerBits - offerEpochBits
)

// offers are a pool's leases on offer, in two generations. A word has, from its low end, offerBits bits of neighbours, the epoch
// in which they were set, and the part of the neighbours' number that its place doesn't tell.
type offers [2][offerWords]atomic.Uint64

func offerEpoch(now binding.Time) uint64 { return uint64(now) / offerSeconds & offerEpochs }

// offerWord is where the slot's bit is: the generation's word, and what must stand above the bits there.
func (o *offers) word(index, epoch uint64) (word *atomic.Uint64, head uint64) {
	number := index / offerBits
	tag := number / offerWords & (1<<offerTagBits - 1)
	return &o[epoch%2][number%offerWords], (tag<<offerEpochBits | epoch) << offerBits
}

// bits are those of the slot's neighbours that are on offer.
func (o *offers) bits(index, epoch uint64) uint64 {
	set := uint64(0)
	for _, at := range [...]uint64{epoch, (epoch - 1) & offerEpochs} {
		word, head := o.word(index, at)
		if v := word.Load(); v>>offerBits<<offerBits == head {
			set |= v & (1<<offerBits - 1)
		}
	}
	return set
}

// next is the first slot from index on that isn't on offer, or the first one of the next word.
func (o *offers) next(index, epoch uint64) uint64 {
	for set := o.bits(index, epoch); set>>(index%offerBits)&1 != 0; {
		if index++; index%offerBits == 0 {
			break
		}
	}
	return index
}

// take puts a slot on offer. False: it is on offer, or another worker was faster.
func (o *offers) take(index, epoch uint64) bool {
	bit := uint64(1) << (index % offerBits)
	return o.bits(index, epoch)&bit == 0 && o.set(index, epoch)
}

// renew puts a slot on offer whether it is or not.
func (o *offers) renew(index, epoch uint64) { o.set(index, epoch) }

// set puts a slot on offer in this epoch. False: somebody has done so in it.
func (o *offers) set(index, epoch uint64) bool {
	bit := uint64(1) << (index % offerBits)
	word, head := o.word(index, epoch)
	for {
		old := word.Load()
		fresh := head | bit
		if old>>offerBits<<offerBits == head {
			if old&bit != 0 {
				return false
			}
			fresh |= old
		}
		if word.CompareAndSwap(old, fresh) {
			return true
		}
	}
}

// drop takes a slot off. What stands there of others stays.
func (o *offers) drop(index uint64) {
	for generation := range o {
		word, head := o.word(index, uint64(generation))
		const others = offerEpochs << offerBits
		for {
			old := word.Load()
			bit := uint64(1) << (index % offerBits)
			if old&^others>>offerBits != head&^others>>offerBits || old&bit == 0 || word.CompareAndSwap(old, old&^bit) {
				break
			}
		}
	}
}

// An offerBook remembers which slots clients were offered, for all pools of a site.
type offerBook [offerPlaces]atomic.Uint64

// Parts of an entry, from the low end: the slot's index, the epoch, and some of the client's hash.
const (
	bookIndexBits = 28 // maxMapped
	bookEpochBits = 12
	bookEpochs    = 1<<bookEpochBits - 1
)

// recall returns what a client was offered lately; who is a hash of it and the pool.
func (b *offerBook) recall(who, epoch uint64) (index uint64, ok bool) {
	v := b[who%offerPlaces].Load()
	age := (epoch - v>>bookIndexBits) & bookEpochs
	return v & (maxMapped - 1), v != 0 && v>>(bookIndexBits+bookEpochBits) == who>>(bookIndexBits+bookEpochBits) && age <= 1
}

func (b *offerBook) note(who, index, epoch uint64) {
	tag := who >> (bookIndexBits + bookEpochBits) << (bookIndexBits + bookEpochBits)
	b[who%offerPlaces].Store(tag | epoch&bookEpochs<<bookIndexBits | index)
}
