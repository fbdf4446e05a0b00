package reconfigure

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// play lets a run go on until it is done, by a clock that jumps to whatever comes next, and tells what was sent when. Answer says
// which client answers its attempt.
func play(t *testing.T, r *Run, answers func(client, attempt int) bool) string {
	t.Helper()
	var b strings.Builder
	attempts := make(map[int]int)
	now := time.Duration(0)
	for steps := 0; !r.Done(); steps++ {
		if steps > 10_000 {
			t.Fatal("the run doesn't end")
		}
		client, ok, wait := r.Next(now)
		switch {
		case !ok:
			if wait <= 0 {
				t.Fatalf("at %v it waits for %v", now, wait)
			}
			now += wait
		case r.Outcome(client) == GaveUp:
			fmt.Fprintf(&b, "%v: %d gave up\n", now, client)
		default:
			attempts[client]++
			r.Asked(client, now)
			fmt.Fprintf(&b, "%v: %d\n", now, client)
			if answers(client, attempts[client]) {
				r.End(client, Answered)
			}
		}
	}
	return b.String()
}

// TestRetransmission: REC_TIMEOUT of 2 s, doubled each time, REC_MAX_RC of 8 (RFC 9915, Sections 7.6 and 18.3.11).
func TestRetransmission(t *testing.T) {
	r := NewRun(1, 10, Timing{Gap: 10 * time.Millisecond, First: 2 * time.Second, Attempts: 8})
	got := play(t, r, func(int, int) bool { return false })
	want := "0s: 0\n2s: 0\n6s: 0\n14s: 0\n30s: 0\n1m2s: 0\n2m6s: 0\n4m14s: 0\n8m30s: 0 gave up\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if r.Counts != [Outcomes]int{GaveUp: 1} || r.Sent != 8 {
		t.Errorf("counts %v, sent %d", r.Counts, r.Sent)
	}
}

// TestPace: messages come one after the other, those that are due again first, whomever they are for; who has answered isn't asked again.
func TestPace(t *testing.T) {
	r := NewRun(6, 10, Timing{Gap: time.Second, First: 2 * time.Second, Attempts: 2})
	got := play(t, r, func(client, attempt int) bool { return client != 0 && client != 5 })
	want := "0s: 0\n1s: 1\n2s: 0\n3s: 2\n4s: 3\n5s: 4\n6s: 0 gave up\n6s: 5\n8s: 5\n12s: 5 gave up\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if r.Counts != [Outcomes]int{GaveUp: 2, Answered: 4} || r.Sent != 8 {
		t.Errorf("counts %v, sent %d", r.Counts, r.Sent)
	}
}

