package store

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// BenchmarkIndexFirst: from a question to the first lease, among a million bindings (BENCH_BINDINGS: as many) on disk, of which one
// in a thousand has the identifier. A query begins to stream then; the Recent part, which comes behind, is timed apart.
func BenchmarkIndexFirst(b *testing.B) {
	n := uint64(1_000_000)
	if text := os.Getenv("BENCH_BINDINGS"); text != "" {
		var err error
		if n, err = strconv.ParseUint(text, 10, 64); err != nil {
			b.Fatal(err)
		}
	}
	o := indexOptions(Options{FS: vfs.Default, Path: b.TempDir(), absorb: absorbIndexed})
	o.Codec.Bare = func(value []byte) []byte { return value[:min(len(value), 9+8)] }
	o.Codec.Index = func(_, value []byte, add func(by uint8, identifier, group []byte)) error {
		if _, removed, err := testVersion(value); err != nil || removed {
			return err
		}
		add(1, value[9:9+8], value[9:9+8])
		return nil
	}
	s := open(b, o)
	for i := uint64(0); i < n; {
		var some []byte
		for range min(10_000, n-i) {
			some = named(some, i, 1, fmt.Sprintf("%08d", i%1000), true)
			i++
		}
		commit(b, s, some)
	}
	start := time.Now()
	if err := s.BuildIndex(b.Context(), nil); err != nil {
		b.Fatal(err)
	}
	build := time.Since(start)
	var recent time.Duration
	for i := 0; b.Loop(); i++ {
		v, err := s.ViewIndex()
		if err != nil {
			b.Fatal(err)
		}
		identifier := fmt.Appendf(nil, "%08d", i%1000)
		found := 0
		for range v.Leases(1, identifier) {
			found++
			break
		}
		if found == 0 && n >= 1000 {
			b.Fatal("nothing is found")
		}
		before := time.Now()
		for range v.Recent(1, []byte("nobody's")) {
			b.Fatal("found what nobody has")
		}
		recent += time.Since(before)
		if err := v.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(recent.Microseconds())/float64(b.N), "µs-recent/op")
	b.ReportMetric(float64(build.Nanoseconds())/float64(n), "ns-build/binding")
}
