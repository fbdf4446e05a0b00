package store

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/lockstep6/lockstep6/core/worker"
)

// Two values of one name are never under way at the same time: they carry no version that would tell which is newer.
func TestMetaValuesAreCommittedInTheirOrder(t *testing.T) {
	s := newStore(testOptions(Options{}))
	in := &instance{}
	s.in = in
	put := func(value byte) *metaWrite {
		m := &metaWrite{name: "beat", value: []byte{value}, done: make(chan error, 1)}
		s.enqueue(entry{meta: m})
		return m
	}
	take := func(want ...*metaWrite) *group {
		t.Helper()
		g := &group{}
		if !s.take(in, g) || len(g.entries) != len(want) {
			t.Fatalf("took %d entries, want %d", len(g.entries), len(want))
		}
		for i, m := range want {
			if g.entries[i].meta != m {
				t.Errorf("entry %d is not the one that is due", i)
			}
		}
		return g
	}
	first, second := put(1), put(2)
	g := take(first, second)
	s.Append(&worker.Write{Done: make(chan *worker.Write, 1)})
	third := put(3)
	other := take(nil) // what is before the third value, which must wait
	s.confirm(in, other)
	if n, _ := s.ready(); n != 0 {
		t.Errorf("%d entries may be taken while older Meta values are under way", n)
	}
	s.confirm(in, g)
	s.confirm(in, take(third))
	if got, _ := s.Meta("beat"); len(got) != 1 || got[0] != 3 {
		t.Errorf("the last value is %v, want 3", got)
	}
}

// Many values of one name, put one after the other without waiting: the last one stands, in memory and on disk.
func TestLastMetaValueStands(t *testing.T) {
	fs := vfs.NewMem()
	s := open(t, Options{FS: fs, committers: 4})
	const values = 200
	var last *metaWrite
	for n := range values {
		last = &metaWrite{name: "beat", value: []byte{byte(n)}, done: make(chan error, 1)}
		s.enqueue(entry{meta: last})
	}
	if err := <-last.done; err != nil {
		t.Fatal(err)
	}
	if got, _ := s.Meta("beat"); got[0] != values-1 {
		t.Errorf("%d in memory, want %d", got[0], values-1)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if got, _ := open(t, Options{FS: fs}).Meta("beat"); got[0] != values-1 {
		t.Errorf("%d on disk, want %d", got[0], values-1)
	}
}
