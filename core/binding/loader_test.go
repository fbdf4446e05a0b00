package binding

import (
	"errors"
	"fmt"
	"sync"
	"testing"
)

// TestLoader loads leases in several versions, and removals, from several loaders: of each lease the highest version
// stands, whatever share of a batch is left for Close.
func TestLoader(t *testing.T) {
	for _, leases := range []uint64{1, loaderBatch - 1, loaderBatch, 10*loaderBatch + 7} {
		t.Run(fmt.Sprint(leases), func(t *testing.T) {
			const versions = 3
			table := newTable(t, Options{Capacity: int(leases), Seed: 1})
			var loading sync.WaitGroup
			for version := range uint64(versions) {
				l := table.NewLoader()
				loading.Go(func() {
					for n := range leases {
						d := numberedDraft(n)
						d.LastTransaction = Time(n)
						d.Extension = AppendExtension(nil, ExtFQDN, []byte{byte(version)})
						s := expected(&d, 1+(version+n)%versions)
						key, value := AppendKey(nil, &s.Key), appendStored(nil, &s)
						if err := l.Load(key, value); err != nil {
							t.Error(err)
						}
						clear(key) // they are the caller's again
						clear(value)
					}
					if err := l.Close(); err != nil {
						t.Error(err)
					}
					if got := l.Newest(); got != Time(leases-1) {
						t.Errorf("newest: want %d, got %d", leases-1, got)
					}
				})
			}
			loading.Wait()
			audit(t, table)
			h := table.NewHandle()
			defer h.Close()
			h.Enter()
			for n := range leases {
				key := numberedKey(n)
				if r := h.Find(&key); r == nil || r.Version() != versions {
					t.Errorf("lease %d: want version %d, got %+v", n, versions, r)
				}
			}
		})
	}
}

// TestLoaderRemovals: a removal that comes in the same batch as its lease takes it away.
func TestLoaderRemovals(t *testing.T) {
	table := newTable(t, Options{Capacity: 10})
	l := table.NewLoader()
	d := numberedDraft(1)
	s := expected(&d, 4)
	_, removal, _, err := NextChange(AppendRemoval(nil, &s.Key, 5))
	if err != nil {
		t.Fatal(err)
	}
	for _, value := range [][]byte{appendStored(nil, &s), removal} {
		if err := l.Load(AppendKey(nil, &s.Key), value); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if live := table.Stats().Live; live != 0 {
		t.Errorf("%d leases, want none", live)
	}
}

// TestLoaderErrors: what can't be loaded is told, by the call that comes to it, and what came before it is loaded.
func TestLoaderErrors(t *testing.T) {
	table := newTable(t, Options{Capacity: 2})
	l := table.NewLoader()
	load := func(n uint64, value []byte) {
		t.Helper()
		d := numberedDraft(n)
		s := expected(&d, 1)
		if value == nil {
			value = appendStored(nil, &s)
		}
		if err := l.Load(AppendKey(nil, &s.Key), value); err != nil {
			t.Fatal(err)
		}
	}
	load(1, nil)
	load(2, []byte{valueFormat + 1})
	load(3, nil)
	if err := l.Close(); !errors.Is(err, ErrFormat) {
		t.Errorf("want %v, got %v", ErrFormat, err)
	}
	if live := table.Stats().Live; live != 1 {
		t.Errorf("%d leases, want 1", live)
	}
	l = table.NewLoader()
	load(3, nil)
	load(4, nil)
	if err := l.Close(); !errors.Is(err, ErrFull) {
		t.Errorf("want %v, got %v", ErrFull, err)
	}
}
