package daemon

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"sync"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/core/worker"
	"github.com/lockstep6/lockstep6/io/admin"
	"github.com/lockstep6/lockstep6/io/metrics"
)

// An operator does what people ask of the running node. It implements admin.Node.
type operator struct {
	d *Daemon

	mu       sync.Mutex // one change at a time: the mark's sequence has one owner
	sequence uint64

	metrics http.Handler
	past    admin.Past // of the node's rates
}

func newOperator(d *Daemon) *operator {
	o := &operator{d: d}
	o.metrics = metrics.NewHandler(o.snapshot)
	return o
}

// Ready implements admin.Node.
func (o *operator) Ready() error {
	if !o.d.store.Healthy() {
		return fmt.Errorf("the store can't write, so nothing is granted: %w", o.d.store.State().Err)
	}
	return missesPrefix(o.d.site.Load().Policy)
}

// Rates implements admin.Node.
func (o *operator) Rates(after uint64) admin.Rates { return o.past.Rates(after) }

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
	var replies worker.Latencies
	for _, w := range d.workers {
		w.Latencies(&replies)
		s.Sent += w.Counters.Sent()
		s.Spared += w.Counters.Spared()
		for t := wire.Solicit; t <= wire.RelayReply; t++ {
			if n := w.Counters.Answered(t); n > 0 {
				s.Answered[t.String()] += n
			}
		}
		if n := w.Counters.Answered(wire.AddrRegInform); n > 0 {
			s.Answered[wire.AddrRegInform.String()] += n
		}
		for reason := wire.DropNone + 1; reason < wire.DropCount; reason++ {
			if n := w.Counters.Dropped(reason); n > 0 {
				s.Dropped[reason.String()] += n
			}
		}
	}
	s.Latency, s.SyncLatency = latency(replies), latency(d.store.SyncLatencies())
	return s
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
		site := o.d.site.Load()
		next, outcome := site.Publish(h, operatorID, r, &draft)
		if outcome != binding.Published {
			h.Leave()
			if outcome == binding.Full {
				return nil, nil, errors.New("the binding table is full")
			}
			continue
		}
		engine.Recount(site.View, r, next)
		change := engine.AppendChange(nil, site.Policy.History, r, next, &draft)
		h.Leave()
		k, value, _, err := binding.NextChange(change)
		if err != nil {
			return nil, nil, err
		}
		stored, err := binding.DecodeValue(k, value)
		return &stored, change, err
	}
}
