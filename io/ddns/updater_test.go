package ddns

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lockstep6/lockstep6/core/naming"
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

func TestRefusedTaskWaits(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		b.server.answer = func(u *upkeep.Update) (upkeep.Answer, error) {
			if strings.HasPrefix(u.Changes[0].Name.String(), "bad.") {
				return upkeep.Refused, nil
			}
			return upkeep.NoError, nil
		}
		b.queue.add(b.world.grant(t, 1, 1, "bad.example.com"))
		for i := 2; i < 100; i++ {
			b.queue.add(b.world.grant(t, i, i, fmt.Sprintf("host-%d.example.com", i)))
		}
		time.Sleep(time.Hour)
		if b.queue.waiting() != 1 {
			t.Errorf("%d tasks wait", b.queue.waiting())
		}
		synctest.Wait()
		var tries []time.Time
		for i, u := range b.server.updates {
			if u == "0 bad.example.com." {
				tries = append(tries, b.server.times[i])
			}
		}
		wait := firstTry
		for i := 1; i < len(tries) && i < refusals; i++ {
			if apart := tries[i].Sub(tries[i-1]); apart < wait/2 || apart > wait*3/2+time.Second {
				t.Errorf("try %d came after %v, want about %v", i, apart, wait)
			}
			wait = min(2*wait, longTry)
		}
		if len(tries) < 15 || len(tries) > 40 {
			t.Errorf("%d tries in an hour", len(tries))
		}
		if s := b.Status(); s.Zones[0].Updates["refused"] != uint64(len(tries)) {
			t.Errorf("status %+v", s)
		}
		synctest.Wait()
		if log := b.log.String(); !strings.Contains(log, "id=dns-refused zone=example.com. name=bad.example.com. answer=REFUSED") {
			t.Errorf("log:\n%s", log)
		}
	})
}

// A server that refuses everything is left alone nearly as one that doesn't answer: some leases are tried for the first time.
func TestZoneThatRefusesAll(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		var refuses atomic.Bool
		refuses.Store(true)
		b.server.answer = func(*upkeep.Update) (upkeep.Answer, error) {
			if refuses.Load() {
				return upkeep.NotAuth, nil
			}
			return upkeep.NoError, nil
		}
		for i := range 3 * benchWindow {
			b.queue.add(b.world.grant(t, i, i, fmt.Sprintf("host-%d.example.com", i)))
		}
		time.Sleep(10 * time.Minute)
		if tries := b.server.made(""); tries > 300 {
			t.Errorf("%d tries", tries)
		}
		b.wantLines(t, "dns-zone-down", 1)
		refuses.Store(false)
		b.rest(t, 10*time.Minute)
	})
}

// Leases whose names the server's rules don't allow hold no other one up, however many there are.
func TestRefusedNamesHoldUpNobody(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		b.server.answer = func(u *upkeep.Update) (upkeep.Answer, error) {
			for i := range u.Changes {
				if strings.Contains(string(u.Changes[i].Name), "bad") {
					return upkeep.Refused, nil
				}
			}
			return upkeep.NoError, nil
		}
		for i := range 3 * refusals {
			b.queue.add(b.world.grant(t, i, i, fmt.Sprintf("bad-%d.example.com", i)))
		}
		time.Sleep(10 * time.Minute)
		b.wantLines(t, "dns-zone-down", 1)
		b.queue.add(b.world.grant(t, 1000, 1000, "good.example.com"))
		time.Sleep(time.Second)
		synctest.Wait()
		if b.server.made("0 good.") == 0 {
			t.Errorf("a second later nothing was tried: %q", b.server.updates)
		}
	})
}

// Many bad names at once, with a good one among them, in a zone that has taken nothing yet: that one gets its turn soon.
func TestGoodNameAmongRefused(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		b.server.answer = refuseBad
		for i := range 400 {
			host := fmt.Sprintf("bad-%d.example.com", i)
			if i == 200 {
				host = "good.example.com"
			}
			b.queue.add(b.world.grant(t, i, i, host))
		}
		time.Sleep(5 * time.Minute)
		if b.queue.waiting() != 399 {
			t.Errorf("%d tasks wait, want all but the good name's", b.queue.waiting())
		}
	})
}

