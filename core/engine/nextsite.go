package engine

import (
	"reflect"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/peer"
	"github.com/lockstep6/lockstep6/core/policy"
	"github.com/lockstep6/lockstep6/core/wire"
)

// NextSite makes the site of a policy that follows another one, over a table that workers go on to use. What is counted by
// relay port goes on in the view. No record may be reclaimed until the site is in use: its lease would stay taken.
//
// What workers bind under the earlier site meanwhile may be missing. In the maps that costs a look; but a stray that is
// missing isn't in anybody's way. So it must be made twice: the second one, with the first one's policy and view, when the
// batches that were under way with the earlier one have ended. Under one policy no stray comes up.
//
// From then on bindings count for it, and no longer for the one before. So what can fail is done first, between an
// EmptySite and its MeetRunning, which are NextSite together; an EmptySite alone changes nothing.
func NextSite(p *policy.Policy, view *peer.View, h *binding.Handle, shards int) (*Site, error) {
	s, err := EmptySite(p, view)
	if err != nil {
		return nil, err
	}
	s.MeetRunning(h, shards)
	return s, nil
}

// MeetRunning has an empty site meet the records of a table that workers go on to use, as NextSite says. It can't fail.
func (s *Site) MeetRunning(h *binding.Handle, shards int) { s.meetAll(h, shards, (*Site).see) }

// Follow is the site of a policy that asks for nothing else of what s maps: it has the same pools, of which the same is
// excluded and reserved, and counts nothing by client that s doesn't. It shares the maps with s. False: there must be a NextSite.
func (s *Site) Follow(p *policy.Policy, view *peer.View) (*Site, bool) {
	if len(p.Pools) != len(s.Policy.Pools) || s.clients == nil && limitsClients(p) || !reflect.DeepEqual(reservedIn(p), reservedIn(s.Policy)) {
		return nil, false
	}
	for i, pool := range p.Pools {
		was := s.Policy.Pools[i]
		if pool.Kind != was.Kind || pool.Stripes != was.Stripes || pool.Link != was.Link || !reflect.DeepEqual(pool.Range, was.Range) ||
			(pool.Own && pool.Sequential) != (was.Own && was.Sequential) {
			return nil, false
		}
	}
	return &Site{Policy: p, View: view, free: s.free, sequence: s.sequence, book: s.book, strays: s.strays, census: s.census}, true
}

// A reservedLease is one that is kept for a client.
type reservedLease struct {
	kind  wire.Kind
	lease policy.Lease
}

func reservedIn(p *policy.Policy) map[reservedLease]bool {
	all := make(map[reservedLease]bool)
	for i := range p.Links {
		for lease, kind := range p.Links[i].ReservedLeases() {
			all[reservedLease{kind, lease}] = true
		}
	}
	return all
}
