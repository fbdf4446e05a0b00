package upkeep

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/naming"
	"github.com/lockstep6/lockstep6/core/wire"
)

// An Audit holds what zones have against the bindings. What it is told, in any order, it copies; then Differences says what
// doesn't agree. It counts as the servers' what lies in their pools, under names with a DHCID; all else was made by hand, and stays.
//
// Zones and bindings change while they are read, so a difference may be none any more. Its repair looks again.
type Audit struct {
	settings *Settings
	world    World
	now      binding.Time
	pools    func(key *binding.Key) bool
	read     []bool // by zone: its records are known
	records  []record
	leases   []lease
	untold   map[binding.Key]naming.Name // of leases: the name that their clients have in DNS, which this node doesn't know
}

// A record is one that a zone holds.
type record struct {
	zone int
	kind RRType
	name naming.Name
	data []byte
}

// A lease is what bindings say that DNS holds.
type lease struct {
	r        Record
	name     naming.Name
	duid     []byte
	kind     wire.Kind
	owner    uint8
	iaid     uint32
	since    binding.Time
	heard    binding.Time
	may      bool // its records may stand or not: that isn't certain, or isn't this lease's to tell
	conflict bool // the name is another client's
}

// A Difference is what a zone has and the bindings haven't, or the other way round.
type Difference struct {
	Kind   DifferenceKind
	Zone   int
	Name   naming.Name
	Type   RRType
	Data   []byte      // of the record that is there or missing; of ForeignName the DHCID that is there; of InTheWay nil
	Lease  binding.Key // of length 0: none
	Repair *Task       // nil: this is left as it is
}

// DifferenceKind says in what a zone differs.
type DifferenceKind uint8

// The kinds.
const (
	Missing     DifferenceKind = iota // a living binding's record
	Abandoned                         // a record of an address that no client has under this name; or a DHCID that is left over
	WrongTarget                       // a living binding's PTR, to another name
	ForeignName                       // a living binding's name has another client's DHCID
	InTheWay                          // a living binding's name has records and no DHCID
	HandMade                          // an address from a pool at a name without DHCID, or one from elsewhere at a client's name
)

var differences = [...]string{"missing", "abandoned", "wrong-target", "foreign-name", "in-the-way", "hand-made"}

// String is the kind as messages and metrics show it.
func (k DifferenceKind) String() string { return differences[k] }

// NewAudit makes an audit of nothing yet. Pools tells whether an address or a delegated prefix, or with wildcards what begins so, is one that
// the servers give to clients.
func NewAudit(w World, s *Settings, pools func(key *binding.Key) bool) *Audit {
	return &Audit{settings: s, world: w, now: w.Now(), pools: pools, read: make([]bool, len(s.Zones)), untold: map[binding.Key]naming.Name{}}
}

// Zone tells that a zone's records are given: all of them, or those of all names that bindings have.
func (a *Audit) Zone(zone int) { a.read[zone] = true }

// Record gives one record of a zone. A name that belongs to a zone below it is ignored there.
func (a *Audit) Record(zone int, name naming.Name, kind RRType, data []byte) {
	if naming.Longest(a.settings.Zones, name) == zone {
		both := append(bytes.Clone(name), data...)
		a.records = append(a.records, record{zone, kind, both[:len(name):len(name)], both[len(name):]})
	}
}

// Binding gives one binding, of whatever state and owner.
func (a *Audit) Binding(b *binding.Stored) {
	r, ok := a.settings.records(b)
	if !ok || b.Removed || b.State != binding.Bound {
		return
	}
	name := Named(b).Name()
	id := b.Identity()
	both := append(bytes.Clone(name), id.DUID...)
	a.leases = append(a.leases, lease{
		r: r, name: both[:len(name):len(name)], duid: both[len(name):], kind: b.Kind, owner: b.Owner, iaid: id.IAID,
		since: b.Since, heard: b.LastTransaction,
		// What has expired has a task of its own when it is reclaimed; of a peer's lease the end may have been missed.
		may: !a.settings.Updates || !living(b, a.now) || b.Owner != self && a.world.Missed(heard(b)),
	})
}

