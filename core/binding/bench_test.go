package binding

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
)

const (
	benchLeases = 1_000_000
	benchBatch  = 32 // operations between two Enters, as a worker's batch
)

// residentBytes returns how much memory the process has touched, 0 where the system doesn't tell.
func residentBytes() float64 {
	status, _ := os.ReadFile("/proc/self/statm")
	if fields := strings.Fields(string(status)); len(fields) > 1 {
		pages, _ := strconv.ParseFloat(fields[1], 64)
		return pages * float64(os.Getpagesize())
	}
	return 0
}

// benchDraft fills d for lease n; a relayed client's extension is some 60 octets.
func benchDraft(d *Draft, n uint64) {
	d.Key, d.IAID = numberedKey(n*0x9e3779b97f4a7c15), uint32(n)
	for i := range 8 {
		d.DUID[2+i] = byte(n >> (8 * i))
	}
}

func newBenchDraft() Draft {
	d := numberedDraft(0)
	d.Extension = AppendExtension(AppendExtension(nil, ExtInterfaceID, make([]byte, 20)), ExtRemoteID, make([]byte, 30))
	return d
}

// fill gives every lease to its client.
func fill(b *testing.B, table *Table, n uint64) {
	b.Helper()
	h := table.NewHandle()
	defer h.Close()
	d := newBenchDraft()
	for i := range n {
		if i%benchBatch == 0 {
			h.Enter()
		}
		benchDraft(&d, i)
		mustPublish(b, h, nil, &d)
	}
}

func benchTable(b *testing.B) *Table {
	b.Helper()
	table := newTable(b, Options{Capacity: benchLeases, Seed: 1})
	fill(b, table, benchLeases)
	return table
}

// parallel runs op with a random lease, in batches, on every processor.
func parallel(b *testing.B, table *Table, op func(h *Handle, d *Draft)) {
	b.Helper()
	b.ReportAllocs()
	b.ResetTimer()
	var worker atomic.Uint64
	b.RunParallel(func(pb *testing.PB) {
		h := table.NewHandle()
		defer h.Close()
		rng := rand.New(rand.NewPCG(worker.Add(1), 0))
		d := newBenchDraft()
		for i := 0; pb.Next(); i++ {
			if i%benchBatch == 0 {
				h.Enter()
			}
			benchDraft(&d, rng.Uint64N(benchLeases))
			op(h, &d)
		}
	})
}

func BenchmarkFind(b *testing.B) {
	parallel(b, benchTable(b), func(h *Handle, d *Draft) {
		if h.Find(&d.Key) == nil {
			b.Error("not found")
		}
	})
}

func BenchmarkFindMiss(b *testing.B) {
	parallel(b, benchTable(b), func(h *Handle, d *Draft) {
		d.Key.Address[0] = 0xfd
		if h.Find(&d.Key) != nil {
			b.Error("found")
		}
	})
}

func BenchmarkFindClient(b *testing.B) {
	parallel(b, benchTable(b), func(h *Handle, d *Draft) {
		var into [4]*Record
		if len(h.FindClient(d.DUID, d.Kind, d.IAID, into[:0])) != 1 {
			b.Error("not found")
		}
	})
}

// BenchmarkRenew is what a Renew costs the table: the client's lease, a new version, the old one reclaimed.
func BenchmarkRenew(b *testing.B) {
	parallel(b, benchTable(b), func(h *Handle, d *Draft) {
		var into [4]*Record
		for _, r := range h.FindClient(d.DUID, d.Kind, d.IAID, into[:0]) {
			h.Publish(r, d)
		}
	})
}

// BenchmarkChange removes a lease and gives it out again: the list, both indexes and all kinds of slots move.
func BenchmarkChange(b *testing.B) {
	parallel(b, benchTable(b), func(h *Handle, d *Draft) {
		if r := h.Find(&d.Key); r != nil {
			h.Remove(r)
		}
		h.Publish(nil, d)
	})
}

