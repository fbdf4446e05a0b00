package binding

import "math"

// Time is seconds since 2000-01-01 00:00:00 UTC, DHCPv6's own epoch (RFC 9915, Section 11.2). It ends in 2136.
type Time uint32

// Never is the end of a lease with infinite lifetime.
const Never Time = math.MaxUint32

// epochUnix is 2000-01-01 00:00:00 UTC in seconds since 1970-01-01.
const epochUnix = 946684800

// TimeOf converts seconds since 1970-01-01 UTC. What lies outside the range becomes 0 or the last moment before Never.
func TimeOf(unix int64) Time {
	return Time(min(max(unix-epochUnix, 0), int64(Never)-1))
}

// Unix returns t in seconds since 1970-01-01 UTC. Never has no such moment; ask for it first.
func (t Time) Unix() int64 { return int64(t) + epochUnix }

// Add returns the moment lifetime seconds after t. An infinite lifetime gives Never; a sum that
// doesn't fit gives the last moment before it.
func (t Time) Add(lifetime uint32) Time {
	if lifetime == math.MaxUint32 || t == Never {
		return Never
	}
	return Time(min(uint64(t)+uint64(lifetime), uint64(Never)-1))
}

// A Moment is milliseconds since 2000-01-01 00:00:00 UTC: for what a second is too long.
type Moment uint64

// MomentOf converts nanoseconds since 1970-01-01 UTC. What lies before 2000 becomes 0.
func MomentOf(unixNano int64) Moment { return Moment(max(unixNano/1e6-epochUnix*1e3, 0)) }

// Time returns the moment's second; what lies behind the last Time before Never becomes that.
func (m Moment) Time() Time { return Time(min(uint64(m)/1000, uint64(Never)-1)) }

// Moment returns the beginning of t's second.
func (t Time) Moment() Moment { return Moment(t) * 1000 }

// UnixMilli returns m in milliseconds since 1970-01-01 UTC.
func (m Moment) UnixMilli() int64 { return int64(m) + epochUnix*1e3 }
