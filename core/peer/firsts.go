package peer

import (
	"sync/atomic"

	"github.com/lockstep6/lockstep6/core/binding"
)

// Firsts remembers for how long messages have been repeated: clients that say nothing of their elapsed time, or always
// 0, are heard by it. It is a fixed table: whoever meets another's place takes it, so a flood makes it forget,
// and what was forgotten counts as new.
type Firsts struct {
	words [firstsSize]atomic.Uint64 // tag << 44 | milliseconds since 2000 of the first sight
}

const (
	firstsSize   = 1 << 16
	firstsStamp  = 1<<44 - 1
	firstsForget = 120_000 // milliseconds after which a repetition counts as a new beginning
)

// Age is for how many milliseconds a message with this hash has been repeated; 0 at its first sight, which is noted.
// The hash should be of client, transaction-id and type.
func (f *Firsts) Age(hash uint64, now binding.Moment) uint64 {
	word := &f.words[hash%firstsSize]
	tag := hash &^ firstsStamp
	old := word.Load()
	first := binding.Moment(old & firstsStamp)
	if old&^firstsStamp == tag && first <= now && now-first < firstsForget {
		return uint64(now - first)
	}
	word.Store(tag | uint64(now)&firstsStamp)
	return 0
}

// Seen tells whether Age was asked for the hash in the last two minutes. It notes nothing.
func (f *Firsts) Seen(hash uint64, now binding.Moment) bool {
	word := f.words[hash%firstsSize].Load()
	first := binding.Moment(word & firstsStamp)
	return word&^firstsStamp == hash&^firstsStamp && first <= now && now-first < firstsForget
}
