package ceiling

import (
	"testing"
	"time"

	"github.com/lockstep6/lockstep6/core/worker"
)

// TestEcho echoes for a moment, so that the benchmark doesn't rot. It needs two processors, as all of the module's tests do.
func TestEcho(t *testing.T) {
	for _, segment := range []bool{false, true} {
		e, err := MeasureEcho(t.Context(), EchoOptions{Sizes: sizes, Segment: segment, Duration: 100 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		if e.Packets == 0 || e.Rate <= 0 || e.Segment != segment {
			t.Errorf("%+v", e)
		}
	}
	if _, err := MeasureEcho(t.Context(), EchoOptions{Sizes: Sizes{1, 2, 3, 4}}); err == nil {
		t.Error("no error for sizes that no message has")
	}
}

// TestAnswer: with segments all replies of a kind have one length, without them no two, and the same on average.
func TestAnswer(t *testing.T) {
	for _, segment := range []bool{false, true} {
		e := newEchoer(EchoOptions{Sizes: sizes, Segment: segment})
		for i := range e.batch {
			e.batch[i].Data = make([]byte, sizes.Solicit)
		}
		seen, sum := map[int]bool{}, 0
		for _, r := range e.answer(worker.BatchSize) {
			seen[len(r.Data)] = true
			sum += len(r.Data)
		}
		want := worker.BatchSize
		if segment {
			want = 1
		}
		if mean := (sum + worker.BatchSize/2) / worker.BatchSize; len(seen) != want || mean < sizes.Advertise-1 || mean > sizes.Advertise {
			t.Errorf("segment=%t: %d lengths, %d octets on average; want %d lengths and %d octets", segment, len(seen), mean, want, sizes.Advertise)
		}
	}
}

func TestPebble(t *testing.T) {
	for i, batch := range []int{32, 64} {
		p, err := MeasurePebble(PebbleOptions{Dir: t.TempDir(), Batch: batch, Writes: 200, InFlight: 64, Log: i == 1})
		if err != nil || p.Changes != 200*batch || p.Commits == 0 || p.Rate <= 0 || p.Longest <= 0 {
			t.Errorf("%+v, %v", p, err)
		}
	}
	if _, err := MeasurePebble(PebbleOptions{Dir: t.TempDir()}); err == nil {
		t.Error("no error for batches of nothing")
	}
}

func TestTable(t *testing.T) {
	table, err := NewTable(1000)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = table.Close() }()
	for _, operation := range TableOperations {
		if took, err := table.Do(operation, 100); err != nil || took <= 0 {
			t.Errorf("%s: %v, %v", operation, took, err)
		}
	}
	if _, err := table.Do("nothing", 1); err == nil {
		t.Error("no error for an operation that there isn't")
	}
	if _, err := NewTable(0); err == nil {
		t.Error("no error for an empty table")
	}
}
