package daemon

import (
	"bytes"
	"context"
	"iter"
	"runtime"
	"slices"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/core/worker"
	"github.com/lockstep6/lockstep6/io/admin"
)

// A listing is one walk of an operator through the leases.
type listing struct {
	d      *Daemon
	handle *binding.Handle
	filter *admin.Filter
	after  admin.Position
	places admin.Places

	changes []byte // copies of the records of one shard
	sorted  []copied
}

// A copied is a copy of one record, as the journal would have it.
type copied struct{ key, value []byte }

// Leases implements admin.Node. Records are copied a shard at a time, so no epoch is held while a slow reader reads.
func (o *operator) Leases(ctx context.Context, f admin.Filter, after admin.Position) iter.Seq2[admin.Position, admin.Lease] {
	return func(yield func(admin.Position, admin.Lease) bool) {
		l := listing{d: o.d, handle: o.d.table.NewHandle(), filter: &f, after: after, places: o.d.places()}
		defer l.handle.Close()
		if l.indexed() {
			l.yield(0, yield)
			return
		}
		for shard := after.Shard; shard < o.d.table.Shards() && ctx.Err() == nil; shard++ {
			l.changes = l.changes[:0]
			l.handle.Enter()
			l.handle.Range(shard, l.copy)
			l.handle.Leave()
			if !l.yield(shard, yield) {
				return
			}
			runtime.Gosched() // whoever has packets goes first
		}
	}
}

func (l *listing) copy(r *binding.Record) bool {
	l.changes = binding.AppendChange(l.changes, r)
	return true
}

// indexed copies what the table's indexes find: a lease by its key, or a client's by DUID and IAID. False: the filter has
// neither, and all records must be looked at. There is no index by the DUID alone.
func (l *listing) indexed() bool {
	byKey, byClient := l.filter.Lease.IsValid(), l.filter.DUID != "" && l.filter.IAID != nil
	if !byKey && !byClient {
		return false
	}
	l.handle.Enter()
	defer l.handle.Leave()
	if !byKey && l.handle.HasDerived() {
		return false // the index knows clients by something else than their DUIDs
	}
	if byKey {
		key := binding.Key{Address: l.filter.Lease.Addr().As16(), Length: uint8(l.filter.Lease.Bits())}
		if r := l.handle.Find(&key); r != nil {
			l.copy(r)
		}
		return true
	}
	duid, err := admin.ParseDUID(l.filter.DUID)
	if err != nil {
		return true // nobody has it
	}
	var found []*binding.Record
	for _, kind := range []wire.Kind{wire.IANA, wire.IAPD, wire.Registered} {
		found = l.handle.FindClient(duid, kind, *l.filter.IAID, found[:0])
		for _, r := range found {
			l.copy(r)
		}
	}
	return true
}

// yield passes on what was copied, in the order of the keys.
func (l *listing) yield(shard int, yield func(admin.Position, admin.Lease) bool) bool {
	l.sorted = l.sorted[:0]
	for rest := l.changes; len(rest) > 0; {
		var c copied
		var err error
		if c.key, c.value, rest, err = binding.NextChange(rest); err != nil {
			return false
		}
		l.sorted = append(l.sorted, c)
	}
	slices.SortFunc(l.sorted, func(a, b copied) int { return bytes.Compare(a.key, b.key) })
	now, names := worker.Time(l.d.clock()), l.d.owners.Load()
	for _, c := range l.sorted {
		stored, err := binding.DecodeValue(c.key, c.value)
		if err != nil {
			return false
		}
		if !l.after.Precedes(shard, &stored.Key) || !l.filter.Match(&stored, now, l.places) {
			continue
		}
		if !yield(admin.Position{Shard: shard, Key: stored.Key}, admin.NewLease(&stored, names[stored.Owner], now)) {
			return false
		}
	}
	return true
}

// places tells of which link and pool a lease is, by the policy in force.
func (d *Daemon) places() admin.Places { return Places(d.site.Load().Policy) }
