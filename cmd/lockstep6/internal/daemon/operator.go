package daemon

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"sync"
	"time"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/policy"
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
	s.Peers = o.peers(p)
	for _, w := range d.workers {
		s.Sent += w.Counters.Sent()
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

// peers is how many messages were meant for each other node of the cluster.
func (o *operator) peers(p *policy.Policy) map[string]admin.Peer {
	peers, view := make(map[string]admin.Peer), o.d.site.Load().View
	for i := range p.Nodes {
		if i == p.Self {
			continue
		}
		seen := admin.Peer{Messages: make(map[string]uint64)}
		for t := wire.Solicit; t <= wire.InformationRequest; t++ {
			if n := view.Messages(i, t); n > 0 {
				seen.Messages[t.String()] = n
			}
		}
		if at, ok := view.LastHeard(i); ok {
			last := time.Unix(at.Unix(), 0).UTC()
			seen.LastHeard = &last
		}
		peers[p.Nodes[i].Name] = seen
	}
	return peers
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
	now := worker.Time(o.d.clock())
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
		if f.Match(&stored, now) && !yield(admin.NewLease(&stored, now)) {
			return false
		}
	}
	return true
}

// Release implements admin.Node.
func (o *operator) Release(ctx context.Context, lease netip.Prefix) (admin.Lease, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.Ready(); err != nil {
		return admin.Lease{}, err
	}
	mark := engine.NewMark(operatorID, o.sequence+1)
	stored, change, err := o.release(binding.Key{Address: lease.Addr().As16(), Length: uint8(lease.Bits())}, mark)
	if err != nil {
		return admin.Lease{}, err
	}
	o.sequence++
	done := make(chan *worker.Write, 1)
	o.d.store.Append(&worker.Write{Changes: change, Count: 1, Done: done})
	select {
	case <-done:
		o.d.marks.Settle(mark)
		return admin.NewLease(stored, worker.Time(o.d.clock())), nil
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

// release publishes the lease as released and returns what stood there before, and the change.
func (o *operator) release(key binding.Key, mark binding.Mark) (*binding.Stored, []byte, error) {
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
		change := binding.AppendChange(nil, next)
		h.Leave()
		k, value, _, err := binding.NextChange(change)
		if err != nil {
			return nil, nil, err
		}
		stored, err := binding.DecodeValue(k, value)
		return &stored, change, err
	}
}
