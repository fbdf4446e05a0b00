package daemon

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/history"
	"github.com/lockstep6/lockstep6/core/peer"
	"github.com/lockstep6/lockstep6/core/worker"
	"github.com/lockstep6/lockstep6/io/admin"
	"github.com/lockstep6/lockstep6/store"
)

// A historyStore is a store, running or stopped, as far as history goes.
type historyStore interface {
	HistoryState() store.HistoryState
	History(ctx context.Context, key []byte, f func(key []byte, entries []store.HistoryEntry, present []byte) error) error
}

// errLeft ends a lookup whose reader wants no more.
var errLeft = errors.New("nobody reads on")

// lookUp answers a query from a store. Names are those of the store's owners, of which number 0 is this node.
func lookUp(ctx context.Context, s historyStore, q admin.HistoryQuery, names *Owners, now binding.Time) (admin.HistoryState, iter.Seq2[admin.Period, error], error) {
	h := s.HistoryState()
	if !h.Kept {
		return admin.HistoryState{}, nil, admin.ErrNoHistory
	}
	var about []byte
	if q.Lease.IsValid() {
		about = binding.AppendKey(nil, &binding.Key{Address: q.Lease.Masked().Addr().As16(), Length: uint8(q.Lease.Bits())})
	}
	return admin.HistoryState{On: h.On, Since: h.Since}, func(yield func(admin.Period, error) bool) {
		err := s.History(ctx, about, func(key []byte, entries []store.HistoryEntry, present []byte) error {
			list := make([]history.Entry, len(entries))
			for i := range entries {
				list[i] = history.Entry(entries[i])
			}
			periods, err := history.Periods(key, list, present, now)
			if err != nil {
				return err
			}
			for i := range periods {
				if p := &periods[i]; q.Match(p) && !yield(admin.NewPeriod(p, names[p.Owner]), nil) {
					return errLeft
				}
			}
			return nil
		})
		if err != nil && !errors.Is(err, errLeft) {
			yield(admin.Period{}, err)
		}
	}, nil
}

// History implements admin.Node.
func (o *operator) History(ctx context.Context, q admin.HistoryQuery) (admin.HistoryState, iter.Seq2[admin.Period, error], error) {
	names := *o.d.owners.Load()
	if p := o.d.site.Load().Policy; !p.Single {
		names[peer.Self] = p.Nodes[p.Self].Name
	}
	return lookUp(ctx, o.d.store, q, &names, worker.Time(o.d.clock()))
}

// StoredHistory answers a query from a stopped node's store.
func StoredHistory(ctx context.Context, r *store.Reader, q admin.HistoryQuery, names *Owners) (admin.HistoryState, iter.Seq2[admin.Period, error], error) {
	return lookUp(ctx, r, q, names, worker.Time(time.Now().UnixNano()))
}
