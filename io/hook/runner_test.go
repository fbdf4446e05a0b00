package hook

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/core/binding"
)

// A receiver that is told at random times fails at random, and loses what it has now and then, has in the end what stands, and
// no end of a list took away what stood all the time. With few leases each is often under way when it changes again.
func TestFollows(t *testing.T) {
	for _, s := range []Settings{
		{Batch: 1, Parallel: 4, Tolerance: 16, Rate: 100},
		{Batch: 50, Parallel: 1, Tolerance: 1, Rate: 1000},
		{Batch: 8, Parallel: 3, Tolerance: 1},
		{Batch: 2, Parallel: 8, Tolerance: 1000},
	} {
		for seed := range uint64(30) {
			for _, leases := range []int{6, 150} {
				synctest.Test(t, func(t *testing.T) { follows(t, s, seed, leases) })
			}
		}
	}
}

func follows(t *testing.T, s Settings, seed uint64, count int) {
	random, luck := rand.New(rand.NewPCG(seed, 1)), rand.New(rand.NewPCG(seed, 2))
	l, to := &leases{all: make(map[binding.Key]string)}, &receiver{takes: 5 * time.Millisecond, steady: make(map[string]bool)}
	for i := range count {
		l.all[keyOf(i)] = "first"
		to.steady[textOf(keyOf(i))] = i%3 == 0
	}
	to.fails(func([]Event) error {
		if luck.IntN(4) == 0 {
			return errAway
		}
		return nil
	})
	s.Source, s.Target = l, to
	r, stop := start(t, s)
	const changes = 400
	for i := range changes {
		n, what := random.IntN(count), strconv.Itoa(i)
		if n%3 > 0 && random.IntN(3) == 0 {
			what = ""
		}
		kind, gone := l.set(keyOf(n), what)
		pass(time.Duration(random.IntN(int(8 * time.Millisecond)))) // changes come some time after they are in the table
		r.Put(keyOf(n), kind, gone)
		if i < changes/2 && random.IntN(30) == 0 {
			if random.IntN(2) == 0 {
				to.lose()
			}
			r.Resend()
		}
	}
	to.fails(nil)
	pass(10 * backOffMost)
	to.follows(t, l)
	if got := r.Status(); got.Pending != 0 || !got.Up || got.Listing || got.Error != "" || got.Whole.IsZero() || !got.Oldest.IsZero() {
		t.Errorf("in the end its state is %+v", got)
	}
	stop()
}

// The events of some changes, in order.
func TestEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, to := &leases{all: map[binding.Key]string{keyOf(1): "a"}}, &receiver{}
		r, stop := start(t, Settings{Source: l, Target: to, Batch: 1, Parallel: 1, Tolerance: 1})
		synctest.Wait()
		pass(time.Second)
		put := func(i int, what string) {
			kind, gone := l.set(keyOf(i), what)
			r.Put(keyOf(i), kind, gone)
			pass(time.Second)
		}
		put(2, "b")
		put(1, "c")
		put(2, "")
		l.set(keyOf(2), "g") // somebody has it again by the time that its end is told
		r.Put(keyOf(2), Remove, &Event{Lease: textOf(keyOf(2)), DUID: "b"})
		pass(time.Second)
		to.fails(func([]Event) error { return errAway })
		put(3, "d") // what wasn't taken, for all that is known, is told once more, as it stands
		put(3, "e")
		put(1, "")
		put(1, "f")
		to.fails(nil)
		pass(backOffMost)
		want := []string{
			"list-begin  ", "list-item " + textOf(keyOf(1)) + " a", "list-end  ", "add " + textOf(keyOf(2)) + " b", "change " + textOf(keyOf(1)) + " c",
			"remove " + textOf(keyOf(2)) + " b", "change " + textOf(keyOf(2)) + " g", "change " + textOf(keyOf(3)) + " e", "change " + textOf(keyOf(1)) + " f",
		}
		if diff := cmp.Diff(sorted(want), sorted(to.seen)); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		stop()
	})
}

