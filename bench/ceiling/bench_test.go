package ceiling

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lockstep6/lockstep6/bench/child"
)

func TestMain(m *testing.M) {
	child.Main(Parts())
	os.Exit(m.Run())
}

// sizes are those of bench/scale's subscribers.
var sizes = Sizes{Solicit: 126, Advertise: 152, Request: 168, Reply: 152}

// BenchmarkEcho answers packets of an exchange's sizes on processor 0, asked by a generator on processor 1. ns/op means
// nothing: what is measured are the columns behind it.
func BenchmarkEcho(b *testing.B) {
	if runtime.NumCPU() < 2 {
		b.Skip("the echo and its generator need a processor each")
	}
	for _, segment := range []bool{false, true} {
		b.Run(fmt.Sprintf("segment=%t", segment), func(b *testing.B) {
			for b.Loop() {
				e, err := MeasureEcho(b.Context(), EchoOptions{Sizes: sizes, Segment: segment, Duration: 2 * time.Second})
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(e.Rate, "packets/s")
				b.ReportMetric(e.CoreCPU, "µs-core/packet")
				b.ReportMetric(e.ProcessCPU, "µs-process/packet")
			}
		})
	}
}

// BenchmarkPebble makes random keys durable with Pebble alone, 64 writes under way. ns/op is one change.
func BenchmarkPebble(b *testing.B) {
	for _, batch := range []int{32, 64} {
		b.Run(fmt.Sprintf("batch=%d", batch), func(b *testing.B) {
			p, err := MeasurePebble(PebbleOptions{Dir: b.TempDir(), Batch: batch, Writes: (b.N + batch - 1) / batch, InFlight: 64})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(p.Seconds*1e9/float64(p.Changes), "ns/op")
			b.ReportMetric(p.Rate, "changes/s")
			b.ReportMetric(float64(p.Changes)/float64(p.Commits), "changes/sync")
		})
	}
}

// BenchmarkTable has one goroutine work on tables of BENCH_BINDINGS bindings (10000,1000000). ns/op is one operation.
func BenchmarkTable(b *testing.B) {
	text := os.Getenv("BENCH_BINDINGS")
	if text == "" {
		text = "10000,1000000"
	}
	for field := range strings.SplitSeq(text, ",") {
		bindings, err := strconv.Atoi(field)
		if err != nil {
			b.Fatalf("BENCH_BINDINGS=%s: %v; give numbers with commas between them", text, err)
		}
		t, err := NewTable(bindings)
		if err != nil {
			b.Fatal(err)
		}
		for _, operation := range TableOperations[1:] {
			b.Run(fmt.Sprintf("bindings=%d/%s", bindings, operation), func(b *testing.B) {
				b.ReportAllocs()
				took, err := t.Do(operation, b.N)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(took.Nanoseconds())/float64(b.N), "ns/op")
			})
		}
		if err := t.Close(); err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprintf("bindings=%d/%s", bindings, TableOperations[0]), func(b *testing.B) { benchmarkNew(b, bindings) })
	}
}

// benchmarkNew takes another table whenever one is full.
func benchmarkNew(b *testing.B, bindings int) {
	var took time.Duration
	for done := 0; done < b.N; {
		b.StopTimer()
		t, err := NewTable(bindings)
		if err != nil {
			b.Fatal(err)
		}
		count := min(b.N-done, 1<<20)
		b.StartTimer()
		d, err := t.Do(TableOperations[0], count)
		b.StopTimer()
		if err := errors.Join(err, t.Close()); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		took += d
		done += count
	}
	b.ReportMetric(float64(took.Nanoseconds())/float64(b.N), "ns/op")
}