// doubt marks the leases of peers that their clients may have left for others: which one a client goes on with shows when it renews.
func (a *Audit) doubt() {
	sameIA := func(x, y *lease) int {
		return cmp.Or(bytes.Compare(x.duid, y.duid), int(x.kind)-int(y.kind), cmp.Compare(x.iaid, y.iaid))
	}
	slices.SortFunc(a.leases, func(x, y lease) int { return sameIA(&x, &y) })
	for start, end := 0, 0; start < len(a.leases); start = end {
		latest := a.leases[start].since
		for end = start; end < len(a.leases) && sameIA(&a.leases[start], &a.leases[end]) == 0; end++ {
			latest = max(latest, a.leases[end].since)
		}
		for i := start; i < end; i++ {
			l := &a.leases[i]
			l.may = l.may || l.owner != self && l.heard < latest
		}
	}
}

// Differences compares, and returns what differs, by zone and name. The audit is used up.
func (a *Audit) Differences() []Difference {
	a.doubt()
	slices.SortFunc(a.records, func(x, y record) int {
		return cmp.Or(x.zone-y.zone, bytes.Compare(x.name, y.name), int(x.kind)-int(y.kind))
	})
	a.learn()
	var found []Difference
	a.each(a.forwardWants(), func(zone int, name naming.Name, there []record, wants []*lease) {
		found = a.forward(found, zone, name, there, wants)
	})
	a.each(a.reverseWants(), func(zone int, name naming.Name, there []record, wants []*lease) {
		found = a.reverse(found, zone, name, there, wants)
	})
	slices.SortStableFunc(found, func(x, y Difference) int { return cmp.Or(x.Zone-y.Zone, bytes.Compare(x.Name, y.Name)) })
	return found
}

// A want is a name under which a lease has records.
type want struct {
	zone int
	name naming.Name
	of   *lease
}

// forwardWants are the names of all leases, whoever keeps their AAAA records, and of prefixes, which have none: whose a name is
// decides where PTR records point.
func (a *Audit) forwardWants() (wants []want) {
	for i := range a.leases {
		wants = a.want(wants, a.leases[i].name, &a.leases[i])
	}
	return wants
}

func (a *Audit) reverseWants() (wants []want) {
	for i := range a.leases {
		l := &a.leases[i]
		for _, name := range l.r.reverseNames() {
			wants = a.want(wants, name, l)
		}
	}
	return wants
}

// want appends a name that lies in a zone that was read.
func (a *Audit) want(wants []want, name naming.Name, l *lease) []want {
	if zone := naming.Longest(a.settings.Zones, name); zone >= 0 && a.read[zone] {
		wants = append(wants, want{zone, name, l})
	}
	return wants
}

// each goes through names, with the records that are there and the leases that have the name.
func (a *Audit) each(wants []want, visit func(zone int, name naming.Name, there []record, wants []*lease)) {
	slices.SortFunc(wants, func(x, y want) int {
		return cmp.Or(x.zone-y.zone, bytes.Compare(x.name, y.name), x.of.r.Key.Compare(&y.of.r.Key))
	})
	var leases []*lease
	for r, w := 0, 0; r < len(a.records) || w < len(wants); {
		var zone int
		var name naming.Name
		switch {
		case w == len(wants) || r < len(a.records) && cmp.Or(a.records[r].zone-wants[w].zone, bytes.Compare(a.records[r].name, wants[w].name)) < 0:
			zone, name = a.records[r].zone, a.records[r].name
		default:
			zone, name = wants[w].zone, wants[w].name
		}
		first := r
		for r < len(a.records) && a.records[r].zone == zone && bytes.Equal(a.records[r].name, name) {
			r++
		}
		for leases = leases[:0]; w < len(wants) && wants[w].zone == zone && bytes.Equal(wants[w].name, name); w++ {
			leases = append(leases, wants[w].of)
		}
		visit(zone, name, a.records[first:r], leases)
	}
}
