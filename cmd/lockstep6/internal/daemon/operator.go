package daemon

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"sync"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/core/worker"
	"github.com/lockstep6/lockstep6/io/admin"
)

// An operator does what people ask of the running node. It implements admin.Node.
type operator struct {
	d *Daemon

	mu       sync.Mutex // one change at a time: the mark's sequence has one owner
	sequence uint64
}

func newOperator(d *Daemon) *operator { return &operator{d: d} }

// Ready implements admin.Node.
func (o *operator) Ready() error {
	if !o.d.store.Healthy() {
		return fmt.Errorf("the store can't write, so nothing is granted: %w", o.d.store.State().Err)
	}
	return nil
}

// State implements admin.Node.
func (o *operator) State() admin.State {
	d := o.d
	p := d.site.Load().Policy
	stats, stored, kernel := d.table.Stats(), d.store.State(), d.sockets.Stats()
	s := admin.State{
		Version: d.options.Version, Started: d.started, Fingerprint: hex.EncodeToString(p.Fingerprint[:]),
		Bindings: uint64(stats.Live), Capacity: uint64(stats.Capacity), Syncs: stored.Syncs, KernelDrops: kernel.Dropped,
		Answered: map[string]uint64{}, Dropped: map[string]uint64{},
	}
	if !p.Single {
		s.Node = p.Nodes[p.Self].Name
	}
	if err := o.Ready(); err != nil {
		s.NotReady = err.Error()
	}
	s.Ready = s.NotReady == ""
	for reason, n := range map[string]uint64{
		"oversize": kernel.Truncated, "unanswerable": kernel.Unanswerable, "unserved-interface": kernel.Unserved,
	} {
		if n > 0 {
			s.Dropped[reason] = n
		}
	}
	for _, w := range d.workers {
		s.Sent += w.Counters.Sent()
		s.Spared += w.Counters.Spared()
		for t := wire.Solicit; t <= wire.RelayReply; t++ {
			if n := w.Counters.Answered(t); n > 0 {
				s.Answered[t.String()] += n
			}
		}
		for reason := wire.DropNone + 1; reason < wire.DropCount; reason++ {
			if n := w.Counters.Dropped(reason); n > 0 {
				s.Dropped[reason.String()] += n
			}
		}
	}
	return s
}

// Leases implements admin.Node. Records are copied a shard at a time, so no epoch is held while a slow reader reads.
func (o *operator) Leases(f admin.Filter) iter.Seq[admin.Lease] {
	return func(yield func(admin.Lease) bool) {
		h := o.d.table.NewHandle()
		defer h.Close()
		var changes []byte
		for shard := range o.d.table.Shards() {
			changes = changes[:0]
			h.Enter()
			h.Range(shard, func(r *binding.Record) bool {
				changes = binding.AppendChange(changes, r)
				return true
			})
			h.Leave()
			if !o.yieldLeases(changes, &f, yield) {
				return
			}
		}
	}
}

func (o *operator) yieldLeases(changes []byte, f *admin.Filter, yield func(admin.Lease) bool) bool {
	now, names := worker.Time(o.d.clock()), o.d.owners.Load()
	for len(changes) > 0 {
		key, value, rest, err := binding.NextChange(changes)
		if err != nil {
			return false
		}
		changes = rest
		stored, err := binding.DecodeValue(key, value)
		if err != nil {
			return false
		}
		if f.Match(&stored, now) && !yield(admin.NewLease(&stored, names[stored.Owner], now)) {
			return false
		}
	}
	return true
}

// Release implements admin.Node.
func (o *operator) Release(ctx context.Context, lease netip.Prefix, whose admin.Whose) (admin.Lease, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.Ready(); err != nil {
		return admin.Lease{}, err
	}
	mark := engine.NewMark(operatorID, o.sequence+1)
	stored, change, err := o.release(binding.Key{Address: lease.Addr().As16(), Length: uint8(lease.Bits())}, whose, mark)
	if err != nil {
		return admin.Lease{}, err
	}
	o.sequence++
	done := make(chan *worker.Write, 1)
	o.d.store.Append(&worker.Write{Changes: change, Count: 1, Done: done})
	select {
	case write := <-done:
		o.d.marks.Settle(mark)
		o.d.feed.observe(write.Changes)
		return admin.NewLease(stored, o.d.owners.Load()[stored.Owner], worker.Time(o.d.clock())), nil
	case <-ctx.Done():
		go func() {
			<-done
			o.mu.Lock()
			defer o.mu.Unlock()
			o.d.marks.Settle(mark)
		}()
		return admin.Lease{}, errors.New("the lease is released, but that isn't durable yet: " + ctx.Err().Error())
	}
}

// release publishes the lease as released and returns what stands there now, and the change.
func (o *operator) release(key binding.Key, whose admin.Whose, mark binding.Mark) (*binding.Stored, []byte, error) {
	h := o.d.table.NewHandle()
	defer h.Close()
	now := worker.Time(o.d.clock())
	for {
		h.Enter()
		r := h.Find(&key)
		if r == nil || !r.Taken(now) {
			h.Leave()
			return nil, nil, admin.ErrNoLease
		}
		if !whose.Check(engine.Observed(r)) {
			err := &admin.OwnerError{Lease: admin.LeaseText(key), Owner: o.d.owners.Load()[r.Owner()]}
			h.Leave()
			return nil, nil, err
		}
		draft := engine.DraftOf(r)
		draft.State, draft.Mark, draft.Expires, draft.Since = binding.Released, mark, now, now
		next, outcome := h.Publish(r, &draft)
		if outcome != binding.Published {
			h.Leave()
			if outcome == binding.Full {
				return nil, nil, errors.New("the binding table is full")
			}
			continue
		}
		engine.Recount(o.d.site.Load().View, r, next)
		change := engine.AppendChange(nil, o.d.site.Load().Policy.History, r, next, &draft)
		h.Leave()
		k, value, _, err := binding.NextChange(change)
		if err != nil {
			return nil, nil, err
		}
		stored, err := binding.DecodeValue(k, value)
		return &stored, change, err
	}
}
