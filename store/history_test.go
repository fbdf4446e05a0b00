package store

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"
)

// With the tests' codec history gets an entry of each change that isn't a removal: its text, of a time that follows from the
// version. So changes are spread over days.
func historyCodec() Codec {
	c := testCodec
	c.Bare = func(value []byte) []byte { return value[:min(len(value), 9)] }
	c.Entries = func(_, value []byte, add func(at int64, what byte, entry []byte)) error {
		version, _, err := testVersion(value)
		add(testHour(version), 1, value[9:])
		return err
	}
	return c
}

const testDay = 20_000

func testHour(version uint64) int64 { return testDay*secondsPerDay + int64(version)*3600 }

func historyOptions(o Options) Options {
	o.Codec, o.History = historyCodec(), &History{Keep: math.MaxUint32 * time.Second}
	return o
}

// historyOf lists what history says of leases: "number: texts in order | present version".
func historyOf(t testing.TB, s interface {
	History(ctx context.Context, key []byte, f func(key []byte, entries []HistoryEntry, present []byte) error) error
}, about []byte,
) (lines []string) {
	t.Helper()
	err := s.History(t.Context(), about, func(key []byte, entries []HistoryEntry, present []byte) error {
		line := netip.AddrFrom16([16]byte(key)).String() + "/" + strconv.Itoa(int(key[16])) + ":"
		for _, e := range entries {
			line += " " + string(e.Data)
			if want := fmt.Sprint("v", e.Version); e.What != 1 || !bytes.HasPrefix(e.Data, []byte("v")) || string(e.Data) != want {
				t.Errorf("entry %d %q of version %d", e.What, e.Data, e.Version)
			}
		}
		if present != nil {
			version, _, err := testVersion(present)
			if err != nil || len(present) != 9 {
				t.Errorf("present value %x: %v", present, err)
			}
			line += fmt.Sprint(" | ", version)
		}
		lines = append(lines, line)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

// putKey appends a change of any key.
func putKey(b []byte, prefix string, version uint64, removed bool) []byte {
	p := netip.MustParsePrefix(prefix)
	addr := p.Addr().As16()
	b = append(append(b, addr[:]...), byte(p.Bits()))
	value := testValue(version, removed, fmt.Sprint("v", version))
	b = append(b, byte(len(value)>>8), byte(len(value)))
	return append(b, value...)
}

func keyFor(prefix string) []byte { return putKey(nil, prefix, 1, false)[:KeySize] }

// Every version is there once, wherever it is: in the log, absorbed, or both, after any step.
func TestHistoryHasEveryVersion(t *testing.T) {
	rng := seeded(t)
	for name, step := range between {
		t.Run(name, func(t *testing.T) {
			o := historyOptions(Options{FS: vfs.NewMem(), absorb: absorbSize})
			s := open(t, o)
			order := rng.Perm(60) // versions reach the disk in any order
			for i, v := range order {
				commit(t, s, putKey(nil, "2001:db8::5/128", uint64(v+1), false))
				if i%20 == 19 {
					s = step(t, s, o)
				}
			}
			commit(t, s, putKey(nil, "2001:db8::5/128", 61, true))
			s = step(t, s, o)
			want := "2001:db8::5/128:"
			for v := 1; v <= 60; v++ {
				want += fmt.Sprint(" v", v)
			}
			if diff := cmp.Diff([]string{want}, historyOf(t, s, keyFor("2001:db8::5/128"))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if got := contents(t, s); len(got) != 0 {
				t.Errorf("bindings %v, want none", got)
			}
		})
	}
}

// A lookup finds the leases that contain what is asked for, it itself, and what lies in it; whole walks come in order.
func TestHistoryLookups(t *testing.T) {
	for _, absorbed := range []bool{false, true} {
		s := open(t, historyOptions(Options{absorb: absorbSize}))
		for i, key := range []string{
			"2001:db8:1:200::/56", "2001:db8:1:100::/56", "2001:db8:1::/48", "2001:db8:1:100::/64", "2001:db8:1:100::7/128",
			"2001:db8:1:1ff::7/128", "2001:db8:2::7/128", "2001:db8:0:ff::/64", "2001:db8:1:1ff::/64",
		} {
			commit(t, s, putKey(nil, key, uint64(30*i+1), false))
			if i%2 == 0 {
				commit(t, s, putKey(nil, key, uint64(30*i+2), true))
			}
			if absorbed && i%3 == 0 {
				absorb(t, s)
			}
		}
		for about, want := range map[string][]string{
			"2001:db8:1:1ff::7/128": {"2001:db8:1::/48: v61", "2001:db8:1:100::/56: v31 | 31", "2001:db8:1:1ff::/64: v241", "2001:db8:1:1ff::7/128: v151 | 151"},
			"2001:db8:1:100::/56": {
				"2001:db8:1::/48: v61", "2001:db8:1:100::/56: v31 | 31", "2001:db8:1:100::/64: v91 | 91", "2001:db8:1:100::7/128: v121",
				"2001:db8:1:1ff::/64: v241", "2001:db8:1:1ff::7/128: v151 | 151",
			},
			"2001:db8:2::/48": {"2001:db8:2::7/128: v181"},
			"2001:db9::1/128": nil,
			"::/128":          nil,
		} {
			if diff := cmp.Diff(want, historyOf(t, s, keyFor(about))); diff != "" {
				t.Errorf("absorbed %v: %s (-want +got):\n%s", absorbed, about, diff)
			}
		}
		all := historyOf(t, s, nil)
		if len(all) != 9 || all[0] != "2001:db8:0:ff::/64: v211 | 211" || all[8] != "2001:db8:2::7/128: v181" {
			t.Errorf("absorbed %v: got %q", absorbed, all)
		}
	}
}

// Random prefixes, some of which contain others: a lookup finds what a comparison with each finds.
func TestHistoryContaining(t *testing.T) {
	rng := seeded(t)
	for range 30 {
		s := open(t, historyOptions(Options{absorb: absorbSize}))
		var keys []netip.Prefix
		for i := range 1 + rng.IntN(60) {
			p := randomPrefix(rng)
			keys = append(keys, p)
			commit(t, s, putKey(nil, p.String(), uint64(2*i+1), false))
			if rng.IntN(2) == 0 {
				commit(t, s, putKey(nil, p.String(), uint64(2*i+2), true))
			}
			if rng.IntN(10) == 0 {
				absorb(t, s)
			}
		}
		about := randomPrefix(rng)
		want := map[string]bool{}
		for _, p := range keys {
			if p.Overlaps(about) {
				want[p.String()] = true
			}
		}
		got := map[string]bool{}
		err := s.History(t.Context(), keyFor(about.String()), func(key []byte, _ []HistoryEntry, _ []byte) error {
			text := netip.PrefixFrom(netip.AddrFrom16([16]byte(key)), int(key[16])).String()
			if got[text] {
				t.Errorf("%s twice", text)
			}
			got[text] = true
			return nil
		})
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Fatalf("about %v of %v: %v (-want +got):\n%s", about, keys, err, diff)
		}
	}
}

// randomPrefix is one of few, so that they contain each other.
func randomPrefix(rng *rand.Rand) netip.Prefix {
	addr := [16]byte{0x20, 1}
	for i := 2; i < 5; i++ {
		addr[i] = byte(rng.IntN(3)) << 6
	}
	addr[15] = byte(rng.IntN(2))
	p, err := netip.AddrFrom16(addr).Prefix(16 + rng.IntN(113))
	if err != nil {
		panic(err)
	}
	return p
}

// Whole days go when they are too old, the next time that they are looked after, and a look into what stays is right.
func TestOldHistoryGoes(t *testing.T) {
	now := &testTime{at: time.Unix(testHour(0), 0)}
	o := historyOptions(Options{clock: now.clock(), FS: vfs.NewMem()})
	o.History = &History{Keep: 48 * time.Hour}
	s := open(t, o)
	for version := uint64(1); version <= 100; version += 25 { // at hours 1, 26, 51, 76
		commit(t, s, change(nil, 1, version))
	}
	absorb(t, s)
	texts := func() string {
		t.Helper()
		return historyOf(t, s, testKey(1))[0][len("2001::9e37:79b9:7f4a:7c15/128"):]
	}
	for _, step := range []struct {
		hour uint64
		want string
	}{{24, ": v1 v26 v51 v76 | 76"}, {71, ": v1 v26 v51 v76 | 76"}, {73, ": v26 v51 v76 | 76"}, {24*4 + 47, ": v76 | 76"}, {24 * 9, ": | 76"}} {
		now.at = time.Unix(testHour(step.hour), 0)
		s.dropHistory()
		if got := texts(); got != step.want {
			t.Errorf("at hour %d: %q, want %q", step.hour, got, step.want)
		}
		h := s.HistoryState()
		if want := time.Unix(testHour(max(step.hour, 48)-48)/secondsPerDay*secondsPerDay, 0); !h.On || !h.Since.Equal(maxTime(want, time.Unix(testHour(0), 0))) {
			t.Errorf("at hour %d it is whole since %v", step.hour, h.Since)
		}
	}
}

// History gets old by time that passes, or by the clock that the store is told to go by, and not by a wall clock that somebody sets.
func TestHistoryOutlivesASetClock(t *testing.T) {
	now := &testTime{at: time.Unix(testHour(0), 0)}
	o := historyOptions(Options{clock: now.clock(), FS: vfs.NewMem()})
	o.History = &History{Keep: 48 * time.Hour}
	s := open(t, o)
	commit(t, s, change(nil, 1, 1))
	absorb(t, s)
	kept := func(what string, want int) {
		t.Helper()
		s.dropHistory()
		got := 0
		err := s.History(t.Context(), testKey(1), func(_ []byte, entries []HistoryEntry, _ []byte) error { got += len(entries); return nil })
		if err != nil || got != want {
			t.Errorf("%s: %d entries, %v, want %d", what, got, err, want)
		}
	}
	for _, step := range []time.Duration{6 * time.Hour, 400 * 24 * time.Hour, -800 * 24 * time.Hour} {
		now.step(step)
		kept(fmt.Sprintf("the clock is set by %v", step), 1)
	}
	s.GoBy(func() time.Time { return time.Unix(testHour(48), 0) })
	kept("two days by the clock that the store goes by", 1)
	s.GoBy(func() time.Time { return time.Unix(testHour(24*4), 0) })
	kept("four days", 0)
}

func maxTime(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// Whether history is kept is the store's to remember: who opens it to change a lease or to look must not lose entries. Turned
// off, nothing new is written; turned on again, it is whole from then on.
func TestHistoryIsRemembered(t *testing.T) {
	now := &testTime{at: time.Unix(testHour(0), 0)}
	o := Options{clock: now.clock(), FS: vfs.NewMem(), Codec: historyCodec()}
	s := open(t, o)
	reopen := func(h *History) {
		t.Helper()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		o.History = h
		now.at = now.at.Add(time.Hour)
		s = open(t, o)
	}
	put := func(version uint64) { t.Helper(); commit(t, s, change(nil, 1, version)); absorb(t, s) }
	put(1)
	if h := s.HistoryState(); h.On || h.Kept {
		t.Errorf("history of a new store: %+v", h)
	}
	reopen(&History{Keep: 1000 * time.Hour})
	put(2)
	reopen(nil)
	put(3)
	if h := s.HistoryState(); !h.On || h.Since.Unix() != testHour(1) {
		t.Errorf("got %+v", h)
	}
	reopen(&History{})
	put(4)
	if h := s.HistoryState(); h.On || !h.Kept {
		t.Errorf("turned off: %+v", h)
	}
	reopen(&History{Keep: 1000 * time.Hour})
	put(5)
	if h := s.HistoryState(); !h.On || h.Since.Unix() != testHour(4) {
		t.Errorf("got %+v", h)
	}
	want := "2001::9e37:79b9:7f4a:7c15/128: v2 v3 v5 | 5"
	if got := historyOf(t, s, testKey(1)); len(got) != 1 || got[0] != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := OpenReadOnly(testOptions(Options{FS: o.FS, Codec: historyCodec()}))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got := historyOf(t, r, testKey(1)); len(got) != 1 || got[0] != want {
		t.Errorf("read only: got %q, want %q", got, want)
	}
}
