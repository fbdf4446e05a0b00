package ddns

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lockstep6/lockstep6/core/naming"
	"github.com/lockstep6/lockstep6/core/upkeep"
)

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
