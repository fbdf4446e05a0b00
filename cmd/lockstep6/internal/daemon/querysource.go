package daemon

import (
	"context"
	"errors"
	"iter"
	"slices"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/peer"
	"github.com/lockstep6/lockstep6/core/query"
	"github.com/lockstep6/lockstep6/core/worker"
	"github.com/lockstep6/lockstep6/io/leasequery"
	"github.com/lockstep6/lockstep6/store"
)

// ServerID implements leasequery.Source.
func (q *queries) ServerID() []byte { return q.d.site.Load().Policy.ServerID }

// Now implements leasequery.Source.
func (q *queries) Now() binding.Time { return worker.Time(q.d.clock()) }

// OnLink implements leasequery.Source.
func (q *queries) OnLink(address [16]byte) bool {
	return len(q.d.site.Load().Policy.LinksAt(&address)) > 0
}

// Granter implements leasequery.Source.
func (q *queries) Granter(owner uint8) []byte {
	site := q.d.site.Load()
	if owner == peer.Self {
		return site.Policy.ServerID
	}
	if node, ok := site.View.Node(owner); ok {
		return site.Policy.Nodes[node].ServerID
	}
	return nil
}

// Whole implements leasequery.Source.
func (q *queries) Whole(question *query.Question) bool {
	site, now := q.d.site.Load(), q.Now()
	if site.Policy.Single {
		return true
	}
	for link := range site.Policy.Links {
		about := question.LinkAddress == [16]byte{} || slices.Contains(site.Policy.LinksAt(&question.LinkAddress), link)
		if about && !site.View.Gate.Open(link, now) {
			return false
		}
	}
	// One that began with an empty store seems to be whole until its peers tell it of a history.
	return !q.d.asking.Load()
}

// finder makes a finder for one question. Close ends its use.
func (q *queries) finder() (f *query.Finder, closing func(), err error) {
	f = &query.Finder{Table: q.d.table, Policy: q.d.site.Load().Policy, Now: q.Now()}
	var view *store.IndexView
	if q.d.store.IndexWhole() {
		if view, err = q.d.store.ViewIndex(); err != nil {
			return nil, nil, errors.Join(errNoStore, err)
		}
		f.Index = index{view}
	}
	f.Handle = q.d.table.NewHandle()
	return f, func() {
		f.Handle.Close()
		if view != nil {
			_ = view.Close() // it was only read
		}
	}, nil
}

// Find implements leasequery.Source.
func (q *queries) Find(ctx context.Context, question *query.Question) iter.Seq2[query.Found, error] {
	return q.with(ctx, func(f *query.Finder) iter.Seq2[query.Found, error] { return f.Find(question) })
}

// Since implements leasequery.Source.
func (q *queries) Since(ctx context.Context, question *query.Question) iter.Seq2[query.Found, error] {
	q.mu.Lock()
	gone, ok := q.ended.Since(binding.Time(question.Start))
	q.mu.Unlock()
	if !ok {
		return func(yield func(query.Found, error) bool) { yield(query.Found{}, leasequery.ErrMissing) }
	}
	return q.with(ctx, func(f *query.Finder) iter.Seq2[query.Found, error] { return f.Since(question, gone) })
}

// with yields what a finder finds, until the context ends.
func (q *queries) with(ctx context.Context, find func(*query.Finder) iter.Seq2[query.Found, error]) iter.Seq2[query.Found, error] {
	return func(yield func(query.Found, error) bool) {
		f, closing, err := q.finder()
		if err != nil {
			yield(query.Found{}, err)
			return
		}
		defer closing()
		f.Over = func() bool { return ctx.Err() != nil }
		for found, err := range find(f) {
			if ctx.Err() != nil || !yield(found, err) || err != nil {
				return
			}
		}
	}
}

// Watch implements leasequery.Source.
func (q *queries) Watch(ctx context.Context, question *query.Question) iter.Seq2[query.Found, error] {
	w := q.d.feed.follow()
	return func(yield func(query.Found, error) bool) {
		defer q.d.feed.leave(w)
		h := q.d.table.NewHandle()
		defer h.Close()
		for {
			select {
			case <-ctx.Done():
				return
			case changes, ok := <-w.changes:
				if !ok {
					yield(query.Found{}, leasequery.ErrSlow)
					return
				}
				w.took(changes)
				f := query.Finder{Table: q.d.table, Handle: h, Policy: q.d.site.Load().Policy, Now: q.Now()}
				for found, err := range f.Follow(question, changes) {
					if !yield(found, err) || err != nil {
						return
					}
				}
			}
		}
	}
}

// index is the store's index as core/query asks it.
type index struct{ *store.IndexView }

// Leases implements query.Index.
func (x index) Leases(by query.Identifier, value []byte) iter.Seq2[binding.Key, error] {
	return x.IndexView.Leases(uint8(by), value)
}

// Recent implements query.Index.
func (x index) Recent(by query.Identifier, value []byte) iter.Seq2[binding.Key, error] {
	return x.IndexView.Recent(uint8(by), value)
}
