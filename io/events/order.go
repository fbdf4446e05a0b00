package events

import (
	"cmp"
	"slices"
	"time"
)

// Workers don't wait for one another, so two changes of a lease that come within a moment may be committed the wrong way round: in one group, or
// in two of those that were under way together. An order puts that right.
type order struct {
	before map[string]standing // what was told last of each lease, of the Read before
}

// A standing is what of a lease was told last.
type standing struct {
	version uint64
	time    time.Time
}

// apart is how far two events of a lease can be from each other in time at most while their versions say which comes first. A lease that ended and was
// forgotten counts its versions anew.
const apart = time.Minute

// arrange puts the events of each lease into the order of their versions, drops those that come behind a higher one told before, and numbers those of one
// change: before they are divided into batches, for what has one ID is one event to a broker.
func (o *order) arrange(some []Event) (kept []Event) {
	byLease := make(map[string][]int)
	for i := range some {
		byLease[some[i].Lease] = append(byLease[some[i].Lease], i)
	}
	told := make(map[string]standing, len(byLease))
	drop := make(map[int]bool)
	for lease, places := range byLease {
		events := make([]Event, len(places))
		for i, at := range places {
			events[i] = some[at]
		}
		slices.SortStableFunc(events, func(a, b Event) int {
			if d := a.Time.Sub(b.Time); d > apart || d < -apart {
				return cmp.Compare(d, 0)
			}
			return cmp.Compare(a.Version, b.Version)
		})
		last := o.before[lease]
		for i, at := range places {
			some[at] = events[i]
			if events[i].Version < last.version && events[i].Time.Sub(last.time) <= apart {
				drop[at] = true
				continue
			}
			for j := i - 1; j >= 0 && events[j].Version == events[i].Version; j-- {
				if events[j].Time.Equal(events[i].Time) {
					some[at].ordinal = some[places[j]].ordinal + 1
					break
				}
			}
			told[lease] = standing{events[i].Version, events[i].Time}
		}
	}
	o.before = told
	for i := range some {
		if !drop[i] {
			kept = append(kept, some[i])
		}
	}
	return kept
}

// batches divides events into parts of what may be under way together.
func batches(most int, some []Event) (parts [][]Event) {
	for len(some) > 0 {
		n := min(len(some), most)
		parts = append(parts, some[:n])
		some = some[n:]
	}
	return parts
}

// wave takes the first of each key out of the messages that wait; a list's beginning or end goes alone.
func wave(waiting []Message) (first, rest []Message) {
	seen := make(map[string]bool)
	for i, m := range waiting {
		if m.Key == "" {
			if len(first) == 0 && len(rest) == 0 {
				return waiting[:1:1], waiting[1:]
			}
			return first, append(rest, waiting[i:]...)
		}
		if seen[m.Key] {
			rest = append(rest, m)
			continue
		}
		seen[m.Key] = true
		first = append(first, m)
	}
	return first, rest
}
