package events

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/io/hook"
)

// Of one client nothing is under way while something before it isn't taken, and nothing leaves the outbox before it is.
func TestRunnerKeepsOrder(t *testing.T) {
	s, tries := newSource(), 0
	b := &fakeBroker{refuse: func(m *Message) error {
		switch {
		case strings.Contains(string(m.Body), `"lease":"1"`):
			if tries++; tries < 3 {
				return errors.New("not now")
			}
		case strings.Contains(string(m.Body), `"lease":"3"`):
			return fmt.Errorf("too large: %w", ErrRefused)
		}
		return nil
	}}
	s.add(event(hook.Add, "A", "1", 1), event(hook.Add, "B", "2", 1), event(hook.Change, "A", "1b", 1), event(hook.Add, "C", "3", 1), event(hook.Remove, "B", "2", 2))
	r, end := run(t, s, b)
	until(t, "all is told", func() bool { return s.isDone() == 5 })
	end()
	at := map[string]int{}
	for i, what := range b.taken() {
		at[what] = i
	}
	if len(at) != 4 || at["add1"] > at["change1b"] || at["add2"] > at["remove2"] {
		t.Errorf("taken: %v", b.taken())
	}
	if got := r.Status(); got.Sent != 4 || got.Failed != 2 || got.Refused != 1 || !got.Up || got.Error != "" {
		t.Errorf("status: %+v", got)
	}
}

// A whole list has a beginning, all leases and an end, and comes when it is due and when somebody asks.
func TestRunnerLists(t *testing.T) {
	s, b := newSource(), &fakeBroker{}
	s.due = true
	s.leases = []Event{event("", "A", "1", 4), event("", "B", "2", 9)}
	r, end := run(t, s, b)
	until(t, "a list is told", func() bool { return !r.Status().Whole.IsZero() })
	want := []string{"list-begin", "list-item1", "list-item2", "list-end"}
	if diff := cmp.Diff(want, b.taken()); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	s.mu.Lock()
	s.due = true
	s.mu.Unlock()
	r.LookAgain()
	until(t, "another one is", func() bool { return len(b.taken()) == 8 })
	end()
	if got := r.Status(); got.Listed != 2 || got.Listing {
		t.Errorf("status: %+v", got)
	}
}

// What waits when a list begins is told before it, with the number of the list before: of a lease that isn't in the list the end may have been dropped.
func TestRunnerTellsWhatWaitsBeforeList(t *testing.T) {
	s, numbers := newSource(), map[string]int64{}
	b := &fakeBroker{}
	b.refuse = func(m *Message) error {
		var e Event
		if err := json.Unmarshal(m.Body, &e); err != nil {
			return err
		}
		numbers[e.Event.Event+e.Lease] = e.List
		return nil
	}
	s.due, s.list = true, 7
	s.leases = []Event{event("", "B", "2", 9)}
	for n := range 250 { // in several batches
		s.add(event(hook.Add, fmt.Sprint("client", n), "1", uint64(n)))
	}
	r, end := run(t, s, b)
	until(t, "a list is told", func() bool { return !r.Status().Whole.IsZero() })
	s.add(event(hook.Add, "C", "3", 1))
	until(t, "what comes behind it is", func() bool { return s.isDone() == 251 })
	end()
	if got := b.taken(); got[249] != "add1" || got[250] != "list-begin" {
		t.Errorf("told around the list's beginning: %v", got[245:])
	}
	if diff := cmp.Diff(map[string]int64{"add1": 7, "list-begin": 8, "list-item2": 8, "list-end": 8, "add3": 8}, numbers); diff != "" {
		t.Errorf("numbers of lists (-want +got):\n%s", diff)
	}
}

// What can't be forgotten is told again, and no list begins before it is: a restart would tell it behind the list, with the list's number.
func TestRunnerForgetsBeforeList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, b := newSource(), &fakeBroker{}
		s.due, s.fails = true, 3
		s.add(event(hook.Add, "A", "1", 1))
		_, end := run(t, s, b)
		until(t, "the list is told", func() bool { return !s.ListDue() })
		end()
		if diff := cmp.Diff([]string{"add1", "add1", "add1", "add1", "list-begin", "list-end"}, b.taken()); diff != "" || s.isDone() != 1 {
			t.Errorf("done up to %d, told (-want +got):\n%s", s.isDone(), diff)
		}
	})
}

