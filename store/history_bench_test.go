package store

import (
	"encoding/binary"
	"math"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"golang.org/x/sys/unix"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/core/worker"
)

// BenchmarkAbsorb is a pass of the absorber over a full part of the log: of grants or renewals of relayed subscribers, with history
// and without. With history each grant gives an entry, a renewal none. The folder is on a real disk: set TMPDIR to the one in question.
func BenchmarkAbsorb(b *testing.B) {
	for _, c := range []struct {
		name    string
		history bool
		news    bool
	}{{"grants/off", false, false}, {"grants/history", true, true}, {"renewals/off", false, false}, {"renewals/history", true, false}} {
		b.Run(c.name, func(b *testing.B) {
			o := Options{Path: b.TempDir(), FS: vfs.Default, Sync: SyncNever, absorb: 1 << 40, Codec: Options{}.withDefaults().Codec}
			if c.history {
				o.History = &History{Keep: math.MaxUint32 * time.Second}
			}
			s := open(b, o)
			next, changes, used := uint64(0), 0, time.Duration(0)
			for b.Loop() {
				b.StopTimer()
				changes += fillLog(b, s, &next, c.news)
				flush(b, s)
				s.o.absorb = absorbSize // as much as one pass takes
				before := cpuTime(b)
				b.StartTimer()
				if err := s.absorb(s.in, 0); err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				used += cpuTime(b) - before
				s.o.absorb = 1 << 40
				b.StartTimer()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(changes), "ns/change")
			b.ReportMetric(float64(used.Nanoseconds())/float64(changes), "cpu-ns/change")
			b.ReportMetric(0, "ns/op")
			if c.history {
				size, err := s.in.db.EstimateDiskUsage(historyFrom, historyTo)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(size)/float64(changes), "history-B/change")
			}
		})
	}
}

// cpuTime is what the process has used, Pebble's goroutines included: other processes don't count.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var used unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// fillLog commits half a pass's worth of changes of leases that follow each other, at random addresses, and returns their number.
func fillLog(b *testing.B, s *Store, next *uint64, news bool) (count int) {
	b.Helper()
	table, err := binding.New(binding.Options{Capacity: 2})
	if err != nil {
		b.Fatal(err)
	}
	defer table.Close()
	h := table.NewHandle()
	defer h.Close()
	done := make(chan *worker.Write, 1)
	for size := 0; size < absorbSize/2; {
		var changes []byte
		h.Enter()
		for range 1000 {
			*next++
			d := subscriber(*next)
			r, outcome := h.Publish(nil, d)
			if outcome != binding.Published {
				b.Fatal(outcome)
			}
			if news {
				changes = binding.AppendNews(changes, r, d, nil)
			} else {
				changes = binding.AppendPublished(changes, r, d)
			}
			if h.Remove(r) != binding.Published {
				b.Fatal("not removed")
			}
			h.Leave()
			h.Enter()
		}
		h.Leave()
		s.Append(&worker.Write{Changes: changes, Count: 1000, Done: done})
		<-done
		size += len(changes)
		count += 1000
	}
	return count
}

// subscriber is the binding of the n-th subscriber behind a relay, with what relays say of it.
func subscriber(n uint64) *binding.Draft {
	d := &binding.Draft{
		Kind: wire.IANA, IAID: 1, DUID: binary.BigEndian.AppendUint64([]byte{0, 3, 0, 1}, n)[:10], State: binding.Bound,
		Preferred: 3000, Valid: 4000, LastTransaction: 800_000_000, Since: 800_000_000, Expires: 800_004_000,
	}
	d.Key.Length = 128
	binary.BigEndian.PutUint64(d.Key.Address[:], 0x20010db800010000)
	binary.BigEndian.PutUint64(d.Key.Address[8:], n*0x9e3779b97f4a7c15)
	var peer, link [16]byte
	peer[0], peer[1], link[0], link[1] = 0xfe, 0x80, 0x20, 0x01
	binary.BigEndian.PutUint64(peer[8:], n*0x9e3779b97f4a7c15)
	d.Extension = binding.AppendExtension(nil, binding.ExtPeerAddress, peer[:])
	d.Extension = binding.AppendExtension(d.Extension, binding.ExtLinkAddress, link[:])
	d.Extension = binding.AppendExtension(d.Extension, binding.ExtRemoteID, binary.BigEndian.AppendUint64([]byte{0, 0, 0, 9}, n))
	d.Extension = binding.AppendExtension(d.Extension, binding.ExtInterfaceID, []byte("ge-0/0/1.100"))
	return d
}

// BenchmarkHistory is a look for one address, and a walk through everything, in the history of some hundred thousand grants of one day.
func BenchmarkHistory(b *testing.B) {
	s := open(b, Options{Path: b.TempDir(), FS: vfs.Default, Sync: SyncNever, Codec: Options{}.withDefaults().Codec, History: &History{Keep: math.MaxUint32 * time.Second}, absorb: absorbSize})
	next, entries := uint64(0), 0
	for range 3 {
		entries += fillLog(b, s, &next, true)
	}
	if err := s.absorb(s.in, 0); err != nil {
		b.Fatal(err)
	}
	key := subscriber(next / 2).Key
	for name, about := range map[string][]byte{"address": binding.AppendKey(nil, &key), "everything": nil} {
		b.Run(name, func(b *testing.B) {
			found, before := 0, cpuTime(b)
			for b.Loop() {
				err := s.History(b.Context(), about, func(_ []byte, e []HistoryEntry, _ []byte) error { found += len(e); return nil })
				if err != nil {
					b.Fatal(err)
				}
			}
			used := cpuTime(b) - before
			if want := map[bool]int{true: entries, false: 1}[about == nil] * b.N; found != want {
				b.Fatalf("%d entries, want %d", found, want)
			}
			b.ReportMetric(float64(used.Nanoseconds())/float64(found), "cpu-ns/entry")
		})
	}
}
