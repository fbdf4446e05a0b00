package daemon

import (
	"fmt"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/naming"
	"github.com/lockstep6/lockstep6/core/policy"
	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/store/exchange"
)

// draft is the binding that an entry becomes. The old server is believed: it granted the lease, so the client holds it, and no hearsay
// is as good.
func (in *intake) draft(l *exchange.Lease) binding.Draft {
	d := binding.Draft{
		Key: l.Key, Kind: l.Kind, IAID: l.IAID, DUID: l.DUID, State: l.State, Owner: in.owner, Mark: importMark,
		Preferred: l.Preferred, Valid: l.Valid, Expires: l.Expires,
		LastTransaction: min(l.Last, in.now), Since: min(l.Last, in.now), Flags: engine.FlagConfirmed,
	}
	if in.owner != 0 {
		d.Flags |= engine.FlagHeld
	}
	if l.State == binding.Declined {
		d.Flags = 0
		d.Expires = min(d.Expires, in.now.Add(in.policy.Quarantine))
		return d
	}
	d.Extension = in.named(append(in.room[:0], l.Extension...), l)
	in.room = d.Extension[:0]
	return d
}

// named appends the client's name as its binding keeps it, by the link's rules: whole, and with flags that say what the old
// server keeps in DNS. A name that isn't one, and one that the link has no domain for, is left out.
func (in *intake) named(extension []byte, l *exchange.Lease) []byte {
	at := in.policy.LinkOf(l.Kind, &l.Key.Address, l.Key.Length)
	if l.Name == "" || in.policy.Links[at].Naming == nil {
		return extension
	}
	rules := in.policy.Links[at].Naming
	name, err := naming.ParseName(l.Name)
	if err != nil {
		return extension
	}
	if labels(name) == 1 && rules.Domain != nil {
		name = append(name[:len(name)-1:len(name)-1], rules.Domain...)
	}
	if len(name) > naming.MaxName || labels(name) < 2 {
		return extension
	}
	flags := naming.FlagO | naming.FlagN // as of a client whose name nobody keeps, and that would like it
	switch {
	case l.Forward:
		flags = naming.FlagS
	case l.Reverse:
		flags = 0
	}
	return binding.AppendExtension(extension, binding.ExtFQDN, append([]byte{byte(flags)}, name...))
}

func labels(n naming.Name) (count int) {
	for range n.Labels() {
		count++
	}
	return count
}

func (in *intake) publish(old *binding.Record, draft *binding.Draft) error {
	r, outcome := in.handle.Publish(old, draft)
	if outcome != binding.Published {
		return fmt.Errorf("there is no room for more bindings (%v)\nhint: set store.capacity above the number of leases, and import again", outcome)
	}
	in.changes = engine.AppendChange(in.changes, in.history, old, r, draft)
	in.count++
	return nil
}

// counted counts what was taken, and uncount takes it back when a later entry replaces it.
func (in *intake) counted(d *binding.Draft) {
	_, named := binding.Extension(d.Extension).Find(binding.ExtFQDN)
	in.tally(&d.Key, d.Kind, d.State, named, 1)
}

func (in *intake) uncount(r *binding.Record) {
	if r.State() == binding.Released {
		in.result.Ended--
		return
	}
	key := r.Key()
	in.tally(&key, r.Kind(), r.State(), len(r.AppendPiece(nil, binding.ExtFQDN)) > 0, ^uint64(0))
}

func (in *intake) tally(key *binding.Key, kind wire.Kind, state binding.State, named bool, n uint64) {
	in.result.Taken += n
	if state == binding.Declined {
		in.result.Declined += n
	}
	if named {
		in.result.Named += n
	}
	if pool := in.policy.PoolOf(kind, &key.Address, key.Length); pool != nil && in.odd(pool, key) {
		in.result.Reserved += n
	}
}

// odd tells whether an address has a reserved interface identifier (RFC 5453).
func (in *intake) odd(pool *policy.Pool, key *binding.Key) bool {
	slot, ok := pool.Range.Slot(key.Address)
	return ok && !pool.Range.Usable(slot)
}
