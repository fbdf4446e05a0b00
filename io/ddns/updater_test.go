package ddns

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lockstep6/lockstep6/core/upkeep"
)

func TestTasksAreDone(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		const n = 3 * benchWindow
		for i := range n {
			b.queue.add(b.world.grant(t, i, i, fmt.Sprintf("host-%d.example.com", i)))
		}
		b.rest(t, time.Hour)
		if forward, reverse := b.server.made("0 "), b.server.made("2 "); forward != n || reverse != n {
			t.Errorf("%d forward and %d reverse updates", forward, reverse)
		}
		if b.server.most != 8 {
			t.Errorf("%d updates at a time", b.server.most)
		}
		s := b.Status()
		if s.Done != n || s.Held != 0 || s.Running != 0 || s.Zones[0].Updates["ok"] != n || s.Zones[0].LastSuccess.IsZero() || !s.Zones[1].LastSuccess.IsZero() {
			t.Errorf("status %+v", s)
		}
		var latency uint64
		for _, count := range s.Zones[0].Latency.Buckets {
			latency += count
		}
		if latency != n {
			t.Errorf("latencies of %d updates", latency)
		}
	})
}

// Names keep their order: what happens to one happens one after the other, and the bindings decide what stands in the end.
func TestOneNameOfManyClients(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		for i := range 50 {
			b.queue.add(b.world.grant(t, i, i, "host.example.com"), b.world.release(i), b.world.grant(t, i, i, "host.example.com"))
		}
		b.rest(t, time.Hour)
		if s := b.Status(); s.Done != 150 {
			t.Errorf("status %+v", s)
		}
		if b.server.most != 1 {
			t.Errorf("%d updates at a time", b.server.most)
		}
	})
}

func TestTasksOfOneLeaseAreDoneTogether(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		var tasks [][]byte
		for range 100 {
			tasks = append(tasks, b.world.grant(t, 1, 1, "host.example.com"))
		}
		b.queue.add(tasks...)
		b.rest(t, time.Minute)
		if n := b.server.made(""); n != 2 {
			t.Errorf("%d updates, want one of each zone", n)
		}
	})
}

// A task that comes while its lease is worked on isn't done with the work that began before it.
func TestTaskThatComesMeanwhile(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		b.queue.add(b.world.grant(t, 1, 1, "host.example.com"))
		time.Sleep(5 * time.Millisecond)
		b.queue.add(b.world.release(1))
		b.rest(t, time.Minute)
		if n := b.server.made("0 "); n != 3 { // the addition, and the two steps of the removal
			t.Errorf("%d updates of the name", n)
		}
	})
}

func TestZoneThatIsDown(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		var down atomic.Bool
		down.Store(true)
		b.server.answer = func(u *upkeep.Update) (upkeep.Answer, error) {
			if u.Zone == 0 && down.Load() {
				return 0, noAnswer(t, "example.com")
			}
			return upkeep.NoError, nil
		}
		const n = 3 * benchWindow
		for i := range n {
			b.queue.add(b.world.grant(t, i, i, fmt.Sprintf("host-%d.example.com", i)))
		}
		for i := n; i < n+100; i++ { // behind all of them
			b.queue.add(b.world.grant(t, i, i, fmt.Sprintf("host-%d.example.org", i)))
		}
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if b.queue.waiting() != n || b.server.made("1 ") != 100 {
			t.Errorf("%d wait, and %d updates of the other zone were made", b.queue.waiting(), b.server.made("1 "))
		}
		if tries := b.server.made("0 "); tries < 20 || tries > 40 { // 8 at once, then one each 30 s
			t.Errorf("%d tries", tries)
		}
		s := b.Status()
		if s.Held > benchWindow || s.Waiting < benchWindow/2 || s.Zones[0].Failing.IsZero() || !strings.Contains(s.Zones[0].LastError, "no answer within 1s") || s.Zones[0].Updates["no_answer"] == 0 {
			t.Errorf("status %+v", s)
		}
		b.wantLines(t, "dns-zone-down", 1)
		b.wantLines(t, "dns-zone-up", 0)
		if reads := b.queue.reads; reads > 5*n {
			t.Errorf("%d tasks were read", reads)
		}
		down.Store(false)
		b.rest(t, 5*time.Minute)
		b.wantLines(t, "dns-zone-up", 1)
		if s := b.Status(); !s.Zones[0].Failing.IsZero() || s.Done != n+100 {
			t.Errorf("status %+v", s)
		}
	})
}

// A reverse zone that is down keeps no name from being added.
func TestReverseZoneThatIsDown(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		var down atomic.Bool
		down.Store(true)
		b.server.answer = func(u *upkeep.Update) (upkeep.Answer, error) {
			if u.Zone == 2 && down.Load() {
				return 0, noAnswer(t, reverseZone)
			}
			return upkeep.NoError, nil
		}
		for i := range 100 {
			b.queue.add(b.world.grant(t, i, i, fmt.Sprintf("host-%d.example.com", i)))
		}
		time.Sleep(time.Minute)
		for i := range 100 {
			if b.server.made(fmt.Sprintf("0 host-%d.example.com.", i)) == 0 {
				t.Fatalf("name %d wasn't added", i)
			}
		}
		if tries := b.server.made("2 "); tries > 20 {
			t.Errorf("%d tries", tries)
		}
		down.Store(false)
		b.rest(t, time.Minute)
	})
}

func TestListeningWaits(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		b.world.grant(t, 1, 1, "host.example.com")
		time.Sleep(time.Second)
		b.world.mu.Lock()
		b.world.listening, b.world.back = true, b.world.Now()
		b.world.mu.Unlock()
		b.queue.add(b.world.release(1), b.world.grant(t, 2, 2, "other.example.com"))
		time.Sleep(48 * time.Hour) // longer than after what others are given up
		synctest.Wait()
		if b.queue.waiting() != 1 || b.server.made("0 host.") != 0 || b.server.made("0 other.") != 1 {
			t.Errorf("%d tasks wait; updates are %q", b.queue.waiting(), b.server.updates)
		}
		if s := b.Status(); s.Listening != 1 || s.Waiting != 1 || s.GivenUp != 0 {
			t.Errorf("status %+v", s)
		}
		if apart := b.world.asked[1].Sub(b.world.asked[0]); apart != listenAgain {
			t.Errorf("asked again after %v", apart)
		}
		b.world.mu.Lock()
		b.world.listening = false
		b.world.mu.Unlock()
		b.rest(t, time.Minute)
		if b.server.made("0 host.") == 0 {
			t.Error("the name wasn't removed")
		}
	})
}

// What comes for a lease that waits is looked at at once: it may make certain what wasn't.
func TestTaskOfALeaseThatWaits(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		b.world.grant(t, 1, 1, "host.example.com")
		time.Sleep(time.Second)
		b.world.mu.Lock()
		b.world.listening, b.world.back = true, b.world.Now()
		b.world.mu.Unlock()
		b.queue.add(b.world.release(1))
		time.Sleep(listenAgain/2 + time.Hour)
		b.queue.add(b.world.grant(t, 2, 1, "new.example.com"))
		if took := b.rest(t, time.Minute); took > time.Second {
			t.Errorf("done after %v", took)
		}
		if b.server.made("0 new.") != 1 || b.server.made("0 host.") == 0 {
			t.Errorf("updates are %q", b.server.updates)
		}
	})
}
