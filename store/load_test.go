package store

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/lockstep6/lockstep6/core/worker"
)

// load runs Load for its effect on the store.
func load(t testing.TB, s *Store) {
	t.Helper()
	if err := s.Load(context.Background(), 1, func(int, []byte, []byte) error { return nil }, nil); err != nil {
		t.Fatal(err)
	}
}

// fill puts bindings 0 to n-1 into a store, each with its number plus one as version.
func fill(t testing.TB, s *Store, n uint64) {
	t.Helper()
	const each = 1000
	done := make(chan *worker.Write, 64)
	flying := 0
	for from := uint64(0); from < n; from += each {
		var batch []byte
		for i := from; i < min(from+each, n); i++ {
			batch = change(batch, i, i+1)
		}
		if flying == cap(done) {
			<-done
			flying--
		}
		s.Append(&worker.Write{Changes: batch, Count: each, Done: done})
		flying++
	}
	for range flying {
		<-done
	}
}

func TestLoadStreamsEachBindingOnce(t *testing.T) {
	const bindings = 70_000
	const values = bindings + 1 // one is a removal
	fs := vfs.NewMem()
	for _, parallel := range []int{1, 3} {
		t.Run(fmt.Sprint(parallel), func(t *testing.T) {
			s := open(t, Options{FS: fs})
			if parallel == 1 {
				fill(t, s, bindings)
				commit(t, s, removal(nil, 7, bindings+100))
				compact(t, s)
			}
			// Some stay in the memtable, over those in tables.
			commit(t, s, change(change(nil, 5, bindings+50), bindings+5, 1))
			var mu sync.Mutex
			got := map[string]uint64{}
			var last, total uint64
			err := s.Load(t.Context(), parallel, func(worker int, key, value []byte) error {
				if worker < 0 || worker >= parallel {
					return fmt.Errorf("worker %d of %d", worker, parallel)
				}
				version, _, err := testVersion(value)
				mu.Lock()
				defer mu.Unlock()
				if _, twice := got[string(key)]; twice {
					return fmt.Errorf("key %x came twice", key)
				}
				got[string(key)] = version
				return err
			}, func(done, all uint64) {
				if done > all {
					t.Errorf("progress %d of %d", done, all)
				}
				last, total = done, all
			})
			if err != nil {
				t.Fatal(err)
			}
			if len(got) != values || last != values || total != values {
				t.Errorf("%d values, progress %d of %d; want %d", len(got), last, total, values)
			}
			if got[string(testKey(5))] != bindings+50 || got[string(testKey(8))] != 9 {
				t.Error("wrong versions")
			}
			if got[string(testKey(7))] != bindings+100 {
				t.Error("the removal didn't come, or in a wrong version")
			}
			if s.removals.Load() < 1 || s.values.Load() != values {
				t.Errorf("%d removals counted among %d values", s.removals.Load(), s.values.Load())
			}
		})
	}
}

func TestLoadCutsAtTables(t *testing.T) {
	s := open(t, Options{absorb: absorbSize})
	fill(t, s, 200_000)
	log, _, err := readLog(s.in.db, s.o.Codec, 0, math.MaxUint64, 0)
	if err != nil || len(log.changes) != 200_000 {
		t.Fatalf("%d changes in the log, %v", len(log.changes), err)
	}
	pieces, err := (&loading{s: s, in: s.in, whole: whole{s.in.db, log}}).split()
	if err != nil || len(pieces) != 4 {
		t.Errorf("%d pieces of a log of 200000 changes, %v; want 4", len(pieces), err)
	}
	compact(t, s)
	pieces, err = (&loading{s: s, in: s.in, whole: whole{s.in.db, &run{}}}).split()
	if err != nil || len(pieces) < 2 {
		t.Errorf("%d pieces, %v; want several", len(pieces), err)
	}
}

func TestLoadEndsWithFirstError(t *testing.T) {
	s := open(t, Options{})
	fill(t, s, 1000)
	stop := errors.New("table full")
	if err := s.Load(t.Context(), 2, func(int, []byte, []byte) error { return stop }, nil); !errors.Is(err, stop) {
		t.Errorf("got %v, want f's error", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	err := s.Load(ctx, 2, func(int, []byte, []byte) error { cancel(); return nil }, nil)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's error", err)
	}
	if s.loaded.Load() {
		t.Error("a Load that failed counts")
	}
}

func TestLoadOfAnEmptyStore(t *testing.T) {
	s := open(t, Options{})
	calls := 0
	err := s.Load(t.Context(), 0, func(int, []byte, []byte) error { return errors.New("a binding") },
		func(done, total uint64) {
			if done != 0 || total > 1 { // the format's number may be in a table
				t.Errorf("progress %d of %d", done, total)
			}
			calls++
		})
	if err != nil || calls == 0 {
		t.Errorf("%d progress calls, %v", calls, err)
	}
}
