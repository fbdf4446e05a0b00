package store

import (
	"fmt"
	"os"
	"strconv"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// cutsWanted is how often the power is cut: 200 times, 40 with -short, or as often as CUTS says.
func cutsWanted(t *testing.T) int {
	t.Helper()
	text := os.Getenv("CUTS")
	switch n, err := strconv.Atoi(text); {
	case text == "" && testing.Short():
		return 40
	case text == "":
		return 200
	case err != nil || n < 1:
		t.Fatalf("CUTS=%s: give a number from 1 on", text)
		return 0
	default:
		return n
	}
}

// The power is cut again and again while everything runs at once: commits, passes of the absorber, compactions, history, the index, tasks that are done and
// backups. What is on the disk then is what was synced, and any part of the rest. Each time all that was confirmed is there: bindings, of history every version once,
// and each task, or it was done; and what a backup made before is whole.
func TestPowerLoss(t *testing.T) {
	const perStore = 40
	for left := cutsWanted(t); left > 0 && !t.Failed(); left -= perStore {
		powerLoss(t, min(left, perStore))
	}
}

func powerLoss(t *testing.T, cuts int) {
	c := &crasher{fs: vfs.NewCrashableMem(), every: 3, rng: seeded(t)}
	c.every += c.rng.Int64N(12)
	codec := historyCodec()
	codec.Task = everyTask
	codec.Index = func(key, _ []byte, add func(by uint8, identifier, group []byte)) error {
		add(1, key[:12], key[:8])
		return nil
	}
	// With fewer deletions to a range Pebble spends all its time on the ranges of so many tasks.
	o := historyOptions(Options{FS: c.disk(), absorb: 20_000, Index: true, taskMarks: 4096})
	o.Codec, o.Tasks = codec, &Tasks{Most: 1 << 20}
	s := open(t, o)
	d := startDoer(s, func() { c.done.Add(1) })
	l := startLoad(s, 3)
	c.load.Store(l)
	if err := s.BuildIndex(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	for n := 0; c.cuts() < cuts || l.count() < 500; n++ {
		flush(t, s)
		compact(t, s)
		if n%8 == 0 {
			if _, err := s.Backup(fmt.Sprint("copy", n), nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	l.end()
	c.load.Store(nil)
	d.stop()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if d.failed > 0 {
		t.Errorf("%d calls of who does tasks failed", d.failed)
	}
	for i, crash := range c.crashes[:min(cuts, len(c.crashes))] {
		atLeast(t, crash.at, survive(t, c.rng, crash.fs, i%4 == 0), crash.confirmed)
		checkTasks(t, crash, crash.fs, l, d)
		checkHistory(t, crash, crash.fs, l)
		checkCopies(t, crash)
		if t.Failed() {
			return
		}
	}
}

// checkCopies opens the backups that a crash left with their names.
func checkCopies(t *testing.T, crash crash) {
	t.Helper()
	for n := 0; ; n += 8 {
		name := fmt.Sprint("copy", n)
		if _, err := crash.fs.Stat(name); err != nil {
			return
		}
		r, err := OpenReadOnly(testOptions(Options{Path: name, FS: crash.fs, Codec: historyCodec()}))
		if err != nil {
			t.Errorf("%s: %s: %v", crash.at, name, err)
			return
		}
		contents(t, r)
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}
