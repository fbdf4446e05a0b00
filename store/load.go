package store

import (
	"bytes"
	"context"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// progressEvery is how many values lie between two calls of Load's progress.
const progressEvery = 1 << 16

// Load streams all values to f, from parallel goroutines (0: GOMAXPROCS), each with its own number from 0 on. Key
// and value are valid during the call only. Each key comes once, in its highest version, removals too: the
// table must give a lease that returns a version above its removal's. The order is that of addresses
// within pieces of some 100 000, which are dealt out. Progress, if not nil, is called now and then, never
// twice at once; total is an estimate until the last call. It ends with f's first error, ctx's, or the disk's.
//
// It belongs at the start, before the first Append. Only afterwards are old removals deleted. The log is in memory meanwhile.
func (s *Store) Load(ctx context.Context, parallel int,
	f func(worker int, key, value []byte) error, progress func(done, total uint64)) error {
	in, done, err := s.use()
	if err != nil {
		return err
	}
	defer done()
	if err := s.shortenLog(in); err != nil {
		return explain(s.o.Path, err)
	}
	l := &loading{s: s, in: in, f: f, progress: progress, whole: whole{db: in.db}}
	if l.whole.log, _, err = readLog(in.db, s.o.Codec.quiet(), 0, math.MaxUint64, 0); err == nil {
		err = l.run(ctx, parallel)
	}
	if err != nil {
		return explain(s.o.Path, err)
	}
	s.mu.Lock()
	s.logged = len(l.whole.log.octets)
	s.mu.Unlock()
	s.values.Store(l.done.Load())
	s.removals.Add(l.removals.Load())
	s.stampsFrom(time.Unix(int64(l.stamp)+1, 0))
	s.loaded.Store(true)
	if progress != nil {
		progress(l.done.Load(), l.done.Load())
	}
	return nil
}

// shortenLog absorbs what of the log is longer than usual, so that the rest fits into memory. A damaged store's log stays
// as it is.
func (s *Store) shortenLog(in *instance) error {
	if in.readOnly || s.damaged.Load() {
		return nil
	}
	return in.run(func() error { return s.absorb(in, 2*s.o.absorb) })
}

// A loading is one Load.
type loading struct {
	s        *Store
	in       *instance
	whole    whole
	f        func(worker int, key, value []byte) error
	progress func(done, total uint64)

	done     atomic.Uint64 // values read by all
	removals atomic.Uint64 // among them
	total    uint64        // estimate

	mu    sync.Mutex // one progress call at a time; guards what follows
	err   error
	stamp uint32 // the highest of a removal
}

// A piece is a range of keys, from inclusive, to exclusive.
type piece struct{ from, to []byte }

func (l *loading) run(ctx context.Context, parallel int) error {
	pieces, err := l.split()
	if err != nil {
		return err
	}
	if parallel <= 0 {
		parallel = runtime.GOMAXPROCS(0)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	todo := make(chan piece, len(pieces))
	for _, p := range pieces {
		todo <- p
	}
	close(todo)
	var wg sync.WaitGroup
	for worker := range min(parallel, len(pieces)) {
		wg.Go(func() {
			for p := range todo {
				if err := l.piece(ctx, worker, p); err != nil {
					l.fail(err)
					cancel()
					return
				}
			}
		})
	}
	wg.Wait()
	return l.err
}

func (l *loading) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		l.err = err
	}
}

// split cuts the bindings at the bounds of tables, and where the log has many, so that pieces are of like size wherever the
// pools lie. Where tables of several levels overlap, there are more and smaller pieces.
func (l *loading) split() ([]piece, error) {
	levels, err := l.in.db.SSTables(pebble.WithProperties())
	if err != nil {
		return nil, err
	}
	var cuts [][]byte
	for _, level := range levels {
		for _, table := range level {
			l.total += table.Properties.NumEntries
			if key := table.Smallest.UserKey; bytes.Compare(key, bindingsFrom) > 0 && bytes.Compare(key, bindingsTo) < 0 {
				cuts = append(cuts, key)
			}
		}
	}
	l.total += uint64(len(l.whole.log.changes))
	for i := progressEvery; i < len(l.whole.log.changes); i += progressEvery {
		key := make([]byte, KeySize)
		l.whole.log.key(key, i)
		cuts = append(cuts, bindingKey(key))
	}
	slices.SortFunc(cuts, bytes.Compare)
	cuts = slices.CompactFunc(cuts, bytes.Equal)
	pieces := make([]piece, 0, len(cuts)+1)
	from := bindingsFrom
	for _, cut := range cuts {
		pieces = append(pieces, piece{from, cut})
		from = cut
	}
	return append(pieces, piece{from, bindingsTo}), nil
}

// piece streams one piece. Counts are added up now and then, so that goroutines don't meet at each value.
func (l *loading) piece(ctx context.Context, worker int, p piece) error {
	var read, removals uint64
	var newest uint32
	err := l.whole.scan(p.from, p.to, func(k *kept) error {
		if read++; read%progressEvery == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
			l.report(progressEvery)
		}
		if k.removed {
			removals++
			newest = max(newest, k.stamp)
		}
		return l.f(worker, k.key, k.value)
	})
	l.report(read % progressEvery)
	l.removals.Add(removals)
	l.mu.Lock()
	l.stamp = max(l.stamp, newest)
	l.mu.Unlock()
	if err == nil {
		err = ctx.Err()
	}
	return err
}

func (l *loading) report(n uint64) {
	done := l.done.Add(n)
	if l.progress == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.progress(done, max(done, l.total))
}

// scan calls f for all keys from inclusive to exclusive. Key and value are valid during the call only.
func scan(db pebble.Reader, from, to []byte, f func(key, value []byte) error) (err error) {
	it, err := db.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: to})
	if err != nil {
		return err
	}
	defer func() {
		if closed := it.Close(); err == nil {
			err = closed
		}
	}()
	for ok := it.First(); ok; ok = it.Next() {
		value, err := it.ValueAndErr()
		if err != nil {
			return err
		}
		if err := f(it.Key(), value); err != nil {
			return err
		}
	}
	return it.Error()
}
