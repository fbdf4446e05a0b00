// Package limit bounds how many messages a second a sender gets handled: a relay, a neighbour on the link, a client.
//
// Invariants:
//  1. Nothing here allocates after it was made, takes a lock, or looks at a clock.
//  2. A sender is refused only for messages of its own, but for one chance in 2²⁴ per pair of senders of a set, whose tags are the same.
//     Where all places of a set are busy with others it passes.
//  3. A refused message counts nothing: who sends on beyond its rate gets the rate, not less.
package limit

import (
	"sync/atomic"
	"time"
)

// A Rate is what a sender may send. The zero Rate is no limit.
type Rate struct {
	PerSecond int // messages, in the long run; up to 1000000
	Burst     int // messages at once, at least 1, after a while without any
}

// Limited tells whether the rate is one.
func (r Rate) Limited() bool { return r.PerSecond > 0 }

// A Table holds how far each of many senders has used its rate up: a leaky bucket as the generic cell rate algorithm keeps it (ITU-T I.371),
// which is one time per sender: when its bucket will be empty again. Senders in the past have no state, so their places are free.
//
// A word is tag << timeBits | time, of which times come again after 13 days. A set of eight words is a cache line. Of two that take
// the same place at once one loses its first message's count.
type Table struct {
	sets [][places]atomic.Uint64
}

const (
	places   = 8
	timeBits = 40
	timeMask = 1<<timeBits - 1
	unit     = time.Microsecond // of a word's time
	// farthest is the most that a bucket can be ahead; a word that seems further ahead is of an earlier round of times.
	farthest = 1 << (timeBits - 2)
)

// NewTable makes a table in which about so many senders have places at a time.
func NewTable(senders int) *Table {
	sets := 1
	for sets*places < senders {
		sets *= 2
	}
	return &Table{sets: make([][places]atomic.Uint64, sets)}
}

// Admit counts a message of a sender at a time in nanoseconds, which must not go back by more than a few seconds. False: the sender has
// used its rate up. The sender is a hash whose every bit depends on a secret, so that nobody can choose whose set it shares.
func (t *Table) Admit(sender uint64, now int64, r Rate) bool {
	set := &t.sets[sender%uint64(len(t.sets))]
	tag := sender >> timeBits << timeBits
	at := uint64(now/int64(unit)) & timeMask
	every := max(uint64(time.Second/unit)/uint64(r.PerSecond), 1)
	room := min(every*uint64(max(r.Burst, 1)), farthest/2)
	for {
		word, old, ahead := find(set, tag, at)
		if word == nil {
			return true
		}
		if ahead+every > room {
			return false
		}
		if word.CompareAndSwap(old, tag|(at+ahead+every)&timeMask) {
			return true
		}
	}
}

// find returns the sender's place, or a free one: whose bucket is empty. Nil: there is neither. Ahead is how long the sender's bucket still runs.
func find(set *[places]atomic.Uint64, tag, at uint64) (word *atomic.Uint64, old, ahead uint64) {
	for i := range set {
		v := set[i].Load()
		left := (v - at) & timeMask
		busy := v != 0 && left != 0 && left <= farthest
		if v>>timeBits<<timeBits == tag && busy {
			return &set[i], v, left
		}
		if word == nil && !busy {
			word, old = &set[i], v
		}
	}
	return word, old, 0
}
