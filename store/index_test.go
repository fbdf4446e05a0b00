package store

import (
	"context"
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/core/binding"
)

// With this codec a value's text is an identifier of two letters, and what follows is told to history and index only.
func indexCodec() Codec {
	const size = 9 + 2
	c := testCodec
	c.Bare = func(value []byte) []byte { return value[:min(len(value), size)] }
	c.Index = func(_, value []byte, add func(by uint8, identifier, group []byte)) error {
		if _, removed, err := testVersion(value); err != nil || removed {
			return err
		}
		add(1, value[9:size], value[9:10])
		return nil
	}
	return c
}

func indexOptions(o Options) Options {
	o.Codec, o.Index = indexCodec(), true
	return o
}

// named appends a change of the n-th key with an identifier, told where that is new.
func named(b []byte, n, version uint64, identifier string, told bool) []byte {
	if told {
		identifier += " told"
	}
	return appendChange(b, n, testValue(version, false, identifier))
}

// under lists the keys that the index has under an identifier: in its sorted part, and beside it.
func under(t testing.TB, s *Store, identifier string) map[string]bool {
	t.Helper()
	v, err := s.ViewIndex()
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]bool)
	take := func(key binding.Key, err error) bool {
		if err != nil {
			t.Fatal(err)
		}
		text := string(binding.AppendKey(nil, &key))
		if got[text] {
			t.Errorf("%x comes twice", text)
		}
		got[text] = true
		return true
	}
	v.Leases(1, []byte(identifier))(take)
	v.Recent(1, []byte(identifier))(take)
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	return got
}

func keys(numbers ...uint64) map[string]bool {
	out := make(map[string]bool)
	for _, n := range numbers {
		out[string(testKey(n))] = true
	}
	return out
}

// Every binding is found once, wherever it is, after any step; renewals write nothing into the index.
func TestIndexFindsEverything(t *testing.T) {
	for name, step := range between {
		t.Run(name, func(t *testing.T) {
			o := indexOptions(Options{FS: vfs.NewMem(), absorb: absorbSize})
			s := open(t, o)
			if err := s.BuildIndex(t.Context(), nil); err != nil || !s.IndexWhole() {
				t.Fatal(err)
			}
			for n := range uint64(30) {
				commit(t, s, named(nil, n, 1, fmt.Sprint("a", n%3), true))
			}
			s = step(t, s, o)
			for n := range uint64(10) {
				commit(t, s, named(nil, n, 2, fmt.Sprint("a", n%3), false)) // renewals
			}
			commit(t, s, named(nil, 0, 3, "b0", true)) // another client's now
			s = step(t, s, o)
			commit(t, s, named(nil, 1, 3, "b0", true))
			if !s.IndexWhole() {
				t.Error("the index isn't whole any more")
			}
			if diff := cmp.Diff(keys(0, 1), under(t, s, "b0")); diff != "" {
				t.Errorf("b0 (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(keys(2, 5, 8, 11, 14, 17, 20, 23, 26, 29), under(t, s, "a2")); diff != "" {
				t.Errorf("a2 (-want +got):\n%s", diff)
			}
			if got := under(t, s, "zz"); len(got) != 0 {
				t.Errorf("%d leases of nobody", len(got))
			}
		})
	}
}

// A store that had no index gets one of what there is; one that was opened without has none afterwards.
func TestIndexIsBuilt(t *testing.T) {
	o := indexOptions(Options{FS: vfs.NewMem(), absorb: absorbSize})
	plain := o
	plain.Index = false
	s := open(t, plain)
	for n := range uint64(20_000) {
		commit(t, s, named(nil, n, 1, "aa", n%2 == 0))
		if n == 9_999 {
			absorb(t, s)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, o)
	if s.IndexWhole() {
		t.Error("an index that nobody has made is whole")
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if err := s.BuildIndex(stopped, nil); err == nil || s.IndexWhole() {
		t.Errorf("broken off: %v", err)
	}
	var seen uint64
	if err := s.BuildIndex(t.Context(), func(done uint64) { seen = done }); err != nil || !s.IndexWhole() || seen < 8192 {
		t.Fatalf("built: %v, progress %d", err, seen)
	}
	if n := len(under(t, s, "aa")); n != 20_000 {
		t.Errorf("found %d of 20000", n)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s = open(t, o); !s.IndexWhole() {
		t.Error("it isn't whole any more after a restart")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, plain)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s = open(t, o); s.IndexWhole() {
		t.Error("an index outlived a time without")
	}
}

// The clean-up leaves what belongs to somebody, and only that.
func TestIndexIsCleaned(t *testing.T) {
	s := open(t, indexOptions(Options{absorb: absorbSize}))
	for n := range uint64(100) {
		commit(t, s, named(nil, n, 1, "aa", true))
	}
	absorb(t, s)
	for n := range uint64(40) {
		commit(t, s, named(nil, n, 2, "bb", true))
	}
	absorb(t, s)
	current := func(key []byte) string {
		for n := range uint64(40) {
			if string(testKey(n)) == string(key) {
				return "bb"
			}
		}
		return "aa"
	}
	left, deleted, err := s.CleanIndex(t.Context(), func(key []byte, has func(by uint8, identifier []byte) bool) bool {
		return has(1, []byte(current(key)))
	})
	if err != nil || left != 100 || deleted != 40 {
		t.Errorf("left %d, deleted %d, %v; want 100, 40", left, deleted, err)
	}
	if a, b := len(under(t, s, "aa")), len(under(t, s, "bb")); a != 60 || b != 40 {
		t.Errorf("%d and %d leases, want 60 and 40", a, b)
	}
}

// The power is cut at many moments. While the index is whole, whatever was confirmed is found.
func TestIndexSurvivesCrashes(t *testing.T) {
	c := &crasher{fs: vfs.NewCrashableMem(), every: 5, rng: seeded(t)}
	o := indexOptions(Options{FS: c.disk(), absorb: 20_000})
	o.Codec.Bare = func(value []byte) []byte { return value[:min(len(value), 10)] }
	o.Codec.Index = func(key, value []byte, add func(by uint8, identifier, group []byte)) error {
		if _, removed, err := testVersion(value); err != nil || removed {
			return err
		}
		add(1, key, key)
		return nil
	}
	s := open(t, o)
	if err := s.BuildIndex(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	cutUnderLoad(t, c, s, 25)
	for _, crash := range c.crashes {
		again := o
		again.FS = crash.fs
		s := open(t, again)
		if !s.IndexWhole() {
			t.Fatal("the index isn't whole after a crash")
		}
		for range 2 {
			some := 50
			for key := range contents(t, s) { // in no order
				if some--; some < 0 {
					break
				}
				if got := under(t, s, key); !got[key] {
					t.Fatalf("a binding of %x isn't found", key)
				}
			}
			absorb(t, s)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