// TestMost: no more clients are awaited than may be.
func TestMost(t *testing.T) {
	r := NewRun(4, 2, Timing{Gap: time.Millisecond, First: time.Second, Attempts: 1})
	got := play(t, r, func(int, int) bool { return false })
	want := "0s: 0\n1ms: 1\n1s: 0 gave up\n1s: 2\n1.001s: 1 gave up\n1.001s: 3\n2s: 2 gave up\n2.001s: 3 gave up\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestEndEarly: a client that ends before it was asked isn't asked, and one that can't be asked ends.
func TestEndEarly(t *testing.T) {
	r := NewRun(3, 2, Timing{Gap: time.Second, First: time.Second, Attempts: 1})
	r.End(0, Ended)
	client, ok, _ := r.Next(0)
	if client != 1 || !ok {
		t.Fatalf("client %d, %v", client, ok)
	}
	r.End(1, Failed)
	if client, ok, _ := r.Next(0); client != 2 || !ok {
		t.Fatalf("client %d, %v", client, ok)
	}
	r.Asked(2, 0)
	r.End(2, Answered)
	if !r.Done() || r.Counts != [Outcomes]int{Ended: 1, Failed: 1, Answered: 1} {
		t.Errorf("counts %v", r.Counts)
	}
	if _, ok, wait := r.Next(0); ok || wait <= 0 {
		t.Errorf("a run that is done wants %v, %v", ok, wait)
	}
}

// TestPostpone: a client that can't be asked comes again, and has lost no attempt.
func TestPostpone(t *testing.T) {
	r := NewRun(2, 2, Timing{Gap: time.Millisecond, First: time.Second, Attempts: 1})
	r.Postpone(0, 0)
	client, ok, _ := r.Next(0)
	if client != 1 || !ok {
		t.Fatalf("client %d, %v", client, ok)
	}
	r.Asked(1, 0)
	r.End(1, Answered)
	if _, ok, wait := r.Next(0); ok || wait != time.Second {
		t.Fatalf("%v, %v", ok, wait)
	}
	got := play(t, r, func(int, int) bool { return true })
	if diff := cmp.Diff("1s: 0\n", got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestPostponeAgain: a client that can't be asked when it comes due either comes as much later once more, and meanwhile others do.
func TestPostponeAgain(t *testing.T) {
	r := NewRun(2, 2, Timing{Gap: time.Millisecond, First: time.Second, Attempts: 2})
	r.Asked(0, 0)
	for n := range 5 {
		at := time.Duration(n+1) * time.Second
		if client, ok, _ := r.Next(at); client != 0 || !ok {
			t.Fatalf("at %v client %d, %v", at, client, ok)
		}
		r.Postpone(0, at)
		if client, ok, wait := r.Next(at); ok && client == 0 || !ok && wait <= 0 {
			t.Fatalf("at %v client %d comes at once again, %v", at, client, wait)
		}
	}
	if len(r.due) > 2 {
		t.Errorf("%d entries for one client", len(r.due))
	}
}

// TestAdd: clients that come later are asked after those before them, and who has ended in front of all is forgotten.
func TestAdd(t *testing.T) {
	r := NewRun(0, 10, Timing{Gap: time.Second, First: 2 * time.Second, Attempts: 2})
	if !r.Done() {
		t.Error("a run of nobody isn't done")
	}
	for want := range 3 {
		if got := r.Add(); got != want {
			t.Errorf("client %d, want %d", got, want)
		}
	}
	got := play(t, r, func(client, _ int) bool { return client != 2 })
	want := "0s: 0\n1s: 1\n2s: 2\n4s: 2\n8s: 2 gave up\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := r.Trim(); got != 3 {
		t.Errorf("%d are forgotten, want 3", got)
	}
	if got := r.Add(); got != 3 || r.First() != 3 || r.Done() || r.Counts != [Outcomes]int{Waiting: 1, Answered: 2, GaveUp: 1} {
		t.Errorf("client %d, the first is %d, %v", got, r.First(), r.Counts)
	}
	if client, ok, _ := r.Next(time.Minute); client != 3 || !ok {
		t.Errorf("client %d, %v", client, ok)
	}
	r.Asked(3, time.Minute)
	r.End(3, Answered)
	r.Add()
	if got := r.Trim(); got != 1 || r.First() != 4 || r.Outcome(4) != Waiting {
		t.Errorf("%d are forgotten, the first is %d", got, r.First())
	}
}

// TestSharedPace: two runs with one pace send no faster than one.
func TestSharedPace(t *testing.T) {
	var p Pace
	timing := Timing{Gap: time.Second, First: time.Minute, Attempts: 1, Pace: &p}
	one, other := NewRun(2, 2, timing), NewRun(2, 2, timing)
	one.Asked(0, 0)
	if _, ok, wait := other.Next(0); ok || wait != time.Second {
		t.Errorf("the other one may send at once: %v, %v", ok, wait)
	}
	if client, ok, _ := other.Next(time.Second); client != 0 || !ok {
		t.Errorf("client %d, %v", client, ok)
	}
	other.Asked(0, time.Second)
	if _, ok, wait := one.Next(time.Second); ok || wait != time.Second {
		t.Errorf("and so may the first: %v, %v", ok, wait)
	}
}