// BenchmarkInsert fills an empty table over and over.
func BenchmarkInsert(b *testing.B) {
	b.ReportAllocs()
	for done := 0; done < b.N; done += benchLeases {
		b.StopTimer()
		table, err := New(Options{Capacity: benchLeases, Seed: 1})
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		fill(b, table, uint64(min(benchLeases, b.N-done)))
		b.StopTimer()
		if err := table.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}

// BenchmarkLoad loads stored leases into an empty table, over and over: by a Handle, one at a time, and by a Loader.
func BenchmarkLoad(b *testing.B) {
	for _, together := range []bool{false, true} {
		b.Run(fmt.Sprintf("loader=%t", together), func(b *testing.B) {
			d := newBenchDraft()
			s := expected(&d, 1)
			key, value := AppendKey(nil, &s.Key), appendStored(nil, &s)
			for done := 0; done < b.N; done += benchLeases {
				b.StopTimer()
				table, err := New(Options{Capacity: benchLeases, Seed: 1})
				if err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
				loadMany(b, table, together, key, value, uint64(min(benchLeases, b.N-done)))
				b.StopTimer()
				if err := table.Close(); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
		})
	}
}

func loadMany(b *testing.B, table *Table, together bool, key, value []byte, n uint64) {
	h, l := table.NewHandle(), table.NewLoader()
	load := h.Load
	if together {
		load = l.Load
	}
	for i := range n {
		binary.BigEndian.PutUint64(key[8:], i*0x9e3779b97f4a7c15)
		binary.BigEndian.PutUint64(value[valueHeader+2:], i) // in the DUID
		if err := load(key, value); err != nil {
			b.Fatal(err)
		}
	}
	h.Close()
	if err := l.Close(); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkRange walks through all leases. ns/op is one.
func BenchmarkRange(b *testing.B) {
	table := benchTable(b)
	h := table.NewHandle()
	defer h.Close()
	b.ResetTimer()
	for left := b.N; left > 0; {
		for shard := 0; shard < table.Shards() && left > 0; shard++ {
			h.Enter()
			h.Range(shard, func(*Record) bool { left--; return left > 0 })
		}
	}
}

// BenchmarkMemory prints what a binding takes: B/binding with an extension of 56 octets, of which the slot takes 64;
// committed is what the kernel gave, in its own pages.
func BenchmarkMemory(b *testing.B) {
	for b.Loop() {
		before := residentBytes()
		table := benchTable(b)
		s := table.Stats()
		used := s.Records*recordSize + s.Entries*nodeSize + int64(len(table.records.heads)+len(table.clients.heads))*8 + s.ExtensionBytes
		b.ReportMetric(float64(used)/benchLeases, "B/binding")
		b.ReportMetric((residentBytes()-before)/benchLeases, "committed-B/binding")
		b.ReportMetric(float64(s.Bytes)/benchLeases, "bound-B/binding")
	}
}

// BenchmarkFreeMap takes the next free slot of 2^24 from a random place and frees another, at a steady fill.
func BenchmarkFreeMap(b *testing.B) {
	const size = 1 << 24
	for _, fill := range []float64{50, 95, 99.9, 99.99} {
		b.Run(fmt.Sprintf("full=%v%%", fill), func(b *testing.B) {
			m := newFreeMap(b, size)
			rng := rand.New(rand.NewPCG(1, 2))
			var taken []uint64
			for i := range uint64(size) {
				m.Take(i)
			}
			for range int((100 - fill) / 100 * size) {
				m.Put(rng.Uint64N(size))
			}
			for i := range uint64(size) {
				if m.Taken(i) {
					taken = append(taken, i)
				}
			}
			b.ReportAllocs()
			for b.Loop() {
				i, ok := m.Next(rng.Uint64N(size))
				if !ok || !m.Take(i) {
					b.Fatal("no free slot")
				}
				k := rng.IntN(len(taken))
				m.Put(taken[k])
				taken[k] = i
			}
		})
	}
}
