//go:build !race

package binding

import "testing"

// TestNoAllocation holds the packet's path to 0 allocations. The race detector allocates by itself, so it isn't
// built with it. The closures are made outside of what is measured.
func TestNoAllocation(t *testing.T) {
	table := newTable(t, Options{Capacity: 1000, Seed: 1})
	h := table.NewHandle()
	defer h.Close()
	short, long := numberedDraft(1), numberedDraft(2)
	long.DUID = make([]byte, MaxDUID)
	long.Extension = AppendExtension(nil, ExtRemoteID, make([]byte, 100))
	h.Enter()
	mustPublish(t, h, nil, &short)
	mustPublish(t, h, nil, &long)
	var round byte
	into := make([]*Record, 0, 8)
	change := make([]byte, 0, 4096)
	for name, call := range map[string]func(){
		"find":        func() { h.Enter(); h.Find(&short.Key) },
		"find client": func() { h.Enter(); into = h.FindClient(long.DUID, long.Kind, long.IAID, into[:0]) },
		"renew":       func() { h.Enter(); h.Publish(h.Find(&long.Key), &long) },
		"new extension": func() {
			h.Enter()
			round++
			long.Extension[5] = round
			h.Publish(h.Find(&long.Key), &long)
		},
		"hand over": func() {
			h.Enter()
			round++
			short.DUID[5] = round
			h.Publish(h.Find(&short.Key), &short)
		},
		"remove and insert": func() {
			h.Enter()
			h.Remove(h.Find(&short.Key))
			h.Publish(nil, &short)
		},
		"append change": func() { h.Enter(); change = AppendChange(change[:0], h.Find(&long.Key)) },
		"sweep": func() {
			h.Enter()
			h.Sweep(0, 100, func(*Record) bool { return false }, func(*Record) {})
		},
	} {
		if got := testing.AllocsPerRun(2000, call); got != 0 {
			t.Errorf("%s: want no allocation, got %v", name, got)
		}
	}
	m := newFreeMap(t, 1<<20)
	if got := testing.AllocsPerRun(1000, func() {
		i, _ := m.Next(1000)
		m.Take(i)
	}); got != 0 {
		t.Errorf("free map: want no allocation, got %v", got)
	}
}
