package upkeep

import (
	"bytes"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/naming"
	"github.com/lockstep6/lockstep6/core/wire"
)

// A World is what a node knows, asked when a task is done. Bindings that it returns are the caller's.
type World interface {
	Now() binding.Time
	// Lease is the lease's binding of whatever state and age; not ok: there is none.
	Lease(key *binding.Key) (binding.Stored, bool)
	// Client appends all bindings of a binding's client IA, of whatever state and age, that one too.
	Client(dst []binding.Stored, of *binding.Stored) []binding.Stored
	// Removes tells whether this node is the one that removes the records of a lease whose last binding had this owner: the owner
	// itself, and where that peer is silent, or it isn't known who that is, the one that a rendezvous over the lease picks among those
	// that live.
	Removes(key *binding.Key, owner uint8) bool
	// Missed tells whether the node was away at some time after heard, so that it may have missed what the client said then. A node without
	// peers has missed nothing: nobody else answered.
	Missed(heard binding.Time) bool
	// Listening tells whether the clients of the lease's link that live can't all have renewed yet since the node came back: what it has
	// missed will still show.
	Listening(key *binding.Key, kind wire.Kind) bool
}

// Settings are what the configuration says of all records. They are immutable.
type Settings struct {
	Updates  bool          // false: nothing is added any more; what ends is removed all the same
	Zones    []naming.Name // that take updates, numbered as in Update.Zone
	TakeOver bool          // a name that another client has becomes this one's. Else it stays the other's (RFC 4703, Section 5.3.3)
	Prefixes bool          // a delegated prefix has wildcard PTR records
	TTL      uint32        // seconds; 0: a third of the valid lifetime
}

// A Job is one name of one client, and what DNS shall and shall not hold of it.
type Job struct {
	Name   naming.Name
	DUID   []byte   // or what the client is known by in its place
	DHCID  []byte   // the data of the client's DHCID record where nobody knows the DUID, as an audit doesn't; else nil
	TTL    uint32   // seconds
	Add    []Record // leases whose records are to stand
	Remove []Record // leases whose records are to go
	Timid  bool     // an address that has a PTR record keeps it, for the lease may be another client's by now
	Tidy   bool     // the name is to go if it has nothing but its DHCID, though there is no lease to remove
}

// A Record is what DNS holds of one lease under the job's name.
type Record struct {
	Key     binding.Key
	Forward bool // AAAA, of an address
	Reverse bool // PTR: the address' own, or of a delegated prefix the wildcards
}

// Touches are the names in DNS that the job's updates read or change: its own, and those of its leases' PTR records. Jobs that have one in
// common must not run at the same time, and the later planned one runs last. That keeps what happens to a name in order, and
// what happens to a lease. Whoever has to wait for a name plans again when it is free.
func (j *Job) Touches() []string {
	touched := []string{string(j.Name)}
	for _, records := range [][]Record{j.Remove, j.Add} {
		for i := range records {
			for _, name := range records[i].reverseNames() {
				touched = append(touched, string(name))
			}
		}
	}
	return touched
}

// identity is the data of the DHCID record that the name has where it is this client's.
func (j *Job) identity() []byte {
	if j.DHCID != nil {
		return j.DHCID
	}
	data := naming.DHCID(j.DUID, j.Name)
	return data[:]
}

func (j *Job) same(other *Job) bool {
	return bytes.Equal(j.Name, other.Name) && bytes.Equal(j.DUID, other.DUID) && bytes.Equal(j.DHCID, other.DHCID)
}

// reverseNames are the names of the lease's PTR records.
func (r *Record) reverseNames() []naming.Name {
	switch {
	case !r.Reverse:
		return nil
	case r.Key.Length == 128:
		return []naming.Name{naming.AppendReverse(nil, &r.Key.Address)}
	}
	return naming.Wildcards(r.Key.Address, r.Key.Length)
}

// Bounds of TTLs in seconds, where none is configured: RFC 4704, Section 7, and the week of RFC 8767, Section 4, for a lease that never ends.
const (
	minTTL = 600
	maxTTL = 7 * 86400
)

// ttl is that of a lease's records (RFC 4704, Section 7).
func (s *Settings) ttl(valid uint32) uint32 {
	if s.TTL != 0 {
		return s.TTL
	}
	return min(max(valid/3, minTTL), maxTTL)
}

// records tells what DNS holds of a binding while it stands. Not ok: nothing, for it has no name, or its client wants none in DNS.
func (s *Settings) records(b *binding.Stored) (r Record, ok bool) {
	kept := Named(b)
	if kept.Flags()&naming.FlagN != 0 || kept.Name() == nil {
		return Record{}, false
	}
	address := b.Kind != wire.IAPD
	r = Record{Key: b.Key, Forward: address && kept.Flags()&naming.FlagS != 0, Reverse: address || s.Prefixes}
	return r, r.Forward || r.Reverse
}
