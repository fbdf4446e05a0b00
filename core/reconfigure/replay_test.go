package reconfigure

import (
	"sync"
	"testing"
	"time"
)

// TestStamp: an NTP timestamp of 2026 (RFC 5905, Section 6).
func TestStamp(t *testing.T) {
	at := time.Date(1970, 1, 1, 0, 0, 1, 500e6, time.UTC).UnixMilli()
	if got, want := Stamp(at), uint64(0x83aa7e81)<<32|1<<31; got != want {
		t.Errorf("%x, want %x", got, want)
	}
}

// A kept is the stable storage of a test, which a restart leaves.
type kept struct{ reserved uint64 }

func (k *kept) give(t *testing.T, r *Replay, now int64) uint64 {
	t.Helper()
	if upTo, needed := r.Reserve(now); needed {
		k.reserved = upTo
		r.Reserved(upTo)
	}
	value, ok := r.Next(now)
	if !ok || value >= k.reserved {
		t.Fatalf("%x is given: %v; %x is reserved", value, ok, k.reserved)
	}
	return value
}

// TestReplayGrows: over restarts, steps of the clock in both directions, and many values at one time.
func TestReplayGrows(t *testing.T) {
	const now = 1_795_000_000_000
	var k kept
	last := uint64(0)
	for i, start := range []int64{now, now + 5, now - 86_400_000, 0, now + 40*366*86_400_000, now, now + 1} {
		r := new(Replay)
		if _, ok := r.Next(start); ok {
			t.Fatal("a value is given before any is reserved")
		}
		r.Resume(k.reserved)
		for _, step := range []int64{0, 0, 1, -3_600_000, 70_000, 0} {
			value := k.give(t, r, max(start+step, 0))
			if value <= last {
				t.Fatalf("start %d, step %d: %x follows %x", i, step, value, last)
			}
			last = value
		}
	}
}

// TestReplayFollowsClock: values are timestamps where the clock runs as it should, and a minute takes few writes.
func TestReplayFollowsClock(t *testing.T) {
	const now = 1_795_000_000_000
	r, writes := new(Replay), 0
	for ms := int64(0); ms < 60_000; ms += 10 {
		if upTo, needed := r.Reserve(now + ms); needed {
			writes++
			r.Reserved(upTo)
		}
		if value, ok := r.Next(now + ms); !ok || value != Stamp(now+ms) {
			t.Fatalf("%x, %v at %x", value, ok, Stamp(now+ms))
		}
	}
	if writes > 2 {
		t.Errorf("%d writes in a minute", writes)
	}
}

// TestReplayAtOnce: no two workers give the same value.
func TestReplayAtOnce(t *testing.T) {
	r := new(Replay)
	upTo, _ := r.Reserve(5)
	r.Reserved(upTo)
	var mu sync.Mutex
	var group sync.WaitGroup
	seen := make(map[uint64]bool)
	for range 4 {
		group.Go(func() {
			for range 1000 {
				value, ok := r.Next(5)
				mu.Lock()
				if !ok || seen[value] {
					t.Errorf("%x, %v", value, ok)
				}
				seen[value] = true
				mu.Unlock()
			}
		})
	}
	group.Wait()
}
