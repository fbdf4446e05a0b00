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
	if l.Last > in.now.Add(importAhead) { // it would be believed until then, whatever clients do meanwhile
		in.skip(l.File, l.Line, SkippedFuture, entryText(l)+"; by the entry its client was heard at "+timeText(l.Last))
		return nil
	}
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
