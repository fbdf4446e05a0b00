package upkeep

import (
	"bytes"
	"slices"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/naming"
	"github.com/lockstep6/lockstep6/core/wire"
)

// self is this node as a binding's owner.
const self = 0

// Plan says what is to be done about a task, as of what the world knows now: one job for each name of a client, those that only remove
// first, so that a name is free before another client gets it. Neither jobs nor later: the task is done.
//
// Later: this node was away, and what its peers did meanwhile will show when clients renew. A lease that seems to have ended may be one
// that a peer goes on with, and one of this node's may be a peer's by now. The jobs, if there are some, can be done at once; after that set
// the task's Tried and ask again, every few seconds: until it isn't later any more there is nothing else to do then.
//
// Each task has its own Before. Where several wait for one lease each is planned; see Merge.
func Plan(t *Task, w World, s *Settings) (jobs []Job, later bool) {
	if t.Key.Length == 0 {
		return []Job{{Name: t.Name(), DHCID: t.DHCID, DUID: t.Before.DUID, Tidy: true}}, false
	}
	p := planner{world: w, settings: s, now: w.Now()}
	current, known := w.Lease(&t.Key)
	switch lives := known && living(&current, p.now); {
	case lives && current.Owner == self:
		p.stand(&current)
	case lives && (t.Repair || t.Before.State == binding.Superseded && sameClient(&current, &t.Before)):
		// Superseded: the client has come back to a lease that it had left for one of this node, which has removed the peer's records then.
		p.addPeers(&current)
	case !lives && known:
		p.moved(&current)
	}
	p.end(t, &current, known)
	switch {
	case p.later && t.Tried:
		return nil, true
	case p.later:
		p.jobs = slices.DeleteFunc(p.jobs, func(j Job) bool { return !j.Timid })
	}
	return Merge(p.jobs), p.later
}

type planner struct {
	world    World
	settings *Settings
	now      binding.Time
	jobs     []Job
	later    bool // something isn't certain yet
}

// living tells whether a client has the lease and goes on with it.
func living(b *binding.Stored, now binding.Time) bool {
	return !b.Removed && b.State == binding.Bound && b.Expires > now
}

// heard is when the binding's client last said something that the node knows of: what ends a binding, the client has said too.
func heard(b *binding.Stored) binding.Time { return max(b.LastTransaction, b.Since) }

// sameClient tells whether both are of one client IA.
func sameClient(a, b *binding.Stored) bool {
	one, other := a.Identity(), b.Identity()
	one.Derived, other.Derived = false, false // a task doesn't tell
	return one.Equal(&other)
}

// add lets a living binding's records stand.
func (p *planner) add(b *binding.Stored, timid bool) {
	if r, ok := p.settings.records(b); ok && p.settings.Updates {
		p.jobs = append(p.jobs, Job{Name: Named(b).Name(), DUID: owner(b), TTL: p.settings.ttl(b.Valid), Add: []Record{r}, Timid: timid})
	}
}

// addPeers lets the records of a peer's binding stand, if it lives for certain: where this node was away that shows when its client renews.
func (p *planner) addPeers(b *binding.Stored) {
	if p.world.Missed(heard(b)) {
		p.later = p.later || p.world.Listening(&b.Key, b.Kind)
		return
	}
	p.add(b, false)
}

// unsure tells whether a lease may be one that a peer goes on with, whatever it seems to be: its client was last heard then.
func (p *planner) unsure(key *binding.Key, kind wire.Kind, heard binding.Time) bool {
	return p.world.Missed(heard) && p.world.Listening(key, kind)
}

// remove lets the records that a binding had go, but for those that keep has under the same name of the same client; nil: none.
func (p *planner) remove(b *binding.Stored, dhcid []byte, repair bool, keep *binding.Stored) {
	r, ok := p.settings.records(b)
	name := Named(b).Name()
	if repair && b.Kind == wire.IAPD { // what stood when prefixes still had records
		r, ok = Record{Key: b.Key, Reverse: true}, name != nil
	}
	if ok && keep != nil && bytes.Equal(Named(keep).Name(), name) && identified(keep, name, owner(b), dhcid) {
		stays, _ := p.settings.records(keep)
		r.Forward, r.Reverse = r.Forward && !stays.Forward, r.Reverse && !stays.Reverse
	}
	if ok && (r.Forward || r.Reverse) {
		p.jobs = append(p.jobs, Job{Name: name, DUID: owner(b), DHCID: dhcid, Remove: []Record{r}})
	}
}

// identified tells whether a binding is of the client with this DUID, or where that isn't known with this DHCID.
func identified(b *binding.Stored, name naming.Name, duid, dhcid []byte) bool {
	if dhcid == nil {
		return bytes.Equal(owner(b), duid)
	}
	data := naming.DHCID(owner(b), name)
	return bytes.Equal(data[:], dhcid)
}

