package hook

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/lockstep6/lockstep6/core/binding"
)

// What is told of a lease that changes again before its turn.
func TestMerge(t *testing.T) {
	for _, c := range []struct {
		was  string
		told bool
		then string
		want string
	}{
		{Add, false, Change, Add}, {Add, true, Change, Change}, {Add, false, Remove, Remove}, {Change, false, Change, Change},
		{Change, false, Remove, Remove}, {Remove, false, Add, Change}, {Remove, true, Add, Change}, {ListItem, false, Change, ListItem},
		{ListItem, true, Change, ListItem}, {ListItem, false, Remove, Remove},
	} {
		e, gone := entry{kind: c.was, told: c.told}, new(Event)
		if c.then != Remove {
			gone = nil
		}
		e.merge(c.then, gone)
		if e.kind != c.want || e.gone != gone {
			t.Errorf("%s (told: %t), then %s: %s with %v, want %s with %v", c.was, c.told, c.then, e.kind, e.gone, c.want, gone)
		}
	}
}

// slow is a receiver of two leases that takes its time, and has taken a list.
func slow(t *testing.T) (l *leases, to *receiver, r *Runner, stop func()) {
	t.Helper()
	l = &leases{all: map[binding.Key]string{keyOf(1): "a", keyOf(2): "b"}}
	to = &receiver{takes: 5 * time.Millisecond, steady: map[string]bool{textOf(keyOf(1)): true}}
	r, stop = start(t, Settings{Source: l, Target: to, Batch: 1, Parallel: 2, Tolerance: 16})
	pass(time.Second)
	return l, to, r, stop
}

// failing refuses a lease's first events.
func (r *receiver) failing(key binding.Key, times int) {
	r.fails(func(events []Event) error {
		if events[0].Lease != textOf(key) || times == 0 {
			return nil
		}
		times--
		return errAway
	})
}

// The end of a lease that comes while the event before it is under way, which fails, is told.
func TestEndsWhileUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, to, r, stop := slow(t)
		to.failing(keyOf(2), 1)
		kind, gone := l.set(keyOf(2), "c")
		r.Put(keyOf(2), kind, gone)
		pass(time.Millisecond)
		kind, gone = l.set(keyOf(2), "")
		r.Put(keyOf(2), kind, gone)
		pass(time.Minute)
		to.follows(t, l)
		stop()
	})
}

// A lease that is under way when the list comes by, and fails, holds up the list's end.
func TestListWaitsForWhatIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, to, r, stop := slow(t)
		to.failing(keyOf(1), 3)
		r.Resend()
		pass(time.Millisecond) // the list's beginning is under way
		kind, gone := l.set(keyOf(1), "c")
		r.Put(keyOf(1), kind, gone)
		pass(time.Minute)
		to.follows(t, l)
		if to.lists != 2 {
			t.Errorf("%d lists, want 2", to.lists)
		}
		stop()
	})
}
