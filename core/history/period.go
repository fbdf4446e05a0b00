package history

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/lockstep6/lockstep6/core/binding"
)

// A Period is the time in which one client had a lease from one node, at one place and in one state. Stored is the newest
// that is known of it.
type Period struct {
	binding.Stored
	From  binding.Time // the client has the lease since Since, perhaps from elsewhere before
	Until binding.Time // of one that lasts: when it ends unless the client renews
	Lasts bool
	End   End
}

// An Entry is what Entries made, with the version of the change that it was made of.
type Entry struct {
	What    byte
	Version uint64
	Data    []byte
}

// Periods are a lease's periods in the order of their beginnings, as its entries and its present value tell; no value (nil):
// there is no binding. Views of both are in it. Which order entries have doesn't matter.
func Periods(key []byte, entries []Entry, present []byte, now binding.Time) ([]Period, error) {
	var began, ended []Period
	for i := range entries {
		p, err := read(key, &entries[i])
		if err != nil {
			return nil, err
		}
		if entries[i].What == Began {
			began = append(began, p)
		} else {
			ended = append(ended, p)
		}
	}
	used := make([]bool, len(began))
	for i := range ended {
		ended[i].From = ended[i].Since
		if k := beginning(began, used, &ended[i].Stored); k >= 0 {
			ended[i].From, used[k] = began[k].From, true
		}
	}
	if present != nil {
		p, ok, err := current(key, present, now)
		if err != nil {
			return nil, err
		}
		if ok {
			if k := beginning(began, used, &p.Stored); k >= 0 {
				p.From, used[k] = began[k].From, true
			}
			ended = append(ended, p)
		}
	}
	for k := range began {
		if !used[k] {
			began[k].Until = untold(began, k)
			ended = append(ended, began[k])
		}
	}
	slices.SortFunc(ended, func(a, b Period) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.Version, b.Version)) })
	return ended, nil
}

// read takes an entry apart. From of a period that ended, and Until of one that began, aren't known yet.
func read(key []byte, e *Entry) (p Period, err error) {
	var value []byte
	switch {
	case e.What == Began && len(e.Data) > beganHeader:
		p.From, value = binding.Time(binary.BigEndian.Uint32(e.Data)), e.Data[beganHeader:]
	case e.What == Ended && len(e.Data) > endedHeader:
		p.End, p.Until, value = End(e.Data[0]), binding.Time(binary.BigEndian.Uint32(e.Data[1:])), e.Data[endedHeader:]
	default:
		return p, ErrEntry
	}
	if p.Stored, err = binding.DecodeValue(key, value); err == nil && p.Removed {
		err = ErrEntry
	}
	return p, err
}

// beginning finds where the period began whose newest record is s: of the records that began with the same, the newest that
// isn't newer. Negative: that entry is gone, or was never made.
func beginning(began []Period, used []bool, s *binding.Stored) int {
	best := -1
	for k := range began {
		b := &began[k].Stored
		if used[k] || b.Version > s.Version || !sameClient(b, s) || b.State != s.State || b.Since != s.Since || b.Owner != s.Owner ||
			!b.Extension.SamePlace(s.Extension) {
			continue
		}
		if best < 0 || b.Version > began[best].Version {
			best = k
		}
	}
	return best
}

// current is the period of the present binding.
func current(key, value []byte, now binding.Time) (p Period, ok bool, err error) {
	if p.Stored, err = binding.DecodeValue(key, value); err != nil || !lasting(&p.Stored) {
		return p, false, err
	}
	p.From, p.Until, p.Lasts = p.Since, p.Expires, p.Expires > now
	if !p.Lasts {
		p.End = Expired
	}
	return p, true, nil
}

// untold is until when a period can have lasted of which only the beginning is known: the next one's beginning, or as
// long as it was granted for.
func untold(began []Period, k int) binding.Time {
	until := began[k].Expires
	for i := range began {
		if i != k && began[i].From >= began[k].From && began[i].Version > began[k].Version {
			until = min(until, began[i].From)
		}
	}
	return max(until, began[k].From)
}

// Overlaps tells whether the period was at some moment from one second to another, both included. Times are whole seconds: in
// the one in which a period ends its client had the lease too, whoever else had it.
func (p *Period) Overlaps(from, to binding.Time) bool { return p.From <= to && p.Until >= from }