// The end of a list waits for the item that isn't taken, and what else changes doesn't.
func TestListWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, to := &leases{all: map[binding.Key]string{keyOf(1): "a", keyOf(2): "b"}}, &receiver{}
		to.fails(func(events []Event) error {
			if events[0].DUID == "a" && events[0].Event != Remove {
				return errAway
			}
			return nil
		})
		r, stop := start(t, Settings{Source: l, Target: to, Batch: 1, Parallel: 2, Tolerance: 16})
		pass(10 * time.Minute)
		if to.lists != 0 || len(to.has) != 1 {
			t.Errorf("%d lists, and it has %v", to.lists, to.has)
		}
		if got := r.Status(); got.Up || got.Error != errAway.Error() || !got.Listing || got.Pending != 1 || got.Failed < 10 || got.FailedSends != got.Failed {
			t.Errorf("its state is %+v", got)
		}
		kind, gone := l.set(keyOf(3), "c")
		r.Put(keyOf(3), kind, gone)
		pass(time.Second)
		if len(to.has) != 2 {
			t.Errorf("it has %v", to.has)
		}
		kind, gone = l.set(keyOf(1), "")
		r.Put(keyOf(1), kind, gone)
		pass(2 * backOffMost)
		if to.lists != 1 {
			t.Errorf("%d lists", to.lists)
		}
		to.follows(t, l)
		stop()
	})
}

// A receiver that is away is asked less and less often, and gets what there is when it is back; a rate is kept.
func TestAwayAndRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, to := &leases{all: make(map[binding.Key]string)}, &receiver{}
		for i := range 1000 {
			l.all[keyOf(i)] = "a"
		}
		tries := 0
		to.fails(func([]Event) error { tries++; return errAway })
		r, stop := start(t, Settings{Source: l, Target: to, Batch: 10, Parallel: 4, Tolerance: 1, Rate: 100})
		pass(time.Hour)
		if tries < 60 || tries > 70 {
			t.Errorf("tried %d times within an hour", tries)
		}
		to.fails(nil)
		pass(backOffMost)
		began := r.Status().Taken
		pass(2 * time.Second)
		if got := r.Status().Taken - began; began > 1 && began < 1000 && (got < 190 || got > 210) {
			t.Errorf("%d events within two seconds, want 200", got)
		}
		pass(time.Minute)
		to.follows(t, l)
		stop()
	})
}

// More leases than may wait are told by a whole list.
func TestOverflow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, to := &leases{all: make(map[binding.Key]string)}, &receiver{}
		away := func([]Event) error { return errAway }
		r, stop := start(t, Settings{Source: l, Target: to, Batch: 500, Parallel: 1, Tolerance: 1})
		pass(time.Second)
		to.fails(away)
		for i := range pendingMost + 1 {
			kind, gone := l.set(keyOf(i), "a")
			r.Put(keyOf(i), kind, gone)
		}
		if got := r.Status(); got.Overflows != 1 || got.Pending > 500 || !got.Listing {
			t.Errorf("its state is %+v", got)
		}
		to.fails(nil)
		pass(2 * backOffMost)
		to.follows(t, l)
		if !slices.Contains(to.seen[1:], "list-begin  ") {
			t.Error("no second list")
		}
		stop()
	})
}

// Numbers of lists grow over restarts.
func TestListNumbers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		last := int64(0)
		for range 3 {
			to := &receiver{}
			r, stop := start(t, Settings{Source: &leases{}, Target: to, Batch: 1, Parallel: 1, Tolerance: 1})
			pass(time.Second)
			r.Resend()
			pass(time.Second)
			if number := r.queue.list.number; number <= last || to.lists != 2 {
				t.Errorf("list %d after %d, %d lists", number, last, to.lists)
			} else {
				last = number
			}
			stop()
		}
	})
}

// Nor do they go back with the machine's clock, of which the node knows that it is behind.
func TestListNumbersAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to, after := &receiver{}, time.Now().Add(time.Hour).UnixMilli()
		r, stop := start(t, Settings{Source: &leases{}, Target: to, Batch: 1, Parallel: 1, Tolerance: 1, After: after})
		pass(time.Second)
		if number := r.queue.list.number; number != after+1 || to.lists != 1 {
			t.Errorf("list %d after %d, %d lists", number, after, to.lists)
		}
		stop()
	})
}
