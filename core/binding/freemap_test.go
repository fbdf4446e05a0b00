package binding

import (
	"sync"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"
)

func newFreeMap(t testing.TB, n uint64) *FreeMap {
	t.Helper()
	m, err := NewFreeMap(n)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// auditFreeMap checks a map that nobody works on: no summary bit hides a free slot, and the count is right.
func auditFreeMap(t interface{ Errorf(string, ...any) }, m *FreeMap) {
	for level := 1; level <= m.top; level++ {
		for word := range m.levels[level-1] {
			full := m.levels[level][word/64].Load()>>(word%64)&1 != 0
			if full && m.levels[level-1][word].Load() != fullWord {
				t.Errorf("level %d hides word %d, which isn't full", level, word)
			}
		}
	}
	free := uint64(0)
	for i := range m.size {
		if !m.Taken(i) {
			free++
		}
	}
	if free != m.Free() {
		t.Errorf("free: want %d, got %d", free, m.Free())
	}
}

func TestFreeMapSizes(t *testing.T) {
	for _, n := range []uint64{1, 2, 63, 64, 65, 127, 4095, 4096, 4097, 64*64*64 + 1} {
		m := newFreeMap(t, n)
		for i := range n {
			got, ok := m.Next(0)
			if !ok || got != i || !m.Take(i) {
				t.Fatalf("size %d: want %d free and to be had, got %d, %v", n, i, got, ok)
			}
		}
		if got, ok := m.Next(0); ok || m.Free() != 0 {
			t.Errorf("size %d: full, and slot %d is free", n, got)
		}
		for _, i := range []uint64{n - 1, n / 2} {
			m.Put(i)
			if got, ok := m.Next(n - 1); !ok || got != i {
				t.Errorf("size %d: want %d, got %d, %v", n, i, got, ok)
			}
			m.Take(i)
		}
		auditFreeMap(t, m)
	}
	for _, n := range []uint64{0, MaxFreeMap + 1} {
		if _, err := NewFreeMap(n); err == nil {
			t.Errorf("size %d: want an error", n)
		}
	}
}

// A freeMapMachine compares a map of free slots with a slice.
type freeMapMachine struct {
	m     *FreeMap
	n     uint64
	taken []bool
}

func (f *freeMapMachine) slot(t *rapid.T, label string) uint64 {
	return rapid.Uint64Range(0, f.n+1).Draw(t, label)
}

func (f *freeMapMachine) take(t *rapid.T) {
	i := f.slot(t, "slot")
	want := i < f.n && !f.taken[i]
	if got := f.m.Take(i); got != want {
		t.Fatalf("take %d: want %v, got %v", i, want, got)
	}
	if want {
		f.taken[i] = true
	}
}

func (f *freeMapMachine) put(t *rapid.T) {
	i := f.slot(t, "slot")
	want := i < f.n && f.taken[i]
	if got := f.m.Put(i); got != want {
		t.Fatalf("put %d: want %v, got %v", i, want, got)
	}
	if want {
		f.taken[i] = false
	}
}

func (f *freeMapMachine) fillStretch(t *rapid.T) {
	from, slots := f.slot(t, "from"), rapid.Uint64Range(1, 4200).Draw(t, "slots")
	for i := from; i < min(f.n, from+slots); i++ {
		f.m.Take(i)
		f.taken[i] = true
	}
}

func (f *freeMapMachine) takeSome(t *rapid.T) {
	limit := f.slot(t, "limit")
	var into [7]uint32
	got := f.m.takeSome(limit, into[:])
	for _, i := range into[:got] {
		if uint64(i) >= limit || f.taken[i] {
			t.Fatalf("took %d, limit %d, taken %v", i, limit, f.taken[i])
		}
		f.taken[i] = true
	}
	for i := range min(limit, f.n) {
		if got == 0 && !f.taken[i] {
			t.Fatalf("took none, and %d is free below %d", i, limit)
		}
	}
}

func (f *freeMapMachine) next(t *rapid.T) {
	low, from := f.slot(t, "low"), f.slot(t, "from")
	high := rapid.Uint64Range(low, f.n+2).Draw(t, "high")
	if from < low || from >= high {
		from = low
	}
	want, found := uint64(0), false
	for k := range high - low {
		i := low + (from-low+k)%(high-low)
		if i < f.n && !f.taken[i] {
			want, found = i, true
			break
		}
	}
	if got, ok := f.m.NextIn(from, low, high); got != want || ok != found {
		t.Fatalf("next from %d in %d to %d: want %d %v, got %d %v", from, low, high, want, found, got, ok)
	}
}

func TestFreeMapModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.SampledFrom([]uint64{1, 64, 100, 4096, 5000}).Draw(t, "size")
		m, err := NewFreeMap(n)
		if err != nil {
			t.Fatal(err)
		}
		f := &freeMapMachine{m: m, n: n, taken: make([]bool, n)}
		t.Repeat(map[string]func(*rapid.T){
			"":     func(t *rapid.T) { auditFreeMap(t, m) },
			"take": f.take, "put": f.put, "fill a stretch": f.fillStretch, "take some": f.takeSome, "next": f.next,
		})
	})
}

// TestFreeMapConcurrent lets several goroutines fill the map, then churn it when it is nearly full: nobody gets
// a slot that somebody has, and at the end no free slot is hidden.
func TestFreeMapConcurrent(t *testing.T) {
	const n, workers, rounds = 64*64*2 + 17, 4, 20000
	m := newFreeMap(t, n)
	owners := make([]atomic.Int32, n)
	var wg sync.WaitGroup
	for worker := range int32(workers) {
		rng := seeded(t)
		wg.Go(func() {
			var mine []uint64
			for range rounds {
				i, ok := m.Next(rng.Uint64N(n))
				if ok && m.Take(i) {
					if !owners[i].CompareAndSwap(0, worker+1) {
						t.Errorf("slot %d was given twice", i)
					}
					mine = append(mine, i)
				}
				if !ok || len(mine) > n/workers {
					k := rng.IntN(len(mine) + 1)
					for range min(len(mine), k%5) {
						k := rng.IntN(len(mine))
						owners[mine[k]].Store(0)
						if !m.Put(mine[k]) {
							t.Errorf("slot %d was free already", mine[k])
						}
						mine[k] = mine[len(mine)-1]
						mine = mine[:len(mine)-1]
					}
				}
			}
		})
	}
	wg.Wait()
	auditFreeMap(t, m)
	for i := range owners {
		if (owners[i].Load() != 0) != m.Taken(uint64(i)) {
			t.Errorf("slot %d: owner %d, taken %v", i, owners[i].Load(), m.Taken(uint64(i)))
		}
	}
}

// TestFreeMapFillTogether has everybody search until nothing is left: each slot is found by somebody.
func TestFreeMapFillTogether(t *testing.T) {
	const n = 100_000
	m := newFreeMap(t, n)
	var got atomic.Int64
	var wg sync.WaitGroup
	for range 4 {
		rng := seeded(t)
		wg.Go(func() {
			for {
				i, ok := m.Next(rng.Uint64N(n))
				if !ok {
					return
				}
				if m.Take(i) {
					got.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if got.Load() != n || m.Free() != 0 {
		t.Errorf("want %d taken and none free, got %d and %d", n, got.Load(), m.Free())
	}
	auditFreeMap(t, m)
}
