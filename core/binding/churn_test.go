package binding

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
)

// TestChurn cycles many times the capacity through a table, from several goroutines: leases come, are renewed with
// and without a new extension, change hands and go. At the end all slots are accounted for, and the
// memory that was ever used is bounded.
func TestChurn(t *testing.T) {
	const workers, capacity, rounds = 4, 512, 30000
	table := newTable(t, Options{Capacity: capacity, Reserve: 3000, ExtensionBytes: 1 << 20, Seed: 5})
	bound := table.Stats().RecordCapacity
	var full atomic.Int64
	var wg sync.WaitGroup
	for range workers {
		h, rng := table.NewHandle(), seeded(t)
		wg.Go(func() {
			defer h.Close()
			for round := range rounds {
				if round%8 == 0 {
					h.Enter()
				}
				d := numberedDraft(rng.Uint64N(2 * capacity))
				d.DUID = numberedDUID(rng.Uint64N(capacity))
				d.Extension = AppendExtension(nil, ExtInterfaceID, make([]byte, rng.IntN(4)*30))
				old := h.Find(&d.Key)
				if old != nil && rng.IntN(3) == 0 {
					h.Remove(old)
				} else if _, outcome := h.Publish(old, &d); outcome == Full {
					full.Add(1)
				} else if outcome == Invalid {
					t.Error("invalid")
				}
			}
			h.Leave()
		})
	}
	wg.Wait()
	audit(t, table)
	if got := table.Stats(); got.Records > bound || got.Live > capacity {
		t.Errorf("want at most %d records and %d live, got %+v", bound, capacity, got)
	}
	if full.Load() == 0 {
		t.Error("the table never was full: the test is too mild")
	}
	emptied(t, table)
}

// emptied sweeps everything out and expects all slots back.
func emptied(t *testing.T, table *Table) {
	t.Helper()
	h := table.NewHandle()
	removed := 0
	for laps := uint64(0); laps < 2; {
		h.Enter()
		laps = h.Sweep(Never, 100, func(*Record) bool { return true }, func(*Record) { removed++ })
	}
	for range 3 { // each Enter may end an epoch
		h.Enter()
	}
	h.Close()
	for range 2 { // and so may whoever comes or goes
		table.NewHandle().Close()
	}
	want := Stats{Capacity: table.capacity}
	got := table.Stats()
	got.RecordCapacity, got.ExtensionCapacity, got.Bytes = 0, 0, 0
	if got != want {
		t.Errorf("after everything was removed: want %+v, got %+v", want, got)
	}
}

// TestFullTable fills the table: another lease is refused, those that are there can be renewed and go.
func TestFullTable(t *testing.T) {
	const capacity = 100
	table := newTable(t, Options{Capacity: capacity, Seed: 6})
	h := table.NewHandle()
	h.Enter()
	for n := range uint64(capacity) {
		d := numberedDraft(n)
		mustPublish(t, h, nil, &d)
	}
	d := numberedDraft(capacity)
	if r, outcome := h.Publish(nil, &d); outcome != Full || r != nil {
		t.Fatalf("lease beyond the capacity: want full, got %v", outcome)
	}
	value := expected(&d, 1)
	h.Leave()
	if err := h.Load(AppendKey(nil, &d.Key), appendStored(nil, &value)); !errors.Is(err, ErrFull) {
		t.Fatalf("load beyond the capacity: want %v, got %v", ErrFull, err)
	}
	for range 10 * capacity {
		h.Enter()
		old := h.Find(&Key{Address: numberedKey(3).Address, Length: 128})
		renewed := numberedDraft(3)
		mustPublish(t, h, old, &renewed)
	}
	h.Enter()
	key := numberedKey(3)
	if outcome := h.Remove(h.Find(&key)); outcome != Published {
		t.Fatal(outcome)
	}
	mustPublish(t, h, nil, &d)
	h.Close()
	audit(t, table)
	emptied(t, table)
}

