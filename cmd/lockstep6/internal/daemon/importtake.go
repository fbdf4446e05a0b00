package daemon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/naming"
	"github.com/lockstep6/lockstep6/core/policy"
	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/core/worker"
	"github.com/lockstep6/lockstep6/io/admin"
	"github.com/lockstep6/lockstep6/store/exchange"
)

const (
	// importBatch is how many changes are one write, and importFlying how many writes are on their way at most.
	importBatch  = 2048
	importFlying = 4

	// importMark marks the records of this import: what the store had is of mark 0. Of a lease's entries in a file the last one stands,
	// whatever its time; against what the store had the newer one does.
	importMark binding.Mark = 1
)

// run reads all entries.
func (in *intake) run(ctx context.Context) error {
	defer in.handle.Close()
	in.done = make(chan *worker.Write, importFlying)
	var l exchange.Lease
	for {
		err := in.o.Source.Next(&l)
		if errors.Is(err, io.EOF) {
			break
		}
		if in.result.Entries++; in.result.Entries%importBatch == 0 {
			in.o.Progress(&in.result)
		}
		var fault *exchange.Fault
		switch {
		case errors.As(err, &fault):
			in.skip(fault.File, fault.Line, fault.Reason.String(), fault.Text)
			continue
		case err != nil:
			return err
		}
		if err := in.take(&l); err != nil {
			return err
		}
		if in.count >= importBatch {
			if err := in.flush(ctx); err != nil {
				return err
			}
		}
	}
	if err := in.flush(ctx); err != nil {
		return err
	}
	for in.flying > 0 {
		if err := in.wait(ctx); err != nil {
			return err
		}
	}
	in.o.Progress(&in.result)
	return in.finish(ctx)
}

// flush has the changes written, and waits while many writes are on their way.
func (in *intake) flush(ctx context.Context) error {
	if in.count == 0 || in.o.DryRun {
		in.changes, in.count = in.changes[:0], 0
		return ctx.Err()
	}
	in.store.Append(&worker.Write{Changes: in.changes, Count: in.count, Done: in.done})
	in.changes, in.count = make([]byte, 0, cap(in.changes)), 0
	in.flying++
	if in.flying < importFlying {
		return ctx.Err()
	}
	return in.wait(ctx)
}

// wait waits for one write. One that can't be written, as on a full disk, is waited for until the user breaks off.
func (in *intake) wait(ctx context.Context) error {
	select {
	case <-in.done:
		in.flying--
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (in *intake) skip(file string, line int, why, text string) {
	in.result.Skipped[why]++
	in.o.Skipped(file, line, why, text)
}

// entryText is an entry in a report.
func entryText(l *exchange.Lease) string {
	text := admin.LeaseText(l.Key)
	if len(l.DUID) > 0 {
		text += fmt.Sprintf(" of %s, IAID %d", wire.FormatDUID(l.DUID), l.IAID)
	}
	return text
}

// take takes an entry: its lease, and the end of those that its client's IA had before.
func (in *intake) take(l *exchange.Lease) error {
	in.handle.Enter()
	defer in.handle.Leave()
	old := in.handle.Find(&l.Key)
	if l.State == binding.Released && (old == nil || old.State() == binding.Released) {
		in.result.Over++
	} else if why := in.unfit(l, old); why != "" {
		in.skip(l.File, l.Line, why, entryText(l))
	} else if err := in.settleLease(l, old); err != nil {
		return err
	}
	if l.Only != nil {
		return in.only(l)
	}
	return nil
}

// unfit tells why a lease isn't for this node's configuration. What ends a lease is looked at only where that lease is known.
func (in *intake) unfit(l *exchange.Lease, old *binding.Record) (why string) {
	at := in.policy.LinkOf(l.Kind, &l.Key.Address, l.Key.Length)
	switch {
	case l.State != binding.Released && l.Expires <= in.now && (old == nil || old.Mark() != importMark):
		return SkippedExpired
	case at < 0:
		return SkippedNoLink
	}
	link := &in.policy.Links[at]
	if link.Reserved(&l.Key.Address, l.Key.Length) != nil {
		return "" // for whom is seen when the client comes
	}
	pool := in.policy.PoolOf(l.Kind, &l.Key.Address, l.Key.Length)
	switch {
	case pool == nil:
		return SkippedNoPool
	case pool.Retiring:
		return "" // the client is told the rest of it
	}
	if slot, ok := pool.Range.Slot(l.Key.Address); !ok || pool.Range.Excludes(slot) {
		return SkippedExcluded
	}
	return ""
}

// settleLease holds an entry against what stands of its lease.
func (in *intake) settleLease(l *exchange.Lease, old *binding.Record) error {
	switch {
	case l.State == binding.Released || l.Expires <= in.now:
		return in.end(l, old)
	case old == nil:
	case old.Mark() == importMark:
		in.result.Repeated++
		in.uncount(old)
	case old.Says(l.DUID, l.Kind, l.IAID) && newer(old, l):
		in.result.Same++
		return nil
	case old.Taken(in.now) && newer(old, l):
		in.skip(l.File, l.Line, SkippedNewer, entryText(l))
		return nil
	}
	draft := in.draft(l)
	if old != nil && old.Mark() != importMark && in.says(old, &draft) {
		in.result.Same++
		return nil
	}
	if err := in.publish(old, &draft); err != nil {
		return err
	}
	in.counted(&draft)
	return nil
}

// end frees a lease of which there is a record and an entry says that it is over, where its client is the one that has it.
func (in *intake) end(l *exchange.Lease, old *binding.Record) error {
	switch {
	case old.Mark() != importMark && (!old.Says(l.DUID, l.Kind, l.IAID) || newer(old, l)):
		in.result.Over++ // it was another client's, or what is here came after it
		return nil
	case old.Mark() == importMark:
		in.result.Repeated++
		in.uncount(old)
	}
	return in.release(old, l.Last)
}

func (in *intake) release(old *binding.Record, at binding.Time) error {
	draft := engine.DraftOf(old)
	at = max(min(at, in.now), old.LastTransaction())
	draft.State, draft.Expires, draft.Since, draft.LastTransaction, draft.Mark = binding.Released, at, at, at, importMark
	in.result.Ended++
	return in.publish(old, &draft)
}

// only ends what a client's IA had and isn't among its leases any more, if it wasn't heard with that since.
func (in *intake) only(l *exchange.Lease) error {
	id := &address.Identity{DUID: l.DUID, IAID: l.IAID, Kind: l.Kind}
	var room [4]*binding.Record
	for _, r := range in.handle.FindIdentity(id, room[:0]) {
		key := r.Key()
		if r.State() != binding.Bound || newer(r, l) || slices.Contains(l.Only, key) {
			continue
		}
		if r.Mark() == importMark {
			in.uncount(r)
		}
		if err := in.release(r, l.Last); err != nil {
			return err
		}
	}
	return nil
}

// newer tells whether the record says of its lease what came after the entry.
func newer(r *binding.Record, l *exchange.Lease) bool {
	heard := r.LastTransaction()
	if r.State() != binding.Bound {
		heard = max(heard, r.Since())
	}
	return heard > l.Last
}

// says tells whether the record is the one that an earlier import made of the same entry, whatever became of its place since.
func (in *intake) says(r *binding.Record, d *binding.Draft) bool {
	return r.Says(d.DUID, d.Kind, d.IAID) && r.State() == d.State && r.LastTransaction() == d.LastTransaction &&
		r.Expires() >= d.Expires && r.Owner() == d.Owner
}

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
