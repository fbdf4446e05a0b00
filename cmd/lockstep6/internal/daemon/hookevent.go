package daemon

import (
	"slices"
	"sync"
	"time"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/peer"
	"github.com/lockstep6/lockstep6/core/policy"
	"github.com/lockstep6/lockstep6/core/query"
	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/core/worker"
	"github.com/lockstep6/lockstep6/io/admin"
	"github.com/lockstep6/lockstep6/io/hook"
)

// Why a lease isn't there any more.
const (
	reasonEnded    = "ended"
	reasonReleased = "released"
	reasonDeclined = "declined"
	reasonPeer     = "peer" // it is another node's now
)

// A chooser says of which leases somebody is told, and what.
type chooser struct {
	d                   *Daemon
	addresses, prefixes bool
	observed, renewals  bool
	links               []string // by name; none: all

	mu     sync.Mutex // one look at a time: a handle belongs to one goroutine
	handle *binding.Handle
}

// Shards implements hook.Source, and events.Source.
func (r *chooser) Shards() int { return r.d.table.Shards() }

// Keys implements hook.Source, and events.Source.
func (r *chooser) Keys(shard int, into []binding.Key) []binding.Key {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.handle.Enter()
	defer r.handle.Leave()
	r.handle.Range(shard, func(record *binding.Record) bool {
		if r.kind(record.Kind()) && record.State() != binding.Released {
			into = append(into, record.Key())
		}
		return true
	})
	return into
}

// Look implements hook.Source.
func (r *chooser) Look(key *binding.Key) (hook.Event, bool) {
	e, _, ok := r.look(key)
	return e, ok
}

// look is Look, with the lease's version.
func (r *chooser) look(key *binding.Key) (e hook.Event, version uint64, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.handle.Enter()
	defer r.handle.Leave()
	record := r.handle.Find(key)
	if record == nil || !r.kind(record.Kind()) {
		return hook.Event{}, 0, false
	}
	s := binding.Copy(record)
	if !r.stands(&s, r.now()) {
		return hook.Event{}, 0, false
	}
	return r.event(&s), record.Version(), true
}

func (r *chooser) now() binding.Time { return worker.Time(r.d.clock()) }

// kind tells whether the receiver is told of leases of a kind.
func (r *chooser) kind(k wire.Kind) bool {
	return k == wire.IAPD && r.prefixes || k == wire.IANA && r.addresses
}

// stands tells whether a lease is one that the receiver is to have now.
func (r *chooser) stands(s *binding.Stored, now binding.Time) bool {
	return query.Usable(s, now) && r.concerns(s)
}

// concerns tells whether the receiver is told of a lease while it lasts.
func (r *chooser) concerns(s *binding.Stored) bool {
	if !r.kind(s.Kind) || s.Owner != peer.Self && !r.observed {
		return false
	}
	if len(r.links) == 0 {
		return true
	}
	link := linkName(r.d.site.Load().Policy, s)
	return link != "" && slices.Contains(r.links, link)
}

// linkName is the link that a lease is on; empty: none.
func linkName(p *policy.Policy, s *binding.Stored) string {
	if link := query.LinkOf(p, s); link >= 0 {
		return p.Links[link].Name
	}
	return ""
}

// take puts a write's changes before the runner. A change that can't be read was told of by the lease log.
func (r *hooked) take(changes []byte) {
	now := r.now()
	for len(changes) > 0 {
		key, value, rest, err := binding.NextChange(changes)
		if err != nil {
			return
		}
		changes = rest
		s, err := binding.DecodeValue(key, value)
		if err != nil {
			continue
		}
		before, err := binding.DecodeValue(key, s.Before)
		was := err == nil && query.Usable(&before, 0) && r.concerns(&before)
		switch kind := r.changed(&s, was, now); kind {
		case "":
		case hook.Remove:
			gone := r.event(&before)
			gone.Reason = gonePast(&s)
			r.runner.Put(s.Key, kind, &gone)
		default:
			r.runner.Put(s.Key, kind, nil)
		}
	}
}

// changed is what the receiver is told of a change; empty: nothing. Was: it was told of what stood before, which has perhaps ended since.
func (r *chooser) changed(s *binding.Stored, was bool, now binding.Time) string {
	is := !s.Removed && r.stands(s, now)
	switch {
	case !s.News && !(is && r.renewals):
		return ""
	case is && (was || !s.News):
		return hook.Change
	case is:
		return hook.Add
	case was:
		return hook.Remove
	}
	return ""
}

// gonePast is why a lease isn't there any more.
func gonePast(s *binding.Stored) string {
	switch {
	case s.Removed || s.State == binding.Superseded:
		return reasonEnded
	case s.State == binding.Released:
		return reasonReleased
	case s.State == binding.Declined:
		return reasonDeclined
	case s.Owner != peer.Self:
		return reasonPeer
	}
	return reasonEnded
}

// event is what there is to tell of a lease.
func (r *chooser) event(s *binding.Stored) hook.Event {
	site := r.d.site.Load()
	l := admin.NewLease(s, r.d.owners.Load()[s.Owner], r.now())
	e := hook.Event{
		Lease: l.Lease, Kind: l.Kind, DUID: l.DUID, IAID: admin.IAIDText(l.IAID, l.IAIDUnknown), IAIDUnknown: l.IAIDUnknown,
		PeerAddress: l.PeerAddress, LinkAddress: l.LinkAddress, Interface: heardBy(site.Policy, s), InterfaceID: l.InterfaceID, RemoteID: l.RemoteID, SubscriberID: l.SubscriberID, RelayID: l.RelayID,
		Hardware: l.HardwareAddress, Hostname: l.Name, Link: linkName(site.Policy, s), Owner: l.Owner,
	}
	if until, err := time.Parse(time.RFC3339, l.Expires); err == nil {
		e.ValidUntil = &until
	}
	return e
}

// heardBy is the interface by which a client without relay, or with lightweight ones only, was heard; empty: it has a relay, or
// that isn't known.
func heardBy(p *policy.Policy, s *binding.Stored) string {
	if v, ok := s.Extension.Find(binding.ExtInterface); ok {
		return string(v)
	}
	link := query.LinkOf(p, s)
	if v, ok := s.Extension.Find(binding.ExtLinkAddress); ok && string(v) != string(make([]byte, len(v))) || link < 0 {
		return ""
	}
	if _, ok := s.Extension.Find(binding.ExtPeerAddress); !ok || len(p.Links[link].Interfaces) != 1 {
		return ""
	}
	return p.Links[link].Interfaces[0]
}
