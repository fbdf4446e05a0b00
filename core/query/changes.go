package query

import (
	"iter"
	"slices"

	"github.com/lockstep6/lockstep6/core/binding"
)

// Changed yields what a journal's changes say of clients: for a lease that goes on the binding, for one that has ended the
// binding as it was last. A change of which a binding's end can't be told (see binding.AppendNews) says nothing of that.
func Changed(changes []byte) iter.Seq2[binding.Stored, error] {
	return func(yield func(binding.Stored, error) bool) {
		for len(changes) > 0 {
			key, value, rest, err := binding.NextChange(changes)
			if err != nil {
				yield(binding.Stored{}, err)
				return
			}
			changes = rest
			s, err := binding.DecodeValue(key, value)
			if err != nil {
				yield(binding.Stored{}, err)
				return
			}
			if len(s.Before) > 0 {
				before, err := binding.DecodeValue(key, s.Before)
				if err != nil {
					yield(binding.Stored{}, err)
					return
				}
				if (s.Removed || string(before.DUID) != string(s.DUID)) && !yield(over(before), nil) {
					return
				}
			}
			if !s.Removed && !yield(s, nil) {
				return
			}
		}
	}
}

// over is a binding that nobody has any more, whatever it was.
func over(s binding.Stored) binding.Stored {
	s.State = binding.Released
	return s
}

// Follow yields the clients of a question to which changes happened: of one that has the lease, all its leases on the link; of one
// that has lost it, that lease, with the others.
func (f *Finder) Follow(q *Question, changes []byte) iter.Seq2[Found, error] {
	return func(yield func(Found, error) bool) {
		on := f.links(q)
		for s, err := range Changed(changes) {
			if err != nil {
				yield(Found{}, err)
				return
			}
			if f.about(q, &s) && f.isOn(&s, on) && !f.tell(s, on, yield) {
				return
			}
		}
	}
}

// tell yields what there is to say of a binding that was copied some time ago.
func (f *Finder) tell(s binding.Stored, on []int, yield func(Found, error) bool) bool {
	link := f.link(&s)
	found := Found{Link: f.linkAddress(&s, link), Client: Client{s}}
	for _, other := range f.associated(&s, on) {
		same := other.Key == s.Key
		if same {
			found.Client[0] = other // as it is now
		}
		if !same && f.link(&other) == link {
			found.Client = append(found.Client, other)
		}
	}
	return yield(found, nil)
}

// An Ended remembers leases that have ended, for requestors that ask what has changed while they were away. The zero value
// remembers nothing. It belongs to one goroutine.
type Ended struct {
	Keep binding.Time // seconds
	Most int          // leases
	From binding.Time // since when nothing is missing

	leases []ended // the first gone of them are forgotten
	gone   int
}

type ended struct {
	at    binding.Time
	lease binding.Stored
}

// Take notes what changes have ended. It keeps no view of them.
func (e *Ended) Take(changes []byte, now binding.Time) {
	for s, err := range Changed(changes) {
		if err != nil {
			break // what can't be read says nothing
		}
		if !Usable(&s, now) {
			e.leases = append(e.leases, ended{now, alone(s)})
		}
	}
	for e.gone < len(e.leases) && (len(e.leases)-e.gone > e.Most || e.leases[e.gone].at+e.Keep < now) {
		e.From = e.leases[e.gone].at + 1
		e.leases[e.gone] = ended{}
		e.gone++
	}
	// Moving the others costs what forgetting as many again has brought in.
	if e.gone > len(e.leases)/2 {
		e.leases = slices.Delete(e.leases, 0, e.gone)
		e.gone = 0
	}
}

// alone is a binding with octets of its own: a view would keep the whole write that it is part of.
func alone(s binding.Stored) binding.Stored {
	own := append(append(make([]byte, 0, len(s.DUID)+len(s.Extension)), s.DUID...), s.Extension...)
	s.DUID, s.Extension, s.Before = own[:len(s.DUID):len(s.DUID)], binding.Extension(own[len(s.DUID):]), nil
	return s
}

// Since returns the leases that have ended since a time; false: it isn't known which ones all did.
func (e *Ended) Since(start binding.Time) (leases []binding.Stored, ok bool) {
	if start < e.From {
		return nil, false
	}
	for i := range e.leases[e.gone:] {
		if l := &e.leases[e.gone+i]; l.at >= start {
			leases = append(leases, l.lease)
		}
	}
	return leases, true
}

// Since yields the clients of a question that changed since its start: those whose leases ended, and those that have leases.
func (f *Finder) Since(q *Question, gone []binding.Stored) iter.Seq2[Found, error] {
	return func(yield func(Found, error) bool) {
		on := f.links(q)
		for _, s := range gone {
			if f.about(q, &s) && f.isOn(&s, on) && !f.tell(s, on, yield) {
				return
			}
		}
		f.walk(on, indexed, func(s *binding.Stored) bool {
			return f.about(q, s) && max(s.LastTransaction, s.Since) >= binding.Time(q.Start)
		}, yield)
	}
}