// A zone that takes other names isn't down for a family of names that it refuses, however many, and these don't keep the server busy.
func TestChoosyZone(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		b.server.answer = refuseBad
		const bad = 3 * benchWindow
		for i := range bad {
			if i%100 == 0 {
				b.queue.add(b.world.grant(t, bad+i, bad+i, fmt.Sprintf("first-%d.example.com", i)))
			}
			b.queue.add(b.world.grant(t, i, i, fmt.Sprintf("bad-%d.example.com", i)))
		}
		for i := range 60 {
			time.Sleep(time.Minute)
			lease := 2*bad + i
			b.queue.add(b.world.grant(t, lease, lease, fmt.Sprintf("good-%d.example.com", i)))
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if b.queue.waiting() != bad {
			t.Errorf("%d tasks wait, want the %d bad names'", b.queue.waiting(), bad)
		}
		b.wantLines(t, "dns-zone-down", 0)
		if tries := b.server.made("0 bad"); tries > bad+3600*againMost {
			t.Errorf("%d tries of bad names in an hour", tries)
		}
		if s := b.Status(); !s.Zones[0].Failing.IsZero() {
			t.Errorf("status %+v", s)
		}
	})
}

// refuseBad makes all updates but those of names with bad in them.
func refuseBad(u *upkeep.Update) (upkeep.Answer, error) {
	if strings.Contains(string(u.Name()), "bad") {
		return upkeep.Refused, nil
	}
	return upkeep.NoError, nil
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

func TestGivingUp(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		b.server.answer = func(u *upkeep.Update) (upkeep.Answer, error) {
			switch u.Zone {
			case 0:
				return 0, noAnswer(t, "example.com")
			case 1:
				return upkeep.ServFail, nil
			}
			return upkeep.NoError, nil
		}
		for i := range 100 {
			b.queue.add(b.world.grant(t, i, i, fmt.Sprintf("host-%d.%s", i, benchZones[i%2])))
		}
		time.Sleep(23 * time.Hour)
		if b.queue.waiting() != 100 {
			t.Fatalf("%d tasks wait", b.queue.waiting())
		}
		if took := b.rest(t, 2*time.Hour); took > time.Hour+10*time.Minute {
			t.Errorf("given up after %v", took)
		}
		if s := b.Status(); s.GivenUp != 100 || s.Done != 0 || s.Held != 0 || s.Waiting != 0 {
			t.Errorf("status %+v", s)
		}
		synctest.Wait()
		if log := b.log.String(); !strings.Contains(log, "id=dns-given-up lease=2001:db8::") {
			t.Errorf("log:\n%s", log)
		}
	})
}

func TestUnreadableTaskIsDropped(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		b.queue.add([]byte("no task"), nil, b.world.grant(t, 1, 1, "host.example.com"))
		b.rest(t, time.Minute)
		if s := b.Status(); s.Unreadable != 2 || s.Done != 1 || s.Held != 0 {
			t.Errorf("status %+v", s)
		}
		b.wantLines(t, "dns-task-unreadable", 1)
	})
}

func TestQueueThatFails(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		b.queue.fail(errors.New("the disk is gone"))
		b.queue.add(b.world.grant(t, 1, 1, "host.example.com"))
		time.Sleep(time.Minute)
		b.queue.fail(nil)
		for b.server.made("0 ") == 0 {
			time.Sleep(5 * time.Millisecond)
		}
		b.queue.fail(errors.New("the disk is gone again"))
		time.Sleep(time.Minute)
		if b.queue.waiting() != 1 || b.server.made("0 ") != 1 {
			t.Errorf("%d tasks wait, %d updates", b.queue.waiting(), b.server.made("0 "))
		}
		b.queue.fail(nil)
		b.rest(t, time.Minute)
		if n := b.server.made("0 "); n != 1 {
			t.Errorf("%d updates: what was done was done again", n)
		}
		synctest.Wait()
		if n := strings.Count(b.log.String(), "id=dns-queue-failed"); n < 2 || n > 20 {
			t.Errorf("%d lines in\n%s", n, b.log)
		}
	})
}

func TestConflictIsAnEnd(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		b.server.answer = func(u *upkeep.Update) (upkeep.Answer, error) {
			switch {
			case u.Zone != 0:
				return upkeep.NoError, nil
			case u.Requires[0].Kind == upkeep.NameUnused:
				return upkeep.YXDomain, nil
			}
			return upkeep.NXRRSet, nil
		}
		for i := range 10 {
			b.queue.add(b.world.grant(t, i, i, "host.example.com"))
		}
		b.queue.add(b.world.grant(t, 11, 11, "host.example.net"))
		b.rest(t, time.Minute)
		s := b.Status()
		if s.Conflicts != 10 || s.Done != 11 || s.NoZone != 1 || s.Zones[0].Updates["unmet"] != 20 {
			t.Errorf("status %+v", s)
		}
		b.wantLines(t, "dns-conflict", 1)
	})
}