// TestOutOfSlots uses up records, then extensions, within one batch, where nothing can be reclaimed: Full, and the
// next batch goes on.
func TestOutOfSlots(t *testing.T) {
	table := newTable(t, Options{Capacity: 2, Reserve: 300, ExtensionBytes: 1, Seed: 7})
	h := table.NewHandle()
	exhaust := func(draft func(i int) Draft) {
		t.Helper()
		h.Enter()
		d := draft(0)
		r := h.Find(&d.Key)
		if r == nil {
			r = mustPublish(t, h, nil, &d)
		}
		for i := range 1 << 16 {
			d := draft(i)
			next, outcome := h.Publish(r, &d)
			if outcome == Full {
				if got := h.Find(&d.Key); got != r {
					t.Fatal("the record changed though there was no room")
				}
				return
			}
			if outcome != Published {
				t.Fatal(outcome)
			}
			r = next
		}
		t.Fatal("the slots never ran out")
	}
	plain := func(int) Draft { return numberedDraft(1) }
	large := func(i int) Draft {
		d := numberedDraft(1)
		d.Extension = AppendExtension(nil, ExtRelayChain, make([]byte, 1500+i%2))
		return d
	}
	for range 3 {
		exhaust(plain)
		h.Enter()
		h.Enter()
		exhaust(large)
		h.Enter()
		h.Enter()
	}
	h.Close()
	audit(t, table)
}

// TestClosedHandleKeepsNothing has handles come and go, each with slots in limbo: the table doesn't run dry.
func TestClosedHandleKeepsNothing(t *testing.T) {
	table := newTable(t, Options{Capacity: 2, Reserve: 300, ExtensionBytes: 1, Seed: 8})
	for range 2000 {
		h := table.NewHandle()
		h.Enter()
		d := numberedDraft(1)
		mustPublish(t, h, h.Find(&d.Key), &d)
		h.Close()
	}
	audit(t, table)
}

// TestGrace holds a record in one handle's batch while others replace it over and over: it stays as it was.
func TestGrace(t *testing.T) {
	table := newTable(t, Options{Capacity: 2, Reserve: 2000, ExtensionBytes: 1 << 20, Seed: 9})
	reader, writer := table.NewHandle(), table.NewHandle()
	writer.Enter()
	d := numberedDraft(1)
	d.DUID = make([]byte, MaxDUID)
	d.Extension = AppendExtension(nil, ExtFQDN, []byte("first"))
	mustPublish(t, writer, nil, &d)
	reader.Enter()
	held := reader.Find(&d.Key)
	want := stored(t, held)
	want.DUID, want.Extension = make([]byte, MaxDUID), append(Extension(nil), want.Extension...)
	replace := func() {
		for i := range 500 {
			writer.Enter()
			d.DUID[0], d.Extension = byte(i), AppendExtension(nil, ExtFQDN, []byte{byte(i), byte(i >> 8)})
			mustPublish(t, writer, writer.Find(&d.Key), &d)
		}
	}
	replace()
	if got := stored(t, held); string(got.DUID) != string(want.DUID) || string(got.Extension) != string(want.Extension) ||
		got.Version != want.Version {
		t.Fatalf("a held record changed: want %+v, got %+v", want, got)
	}
	before := table.Stats().Records
	reader.Leave()
	for range 10 {
		replace()
	}
	if after := table.Stats().Records; after > before {
		t.Errorf("nobody holds a record, and slots are still not used again: %d before, %d after", before, after)
	}
	reader.Close()
	writer.Close()
	audit(t, table)
}

// TestOutsideOfBatch expects a panic rather than a record that may be reclaimed under the caller's eyes.
func TestOutsideOfBatch(t *testing.T) {
	table := newTable(t, Options{Capacity: 2})
	h := table.NewHandle()
	defer h.Close()
	d := numberedDraft(1)
	for name, call := range map[string]func(){
		"Find":       func() { h.Find(&d.Key) },
		"FindClient": func() { h.FindClient(d.DUID, d.Kind, d.IAID, nil) },
		"Publish":    func() { h.Publish(nil, &d) },
		"Range":      func() { h.Range(0, func(*Record) bool { return true }) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s outside of a batch: want a panic", name)
				}
			}()
			call()
		}()
	}
}
