package query

import (
	"bytes"
	"iter"
	"slices"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/policy"
)

// Found is a client on a link.
type Found struct {
	Client Client
	Link   [16]byte // an address by which a requestor can ask for the link; zero: the link isn't known
}

// A Finder answers questions from the table of bindings. It belongs to one goroutine and one question.
type Finder struct {
	Table  *binding.Table
	Handle *binding.Handle
	Policy *policy.Policy
	Index  Index // nil: there is none, and the whole table is looked through
	Now    binding.Time
	Over   func() bool // the answer isn't wanted any more, and may be cut short; nil: it always is
}

// over tells whether nobody waits for the answer, which is worth asking where the table is gone through.
func (f *Finder) over() bool { return f.Over != nil && f.Over() }

// Find yields the clients that a question is about, each with its usable leases on one link. It holds no batch while the caller
// has the floor. Of clients that change meanwhile it tells one state or another, or both.
func (f *Finder) Find(q *Question) iter.Seq2[Found, error] {
	return func(yield func(Found, error) bool) {
		on := f.links(q)
		switch q.Type {
		case ByAddress:
			f.byAddress(q, on, yield)
			return
		case ByClientID:
			f.byClient(q, on, yield)
			return
		}
		if f.Index == nil {
			f.walk(on, indexed, func(s *binding.Stored) bool { return f.about(q, s) }, yield)
			return
		}
		switch q.Type {
		case ByRelayID:
			f.byIdentifier(RelayID, q.DUID, on, yield)
		case ByRemoteID:
			f.byIdentifier(RemoteID, q.RemoteID, on, yield)
		default:
			within := indexed
			if q.Associates() { // a node that catches up looks at leases, not at clients
				within = sameIAID
			}
			f.walk(on, within, nil, yield)
		}
	}
}

// links are those that the question is restricted to; nil: none.
func (f *Finder) links(q *Question) []int {
	if q.LinkAddress == [16]byte{} {
		return nil
	}
	return append([]int{}, f.Policy.LinksAt(&q.LinkAddress)...)
}

// lease is a usable lease on one of the links, copied.
func (f *Finder) lease(key *binding.Key, on []int) (s binding.Stored, ok bool) {
	f.Handle.Enter()
	defer f.Handle.Leave()
	r := f.Handle.Find(key)
	if r == nil || !r.Live(f.Now) {
		return s, false
	}
	s = binding.Copy(r)
	return s, f.isOn(&s, on)
}

func (f *Finder) isOn(s *binding.Stored, on []int) bool {
	return on == nil || slices.Contains(on, f.link(s))
}

func (f *Finder) link(s *binding.Stored) int { return LinkOf(f.Policy, s) }

// LinkOf is the index of the link that a lease is on. One that no pool has any more is on the link of the relay by which its client was
// heard last; -1: no link has that either.
func LinkOf(p *policy.Policy, s *binding.Stored) int {
	if link := p.LinkOf(s.Kind, &s.Key.Address, s.Key.Length); link >= 0 {
		return link
	}
	if v, ok := s.Extension.Find(binding.ExtLinkAddress); ok && len(v) == 16 {
		if links := p.LinksAt((*[16]byte)(v)); len(links) > 0 {
			return links[0]
		}
	}
	return -1
}

// byAddress finds who has the address, or the prefix that it lies in (RFC 5007, Section 4.1.2.1).
func (f *Finder) byAddress(q *Question, on []int, yield func(Found, error) bool) {
	for length := uint8(128); length > 0; length-- {
		key := binding.Key{Address: masked(q.Address, length), Length: length}
		if s, ok := f.lease(&key, on); ok {
			f.yieldAll(s, on, recent, yield)
			return
		}
	}
}

// masked is the address with the bits behind a length cleared.
func masked(a [16]byte, length uint8) [16]byte {
	whole := int(length / 8)
	if whole < len(a) {
		a[whole] &= ^(0xff >> (length % 8))
		clear(a[min(whole+1, len(a)):])
	}
	return a
}

// byClient finds a client on all its links. It must know all leases before it can tell how many links there are.
func (f *Finder) byClient(q *Question, on []int, yield func(Found, error) bool) {
	leases, err := f.ofClient(q.DUID, on, true)
	if err != nil {
		yield(Found{}, err)
		return
	}
	for _, found := range f.byLink(leases) {
		if !yield(found, nil) {
			return
		}
	}
}

// ofClient are the usable leases of a DUID on the links; those that the index hasn't got yet only where recent is set.
func (f *Finder) ofClient(duid []byte, on []int, recent bool) (leases Client, err error) {
	if f.Index == nil {
		return f.look(duid, on, recent), nil
	}
	take := func(key binding.Key) {
		if s, ok := f.lease(&key, on); ok && bytes.Equal(s.DUID, duid) && !leases.holds(&key) {
			leases = append(leases, s)
		}
	}
	for key, err := range f.Index.Leases(Duid, duid) {
		if err != nil {
			return leases, err
		}
		take(key)
	}
	if !recent {
		return leases, nil
	}
	for key, err := range f.Index.Recent(Duid, duid) {
		if err != nil {
			return leases, err
		}
		take(key)
	}
	return leases, nil
}

// look looks through the whole table for a client, where there is no index. Without recent it isn't worth that.
func (f *Finder) look(duid []byte, on []int, recent bool) (leases Client) {
	for shard := range f.Table.Shards() {
		if !recent || f.over() {
			break
		}
		for _, s := range f.shard(nil, shard, on) {
			if bytes.Equal(s.DUID, duid) {
				leases = append(leases, s)
			}
		}
	}
	return leases
}

// about tells whether a question is about a binding, its link aside.
func (f *Finder) about(q *Question, s *binding.Stored) bool {
	switch q.Type {
	case ByAddress:
		return masked(q.Address, s.Key.Length) == s.Key.Address
	case ByClientID:
		return has(s, Duid, q.DUID)
	case ByRelayID:
		return has(s, RelayID, q.DUID)
	case ByRemoteID:
		return has(s, RemoteID, q.RemoteID)
	default:
		return true
	}
}

// holds tells whether the lease is among the client's.
func (c Client) holds(key *binding.Key) bool {
	return slices.ContainsFunc(c, func(s binding.Stored) bool { return s.Key == *key })
}

// byLink divides a client's leases by their links, in the order of the first of each.
func (f *Finder) byLink(leases Client) (out []Found) {
	var links []int
	for i := range leases {
		s := &leases[i]
		link := f.link(s)
		at := slices.Index(links, link)
		if at < 0 {
			at = len(links)
			links, out = append(links, link), append(out, Found{Link: f.linkAddress(s, link)})
		}
		out[at].Client = append(out[at].Client, *s)
	}
	for i := range out {
		out[i].Client.sort()
	}
	return out
}

// sort brings the leases into the order of their addresses.
func (c Client) sort() {
	slices.SortFunc(c, func(a, b binding.Stored) int { return a.Key.Compare(&b.Key) })
}

// linkAddress is what its relay called the link, else an address on it.
func (f *Finder) linkAddress(s *binding.Stored, link int) (addr [16]byte) {
	if v, ok := s.Extension.Find(binding.ExtLinkAddress); ok && len(v) == len(addr) {
		return [16]byte(v)
	}
	if link >= 0 && len(f.Policy.Links[link].OnLink) > 0 {
		return f.Policy.Links[link].OnLink[0].Addr().As16()
	}
	return addr
}
