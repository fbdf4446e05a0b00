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
