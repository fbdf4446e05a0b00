package daemon

import (
	"errors"
	"hash/maphash"

	"github.com/lockstep6/lockstep6/core/binding"
)

// A tally bounds what one peer can tell in one round: as many leases as the table has room for, and none again and again. A client
// may come with all its leases for each of its IAIDs, so that an honest peer tells a lease as often as its client has IAIDs. The zero
// value belongs to no round.
type tally struct {
	seed     maphash.Seed
	told     []uint64 // a bit for each of some values of a hash: of the leases that came
	capacity int64    // of the table, in leases
	first    int64    // leases that came, a few too low: those with the same bit are one
	again    int64    // how often one came that had come
}

const (
	tallyBits  = 8    // for each lease that the table has room for: one new lease in eight at most looks like one that has come
	tallyAgain = 1024 // how often a lease may come, on average
)

func newTally(capacity int64) tally {
	return tally{seed: maphash.MakeSeed(), told: make([]uint64, (capacity*tallyBits+63)/64), capacity: capacity}
}

// add counts a lease.
func (t *tally) add(key *binding.Key) {
	at := maphash.Comparable(t.seed, *key) % uint64(len(t.told)*64)
	if word, bit := &t.told[at/64], uint64(1)<<(at%64); *word&bit == 0 {
		*word |= bit
		t.first++
	} else {
		t.again++
	}
}

// Errors of a tally.
var (
	errTooMany = errors.New("it tells of more leases than store.capacity has room for")
	errAgain   = errors.New("it tells the same leases again and again")
)

// excess is why the peer isn't listened to any more; nil: it tells what can be.
func (t *tally) excess() error {
	switch {
	case t.first > t.capacity:
		return errTooMany
	case t.again > tallyAgain*(t.first+1):
		return errAgain
	default:
		return nil
	}
}
