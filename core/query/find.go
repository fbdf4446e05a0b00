package query

import (
	"bytes"
	"iter"
	"slices"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/wire"
)

// byIdentifier finds the clients behind a relay or a port: as the index has them, then those that it hasn't got yet.
func (f *Finder) byIdentifier(by Identifier, value []byte, on []int, yield func(Found, error) bool) {
	for _, leases := range [...]iter.Seq2[binding.Key, error]{f.Index.Leases(by, value), f.Index.Recent(by, value)} {
		var last []byte        // whose leases came before
		var told []binding.Key // the leases of that client that have been told
		for key, err := range leases {
			if err != nil {
				yield(Found{}, err)
				return
			}
			s, ok := f.lease(&key, on)
			if !ok || !has(&s, by, value) {
				continue
			}
			if !bytes.Equal(s.DUID, last) {
				last, told = s.DUID, told[:0]
			}
			if slices.Contains(told, key) {
				continue
			}
			if !f.yieldAll(s, on, indexed, func(found Found, err error) bool {
				for i := range found.Client {
					told = append(told, found.Client[i].Key)
				}
				return yield(found, err)
			}) {
				return
			}
		}
	}
}

// A reach is how many of a client's other leases on the link come with one of them.
type reach uint8

const (
	sameIAID reach = iota // what the table has of its identity associations with the same IAID: no look-up on disk, which takes ten times as long as the rest
	indexed               // and what the index has of others. Whoever asks for many clients gets what it hasn't got yet by itself
	recent                // and what the index hasn't got yet
)

// yieldAll yields the client of a lease with its leases on that lease's link, within reach.
func (f *Finder) yieldAll(s binding.Stored, on []int, within reach, yield func(Found, error) bool) bool {
	var leases Client
	if within > sameIAID {
		var err error
		if leases, err = f.ofClient(s.DUID, on, within == recent); err != nil {
			return yield(Found{}, err)
		}
	}
	for _, other := range append(f.associated(&s, on), s) {
		if !leases.holds(&other.Key) {
			leases = append(leases, other)
		}
	}
	link := f.link(&s)
	found := Found{Link: f.linkAddress(&s, link)}
	for i := range leases {
		if l := &leases[i]; f.link(l) == link {
			found.Client = append(found.Client, *l)
		}
	}
	found.Client.sort()
	return yield(found, nil)
}

// associated are the usable leases of a client's IA_NA and IA_PD with the same IAID; none where that isn't known.
func (f *Finder) associated(s *binding.Stored, on []int) (out Client) {
	if anonymous(s) {
		return nil
	}
	f.Handle.Enter()
	defer f.Handle.Leave()
	var room [wire.MaxLeasesPerIA]*binding.Record
	id := s.Identity()
	for _, kind := range [...]wire.Kind{wire.IANA, wire.IAPD, wire.Registered} {
		id.Kind = kind
		for _, r := range f.Handle.FindIdentity(&id, room[:0]) {
			if !r.Live(f.Now) || !bytes.Equal(r.DUID(), s.DUID) {
				continue
			}
			if other := binding.Copy(r); f.isOn(&other, on) {
				out = append(out, other)
			}
		}
	}
	return out
}

// walk goes through the whole table. A client comes at the first of its associated leases by their order, so that it comes once
// for each IAID. With about it comes only for leases that are meant, and for each of them.
func (f *Finder) walk(on []int, within reach, about func(*binding.Stored) bool, yield func(Found, error) bool) {
	var some Client
	for shard := range f.Table.Shards() {
		if f.over() {
			return
		}
		some = f.shard(some[:0], shard, on)
		for i := range some {
			s := &some[i]
			if about != nil && !about(s) || about == nil && !f.isFirst(s, on) {
				continue
			}
			if !f.yieldAll(*s, on, within, yield) {
				return
			}
		}
	}
}

// shard appends the usable leases of a shard on the links.
func (f *Finder) shard(into Client, shard int, on []int) Client {
	f.Handle.Enter()
	defer f.Handle.Leave()
	f.Handle.Range(shard, func(r *binding.Record) bool {
		if !r.Live(f.Now) {
			return true
		}
		if s := binding.Copy(r); f.isOn(&s, on) {
			into = append(into, s)
		}
		return true
	})
	return into
}

// isFirst tells whether no other associated lease on the same link is before this one.
func (f *Finder) isFirst(s *binding.Stored, on []int) bool {
	link := f.link(s)
	for _, other := range f.associated(s, on) {
		if other.Key.Compare(&s.Key) < 0 && f.link(&other) == link {
			return false
		}
	}
	return true
}
