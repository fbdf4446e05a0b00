package reconfigure

import "sync/atomic"

// A Replay gives the values of the replay detection field: NTP timestamps (RFC 5905, Section 6), but each higher than the last one
// whatever the clock does (RFC 9915, Section 20.3). Values are reserved before they are given, and what is reserved is kept on stable
// storage, so that a restart goes on above it. Its methods may be called from any goroutine, and none of them waits. The zero value
// has nothing reserved and gives nothing.
type Replay struct {
	last, reserved atomic.Uint64
}

const (
	ntpEpoch = 2_208_988_800 // seconds from 1900 to 1970

	// reserveAhead is how much is reserved at a time: a minute, so that one write serves for half of that.
	reserveAhead = 60 << 32
)

// Stamp is a clock's reading, in Unix milliseconds, as an NTP timestamp.
func Stamp(unixMilli int64) uint64 {
	seconds, rest := uint64(unixMilli)/1000, uint64(unixMilli)%1000
	return (seconds+ntpEpoch)<<32 | rest<<32/1000
}

// Resume goes on above what an earlier process had reserved.
func (r *Replay) Resume(reserved uint64) {
	r.last.Store(reserved)
	r.reserved.Store(reserved)
}

// Reserve tells up to where values are to be kept as reserved now, which Reserved then notes. False: enough are.
func (r *Replay) Reserve(unixMilli int64) (upTo uint64, needed bool) {
	next := r.next(unixMilli)
	return next + reserveAhead, next+reserveAhead/2 > r.reserved.Load()
}

// Reserved notes that it is on stable storage that values below upTo may have been given. One goroutine calls it.
func (r *Replay) Reserved(upTo uint64) { r.reserved.Store(max(r.reserved.Load(), upTo)) }

// Next gives a value. False: none is reserved.
func (r *Replay) Next(unixMilli int64) (value uint64, ok bool) {
	for {
		last := r.last.Load()
		value = max(Stamp(unixMilli), last+1)
		if value >= r.reserved.Load() {
			return 0, false
		}
		if r.last.CompareAndSwap(last, value) {
			return value, true
		}
	}
}

func (r *Replay) next(unixMilli int64) uint64 { return max(Stamp(unixMilli), r.last.Load()+1) }