// A broker that takes nothing is asked with one event, less and less often, and gets all others once it has taken that one.
func TestRunnerWaitsForSilentBroker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, tries, began := newSource(), []time.Duration(nil), time.Now()
		b := &fakeBroker{}
		b.refuse = func(*Message) error {
			if at := time.Since(began); len(tries) == 0 || at > tries[len(tries)-1] {
				tries = append(tries, at)
			}
			if len(tries) > 6 {
				return nil
			}
			return errors.New("no acknowledgement")
		}
		for i := range 50 {
			s.add(event(hook.Add, fmt.Sprint("client", i), fmt.Sprint(i), 1))
		}
		r, end := run(t, s, b)
		until(t, "all is told", func() bool { return s.isDone() == 50 })
		end()
		if diff := cmp.Diff([]int{50, 1, 1, 1, 1, 1, 1, 49}, b.sizes); diff != "" {
			t.Errorf("messages of each try (-want +got):\n%s", diff)
		}
		want := []time.Duration{0, 1, 3, 7, 15, 31, 47}
		for i := range tries {
			if at := want[i] * time.Second; tries[i] != at {
				t.Errorf("try %d was after %v, want %v", i, tries[i], at)
			}
		}
		if got := r.Status(); got.Sent != 50 || got.Failed != 55 || !got.Up {
			t.Errorf("status: %+v", got)
		}
	})
}

// What a broker says of a Publish that goes on is counted and told.
func TestRunnerCountsLate(t *testing.T) {
	r := New(Settings{Logger: slog.New(slog.DiscardHandler)})
	r.late(3, errors.New("no acknowledgement for 10s"))
	if got := r.Status(); got.Failed != 3 || got.Up || got.Error != "no acknowledgement for 10s" {
		t.Errorf("status: %+v", got)
	}
}

// Changes of a lease that were committed the wrong way round are told in the order of their versions, and what comes behind a later one isn't told.
func TestOrder(t *testing.T) {
	var o order
	versions := func(some []Event) (out []string) {
		for i := range some {
			out = append(out, fmt.Sprint(some[i].Lease, some[i].Version))
		}
		return out
	}
	late := event(hook.Add, "B", "x", 1)
	late.Time = late.Time.Add(time.Hour)
	for _, c := range []struct{ read, want []Event }{
		{[]Event{event(hook.Remove, "A", "x", 6), event(hook.Add, "B", "y", 1), event(hook.Add, "A", "x", 5)},
			[]Event{event(hook.Add, "A", "x", 5), event(hook.Add, "B", "y", 1), event(hook.Remove, "A", "x", 6)}},
		{[]Event{event(hook.Change, "A", "x", 4), event(hook.Change, "B", "y", 2)}, []Event{event(hook.Change, "B", "y", 2)}},
		{[]Event{event(hook.Add, "A", "x", 7)}, []Event{event(hook.Add, "A", "x", 7)}},
		{[]Event{late}, []Event{late}}, // the lease was forgotten, and its versions begin anew
	} {
		if diff := cmp.Diff(versions(c.want), versions(o.arrange(c.read))); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

// What goes from client to client is two events of one version, and their IDs differ in whatever batches they are told: a broker drops what has an ID that
// it knows.
func TestMoveAcrossBatches(t *testing.T) {
	for batch := 1; batch <= 3; batch++ {
		var mu sync.Mutex
		ids := make(map[string]bool)
		b := &fakeBroker{refuse: func(m *Message) error { mu.Lock(); defer mu.Unlock(); ids[m.ID] = true; return nil }}
		s := newSource()
		s.add(event(hook.Add, "C", "y", 1), event(hook.Remove, "A", "x", 6), event(hook.Add, "B", "x", 6), event(hook.Remove, "B", "x", 7))
		r := New(Settings{Cluster: "ber1", Source: s, Broker: b, Batch: batch, Logger: slog.New(slog.DiscardHandler)})
		if told, err := r.tellChanges(t.Context()); !told || err != nil || len(ids) != 4 || !ids["ber1//x/6/1800000000/0"] || !ids["ber1//x/6/1800000000/1"] {
			t.Errorf("in batches of %d: %v", batch, ids)
		}
	}
}

// An event's ID is the same whenever it is told, and no other's.
func TestIdentities(t *testing.T) {
	first, second, item := event(hook.Add, "A", "x", 6), event(hook.Add, "A", "x", 6), event(hook.ListItem, "A", "x", 6)
	first.List, second.List, item.List = 1, 2, 3
	for _, e := range []*Event{&first, &second, &item} {
		e.identify()
	}
	if first.ID != second.ID || item.ID == first.ID {
		t.Errorf("IDs %s, %s, %s", first.ID, second.ID, item.ID)
	}
	m, err := first.message()
	if err != nil || m.Key == "" || len(m.Subject) != 2 || strings.Contains(string(m.Body), `"hook"`) {
		t.Errorf("message %+v, %v: %s", m, err, m.Body)
	}
}