func TestOtherSettings(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		b.server.answer = func(u *upkeep.Update) (upkeep.Answer, error) { return 0, noAnswer(t, "example.com") }
		for i := range 20 {
			b.queue.add(b.world.grant(t, i, i, fmt.Sprintf("host-%d.example.com", i)))
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		other := &fakeServer{}
		b.newExchanger = func(*Settings) upkeep.Exchanger { return other }
		s := benchSettings(t)
		s.Zones[0].Servers = []netip.AddrPort{netip.MustParseAddrPort("[::1]:54")}
		b.SetSettings(s)
		if took := b.rest(t, time.Minute); took > time.Second {
			t.Errorf("done %v after the change", took)
		}
		synctest.Wait()
		if other.made("0 ") != 20 {
			t.Errorf("the other server made %q", other.updates)
		}
		if z := b.Status().Zones[0]; z.Updates["ok"] != 20 || z.Updates["no_answer"] == 0 {
			t.Errorf("counters aren't those of before: %v", z.Updates)
		} else if !z.Failing.IsZero() || z.Turned.IsZero() {
			t.Errorf("the zone fails still, with a server that answers: %+v", z)
		}
		s.Records.Updates = false
		b.SetSettings(s)
		synctest.Wait()
		b.queue.add(b.world.grant(t, 30, 30, "more.example.com"), b.world.release(1))
		b.rest(t, time.Minute)
		synctest.Wait()
		if other.made("0 more.") != 0 || other.made("0 host-1.") != 3 {
			t.Errorf("with updates off were made %q", other.updates)
		}
	})
}

// What was under way when the node stopped is done by the next run.
func TestStop(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		b.server.took = time.Hour
		for i := range 100 {
			b.queue.add(b.world.grant(t, i, i, fmt.Sprintf("host-%d.example.com", i)))
		}
		time.Sleep(time.Minute)
		b.end()
		if b.queue.waiting() != 100 || b.server.made("") != 8 {
			t.Errorf("%d tasks wait, %d updates began", b.queue.waiting(), b.server.made(""))
		}
		synctest.Wait()
		b.server.took = 0
		b.Updater = NewUpdater(b.queue, b.world, benchSettings(t), b.Updater.log)
		b.newExchanger = func(*Settings) upkeep.Exchanger { return b.server }
		b.start(t)
		b.rest(t, time.Minute)
	})
}

// What was under way when updates were switched off is done once they are on again, by the same updater.
func TestRunAgain(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		b.server.took = time.Hour
		for i := range 100 {
			b.queue.add(b.world.grant(t, i, i, fmt.Sprintf("host-%d.example.com", i)))
		}
		time.Sleep(time.Minute)
		b.end()
		if n := b.queue.waiting(); n != 100 {
			t.Errorf("%d tasks wait", n)
		}
		b.server.took = 0
		b.start(t)
		b.rest(t, time.Minute)
	})
}

// A client gets a name that another one has left before, though what that one did first is under way still, or has failed.
func TestNameThatIsLeft(t *testing.T) {
	for _, fails := range []bool{false, true} {
		run(t, func(t *testing.T, b *bench) {
			owner, failed := "", false
			b.server.answer = func(u *upkeep.Update) (upkeep.Answer, error) {
				changed, data := u.Changes[len(u.Changes)-1], string(u.Changes[len(u.Changes)-1].Data)
				switch {
				case u.Zone != 0 || !strings.Contains(string(changed.Name), "host"):
				case changed.Kind == upkeep.DeleteName:
					if fails && !failed {
						failed = true
						return upkeep.ServFail, nil
					}
					owner = ""
				case changed.Type == upkeep.TypeDHCID && owner != "" && owner != data:
					return upkeep.YXDomain, nil
				case changed.Type == upkeep.TypeDHCID:
					owner = data
				case changed.Kind == upkeep.AddRecord: // 5.3.2
					return upkeep.NXRRSet, nil
				}
				return upkeep.NoError, nil
			}
			b.queue.add(b.world.grant(t, 1, 1, "host.example.com"))
			time.Sleep(5 * time.Millisecond)
			b.queue.add(b.world.grant(t, 1, 1, "other.example.com"), b.world.grant(t, 2, 2, "host.example.com"))
			b.rest(t, time.Minute)
			ours := naming.DHCID(b.world.leases[leaseKey(2)].DUID, name(t, "host.example.com"))
			if s := b.Status(); owner != string(ours[:]) || s.Conflicts != 0 || len(b.tasks.leave) > 0 {
				t.Errorf("the name is the first client's; %v left; %+v", b.tasks.leave, s)
			}
		})
	}
}