// stand lets the records of this node's living binding stand, and those go that its client IA has left behind, whoever granted that.
// Where this node was away and hasn't heard the client since, the lease may be another client's by now, and what seems to be left behind may be what the
// client went back to.
func (p *planner) stand(b *binding.Stored) {
	p.add(b, p.world.Missed(heard(b)))
	p.later = p.later || p.unsure(&b.Key, b.Kind, heard(b))
	for _, other := range p.world.Client(nil, b) {
		if _, ok := p.settings.records(&other); ok && other.Key != b.Key && p.left(&other, b) {
			p.later = p.later || p.unsure(&other.Key, other.Kind, max(heard(&other), heard(b)))
			p.remove(&other, nil, false, nil)
		}
	}
}

// left tells whether the client IA was last heard with a lease before it got its present one of this node. Of two that this node granted
// and that live it has both: a grant that takes another's place ends that.
func (p *planner) left(other, present *binding.Stored) bool {
	switch {
	case other.State == binding.Superseded:
		return true
	case other.Owner == self && living(other, p.now):
		return false
	}
	return other.LastTransaction < present.Since
}

// moved looks for the leases for which the client IA has left one: this node's, and where it has left this node's the peer's, whose
// records this node may have removed when it granted its own.
func (p *planner) moved(from *binding.Stored) {
	for _, other := range p.world.Client(nil, from) {
		switch {
		case other.Key == from.Key || !living(&other, p.now):
		case other.Owner == self && from.State == binding.Superseded:
			p.stand(&other)
		case other.Owner != self && from.Owner == self && from.State != binding.Declined && other.LastTransaction >= from.Since:
			p.addPeers(&other)
		}
	}
}

// end removes what stood for the lease and stands no more: for whom it was before the change, and for whom it is now where that has
// ended too.
func (p *planner) end(t *Task, current *binding.Stored, known bool) {
	lives := known && living(current, p.now)
	var keep *binding.Stored
	if lives {
		keep = current
	}
	last := t.Before.LastTransaction
	if known {
		last = heard(current)
	}
	for _, gone := range []*binding.Stored{&t.Before, current} {
		if gone.State == 0 || gone == keep {
			continue
		}
		if !t.Repair && !(lives && current.Owner == self) && !p.world.Removes(&t.Key, gone.Owner) {
			continue
		}
		before := len(p.jobs)
		if gone == current {
			p.remove(gone, nil, false, nil)
		} else {
			p.remove(gone, t.DHCID, t.Repair, keep)
		}
		if len(p.jobs) > before {
			p.later = p.later || p.unsure(&t.Key, gone.Kind, last)
		}
	}
}

// Merge makes one job of those with the same name and client, and puts those that only remove in front. What one adds no other
// removes.
func Merge(jobs []Job) []Job {
	var merged []Job
	for i := range jobs {
		j := &jobs[i]
		at := slices.IndexFunc(merged, func(m Job) bool { return m.same(j) })
		if at < 0 {
			merged = append(merged, Job{Name: j.Name, DUID: j.DUID, DHCID: j.DHCID})
			at = len(merged) - 1
		}
		m := &merged[at]
		m.Tidy, m.Timid = m.Tidy || j.Tidy, m.Timid || j.Timid
		if m.TTL == 0 || j.TTL != 0 && j.TTL < m.TTL {
			m.TTL = j.TTL
		}
		for _, r := range j.Add {
			m.Add = unite(m.Add, r)
		}
		for _, r := range j.Remove {
			m.Remove = unite(m.Remove, r)
		}
	}
	for i := range merged {
		merged[i].Remove = less(merged[i].Remove, merged[i].Add)
	}
	merged = slices.DeleteFunc(merged, func(j Job) bool { return len(j.Add)+len(j.Remove) == 0 && !j.Tidy })
	slices.SortStableFunc(merged, func(a, b Job) int { return min(len(a.Add), 1) - min(len(b.Add), 1) })
	return merged
}

// unite adds a lease's records to others.
func unite(records []Record, r Record) []Record {
	for i := range records {
		if records[i].Key == r.Key {
			records[i].Forward, records[i].Reverse = records[i].Forward || r.Forward, records[i].Reverse || r.Reverse
			return records
		}
	}
	return append(records, r)
}

// less takes what is to stand off what is to go.
func less(remove, add []Record) []Record {
	var left []Record
	for _, r := range remove {
		for _, a := range add {
			if a.Key == r.Key {
				r.Forward, r.Reverse = r.Forward && !a.Forward, r.Reverse && !a.Reverse
			}
		}
		if r.Forward || r.Reverse {
			left = append(left, r)
		}
	}
	return left
}
