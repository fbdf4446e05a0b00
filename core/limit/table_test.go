package limit

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const second = int64(time.Second)

// TestAgainstBuckets plays random senders against plain leaky buckets of infinite precision.
func TestAgainstBuckets(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	rate := Rate{PerSecond: 20, Burst: 5}
	table := NewTable(1024)
	var senders [50]uint64
	var level [50]float64 // messages in each bucket
	var last [50]int64
	for i := range senders {
		senders[i] = random.Uint64()
	}
	now, admitted, refused := 1_800_000_000*second, 0, 0
	for range 200_000 {
		now += random.Int64N(2 * second / 1000)
		i := random.IntN(len(senders))
		level[i] = max(level[i]-float64(now-last[i])/float64(second)*float64(rate.PerSecond), 0)
		last[i] = now
		got := table.Admit(senders[i], now, rate)
		if want := level[i]+1 <= float64(rate.Burst); got != want && abs(level[i]+1-float64(rate.Burst)) > 0.01 {
			t.Fatalf("sender %d with %.3f messages in its bucket is admitted: %v", i, level[i], got)
		}
		if got {
			level[i]++
			admitted++
		} else {
			refused++
		}
	}
	if admitted < 1000 || refused < 1000 {
		t.Errorf("%d admitted and %d refused: nothing was tried", admitted, refused)
	}
}

func abs(x float64) float64 { return max(x, -x) }

// TestRoundOfTimes holds that a word which was left behind is no limit when its time comes again.
func TestRoundOfTimes(t *testing.T) {
	table, rate := NewTable(8), Rate{PerSecond: 1, Burst: 1}
	const round = int64(unit) << timeBits
	for now := int64(0); now < 2*round; now += round / 97 {
		if !table.Admit(7<<timeBits, now, rate) {
			t.Fatalf("after %s a sender is refused that was silent for hours", time.Duration(now))
		}
		if table.Admit(7<<timeBits, now+1, rate) {
			t.Fatalf("after %s the limit is gone", time.Duration(now))
		}
	}
}

// TestFullSetLetsPass holds that nobody is refused for what others send.
func TestFullSetLetsPass(t *testing.T) {
	table, rate := NewTable(places), Rate{PerSecond: 1, Burst: 1}
	for i := range uint64(1000) {
		if !table.Admit((i+1)<<timeBits, second, rate) {
			t.Fatalf("sender %d is refused its first message", i)
		}
	}
	// Those that have a place are limited still.
	if table.Admit(1<<timeBits, second, rate) {
		t.Error("the first sender has its limit no more")
	}
}

func TestExtremes(t *testing.T) {
	table := NewTable(1)
	for i, r := range []Rate{{1_000_000, 1}, {1, 1_000_000}, {1_000_000, 1_000_000}, {2_000_000, 0}, {1, 0}} {
		sender := uint64(i+1) << timeBits
		if !table.Admit(sender, 5*second, r) {
			t.Errorf("rate %+v: the first message is refused", r)
		}
	}
	if (Rate{}).Limited() || !(Rate{PerSecond: 1}).Limited() {
		t.Error("a rate is a limit where PerSecond isn't 0")
	}
}

// TestWorkersTogether has workers count one sender's messages at once: together they admit its burst, no more.
func TestWorkersTogether(t *testing.T) {
	table, rate := NewTable(64), Rate{PerSecond: 1, Burst: 1000}
	if !table.Admit(3<<timeBits, second, rate) { // it has its place
		t.Fatal("the first message is refused")
	}
	var admitted atomic.Int64
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range 1000 {
				if table.Admit(3<<timeBits, second, rate) {
					admitted.Add(1)
				}
			}
		})
	}
	group.Wait()
	if n := admitted.Load(); n != 999 {
		t.Errorf("%d of a burst of 999 were admitted", n)
	}
}

func TestNothingIsAllocated(t *testing.T) {
	table, share, i := NewTable(1024), NewShare(), uint64(0)
	if n := testing.AllocsPerRun(1000, func() {
		i++
		share.Lost()
		table.Admit(i*0x9e3779b97f4a7c15, int64(i)*1000, Rate{PerSecond: 10, Burst: 10})
		share.Admit(i*0x9e3779b97f4a7c15, int64(i)*second/100)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkAdmit(b *testing.B) {
	table, share, sender, now := NewTable(1<<16), NewShare(), uint64(0), int64(0)
	b.Run("table", func(b *testing.B) {
		for b.Loop() {
			sender, now = sender*6364136223846793005+1442695040888963407, now+5000
			table.Admit(sender, now, Rate{PerSecond: 20, Burst: 100})
		}
	})
	b.Run("share", func(b *testing.B) {
		for b.Loop() {
			sender, now = sender*6364136223846793005+1442695040888963407, now+5000
			share.Admit(sender>>60<<60, now)
		}
	})
}
