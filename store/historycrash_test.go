package store

import (
	"errors"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// The power is cut at many moments of commits, passes and compactions, and again while the store is reopened. Whatever was
// confirmed, of every version, is in history exactly once.
func TestConfirmedHistorySurvivesCrashes(t *testing.T) {
	c := &crasher{fs: vfs.NewCrashableMem(), every: 7, rng: seeded(t)}
	o := historyOptions(Options{FS: c.disk(), absorb: 20_000})
	s := open(t, o)
	l := cutUnderLoad(t, c, s, 25)
	for i := 0; i < len(c.crashes); i += 1 + len(c.crashes)/30 { // each takes long
		crash := c.crashes[i]
		fs := crash.fs
		if i%4 == 0 {
			again := &crasher{fs: fs, every: 1 + c.rng.Int64N(8), rng: c.rng}
			again.load.Store(&loadTest{})
			if err := reopenAndAbsorb(Options{FS: again.disk()}); err != nil {
				t.Fatal(err)
			}
			if n := len(again.crashes); n > 0 {
				fs = again.crashes[c.rng.IntN(n)].fs
			}
		}
		checkHistory(t, crash, fs, l)
		if t.Failed() {
			return
		}
	}
}

// reopenAndAbsorb is a start after which a pass runs.
func reopenAndAbsorb(o Options) error {
	o.Codec = historyCodec()
	s, err := Open(testOptions(o))
	if err != nil {
		return err
	}
	return errors.Join(s.absorb(s.in, 0), s.Close())
}

// checkHistory holds what a store has after a crash against what was confirmed before it: in what the log and history say
// together, and again when the log is absorbed.
func checkHistory(t *testing.T, crash crash, fs *vfs.MemFS, l *loadTest) {
	t.Helper()
	s, err := Open(testOptions(Options{FS: fs, Codec: historyCodec()}))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, absorbed := range []bool{false, true} {
		if absorbed {
			absorb(t, s)
			if n := logPlaces(t, s); n != 0 {
				t.Fatalf("%d places in the log after a pass", n)
			}
		}
		got := map[[KeySize]byte]map[uint64]int{}
		err := s.History(t.Context(), nil, func(key []byte, entries []HistoryEntry, _ []byte) error {
			versions := map[uint64]int{}
			for _, e := range entries {
				versions[e.Version]++
			}
			got[[KeySize]byte(key)] = versions
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, confirmed := range l.order[:crash.count] {
			key := [KeySize]byte(testKey(confirmed[0]))
			if n := got[key][confirmed[1]]; n != 1 {
				t.Errorf("%s: version %d of key %d is there %d times (absorbed %v)", crash.at, confirmed[1], confirmed[0], n, absorbed)
				return
			}
		}
	}
}
