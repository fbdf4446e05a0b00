package scale

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// numbers reads a list of numbers from the environment, so that one command can measure more than fits each run.
func numbers(b *testing.B, variable string, otherwise ...int) []int {
	b.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return otherwise
	}
	var list []int
	for field := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(field)
		if err != nil {
			b.Fatalf("%s=%s: %v; give numbers with commas between them", variable, text, err)
		}
		list = append(list, n)
	}
	return list
}

// BenchmarkScale measures nodes with BENCH_BINDINGS bindings each (10000,1000000), in processes of their own. ns/op
// means nothing: what is measured are the columns behind it.
func BenchmarkScale(b *testing.B) {
	for _, bindings := range numbers(b, "BENCH_BINDINGS", 10_000, 1_000_000) {
		b.Run(fmt.Sprintf("bindings=%d", bindings), func(b *testing.B) {
			for b.Loop() {
				s, err := Measure(b.Context(), Options{Dir: b.TempDir(), Workers: 1, Renew: 2 * time.Second}, bindings)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(s.Renew.Rate, "renews/s")
				b.ReportMetric(s.Renew.CPU, "µs-CPU/renew")
				b.ReportMetric(s.Request.Rate, "requests/s")
				b.ReportMetric(s.Request.CPU, "µs-CPU/request")
				b.ReportMetric(s.Memory.Resident, "B-RSS/binding")
				b.ReportMetric(s.Disk, "B-disk/binding")
				b.ReportMetric(s.Start.Total, "s-start")
				b.ReportMetric(s.Renew.GCLongest, "ms-GC")
				b.ReportMetric(s.Renew.Longest, "ms-longest")
			}
		})
	}
}

// BenchmarkDense is one Request of a new client for a prefix out of 2^BENCH_BITS (24), most of which are taken: of any
// client, and of one whose primary is taken. ns/op is the engine's time alone; the fill stays the same.
func BenchmarkDense(b *testing.B) {
	d, err := NewDense(numbers(b, "BENCH_BITS", MaxBits)[0])
	if err != nil {
		b.Fatal(err)
	}
	defer func() {
		if err := d.Close(); err != nil {
			b.Error(err)
		}
	}()
	for _, fill := range Fills {
		if err := d.Fill(fill); err != nil {
			b.Fatal(err)
		}
		for _, collide := range []bool{false, true} {
			b.Run(fmt.Sprintf("full=%v%%/%s", fill*100, client(collide)), func(b *testing.B) {
				b.ReportAllocs()
				took, err := d.Allocate(b.N, collide)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(took.Nanoseconds())/float64(b.N), "ns/op")
			})
		}
	}
}

// BenchmarkStart opens a store with BENCH_BINDINGS bindings (1000000) and gets a node ready to serve, in this process: the
// one to profile. ns/op is one start, the closing behind it included.
func BenchmarkStart(b *testing.B) {
	for _, bindings := range numbers(b, "BENCH_BINDINGS", 1_000_000) {
		b.Run(fmt.Sprintf("bindings=%d", bindings), func(b *testing.B) {
			folder := b.TempDir()
			if _, err := fill(job{Options{Dir: folder, Workers: 1}, bindings}); err != nil {
				b.Fatal(err)
			}
			var load, site float64
			for b.Loop() {
				n, took, err := openNode(b.Context(), folder, capacityFor(bindings))
				if err != nil {
					b.Fatal(err)
				}
				load, site = load+took.Load, site+took.Site
				if err := n.close(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(load/float64(b.N), "s-load")
			b.ReportMetric(site/float64(b.N), "s-site")
		})
	}
}
