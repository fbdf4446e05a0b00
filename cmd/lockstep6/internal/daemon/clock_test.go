package daemon

import (
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lockstep6/lockstep6/core/binding"
)

// A fakeMachine has clocks that a test sets.
type fakeMachine struct{ wall, running atomic.Int64 } // Unix nanoseconds; nanoseconds since the machine began

func (f *fakeMachine) at(unix int64) *fakeMachine { f.wall.Store(unix * 1e9); return f }

func (f *fakeMachine) options(o *Options) {
	o.machine = machine{
		wall:    func() time.Time { return time.Unix(0, f.wall.Load()) },
		running: func() time.Duration { return time.Duration(f.running.Load()) },
	}
}

// passes lets time pass: with the machine asleep or awake, that is the same to clients.
func (f *fakeMachine) passes(d time.Duration) { f.wall.Add(int64(d)); f.running.Add(int64(d)) }

// ends is when a lease of the node ends, and whether it is in force now.
func (r *reloading) ends(lease netip.Prefix) (end binding.Time, live bool) {
	r.t.Helper()
	h := r.table.NewHandle()
	defer h.Close()
	h.Enter()
	defer h.Leave()
	record := h.Find(&binding.Key{Address: lease.Addr().As16(), Length: uint8(lease.Bits())})
	if record == nil {
		r.t.Fatalf("there is no binding of %s", lease)
	}
	return record.Expires(), record.Live(r.second())
}

// Moments at which counters of seconds end: a signed one of 1970 of 32 bits, an unsigned one, and what DHCPv6 counts from 2000 on nearly.
var lastMoments = map[string]int64{"2038": 1<<31 - 100, "2106": 1<<32 - 100, "2135": 946684800 + 1<<32 - 40_000_000}

// TestClockIsSet: however the wall clock is set while a node runs, its bindings end when their clients' lifetimes do, and neither a second
// earlier nor later. What the machine sleeps away counts; so does the end of any counter of seconds.
func TestClockIsSet(t *testing.T) {
	for name, begin := range lastMoments {
		t.Run(name, func(t *testing.T) {
			machine := new(fakeMachine).at(begin)
			r := startNode(t, t.TempDir(), "", reloadFile, machine.options)
			c := r.client(1, "2001:db8:1::1")
			address, prefix := c.acquire()
			end, _ := r.ends(address)
			lifetime := time.Duration(end-r.second()) * time.Second
			if end.Unix() != begin+int64(lifetime/time.Second) || lifetime < time.Hour {
				t.Fatalf("the lease ends at %d, %v after %d", end.Unix(), lifetime, begin)
			}
			for _, step := range []time.Duration{6 * time.Hour, -12 * time.Hour, 400 * 24 * time.Hour, -800 * 24 * time.Hour} {
				machine.wall.Add(int64(step))
				if got, live := r.ends(address); got != end || !live {
					t.Errorf("the clock is set by %v, and the lease ends at %d (live %v), want %d", step, got.Unix(), live, end.Unix())
				}
				if got := c.renew(address, prefix); len(got) != 2 || got[0].prefix != address || got[0].valid != uint32(lifetime/time.Second) {
					t.Errorf("the clock is set by %v: the client is told %v", step, got)
				}
			}
			machine.passes(lifetime / 2) // asleep
			if got, live := r.ends(prefix); got != end || !live {
				t.Errorf("after half of its lifetime the lease ends at %d (live %v)", got.Unix(), live)
			}
			if got := c.renew(address, prefix); len(got) != 2 || got[1].valid != uint32(lifetime/time.Second) {
				t.Errorf("after half of its lifetime the client is told %v", got)
			}
			if got, _ := r.ends(prefix); got != end.Add(uint32(lifetime/time.Second/2)) {
				t.Errorf("renewed after half of its lifetime the lease ends at %d", got.Unix())
			}
			machine.passes(lifetime - time.Second)
			if _, live := r.ends(address); !live {
				t.Error("the lease ends a second early")
			}
			machine.passes(time.Second)
			if _, live := r.ends(address); live {
				t.Error("the lease lasts though its client has lost it")
			}
		})
	}
}

// TestSleep: a node of a cluster that slept has missed what clients said to its peers meanwhile, as one that was down has: it listens, and after
// a long sleep it leaves new clients to the others. That the wall clock was set is no sleep.
func TestSleep(t *testing.T) {
	machine := new(fakeMachine).at(1_800_000_000)
	r := startNode(t, t.TempDir(), "a", reloadCluster, machine.options)
	gate := func() (listening, seated bool) {
		g := r.site.Load().View.Gate
		return len(g.Listening(r.second())) > 0, g.BackSeat(r.second())
	}
	machine.wall.Add(int64(6 * time.Hour))
	c := r.client(1, "2001:db8:1::1")
	c.acquire()
	if _, seated := gate(); seated {
		t.Error("the clock was set, and the node takes the back seat")
	}
	machine.passes(20 * time.Minute)
	r.until("it noticed that it slept", func() bool { listening, seated := gate(); return listening && seated })
}

// TestClockBehindTheStore: a node that is started again with a clock that was set back goes on from its newest binding, and none ends early;
// with the right clock it ends when it should.
func TestClockBehindTheStore(t *testing.T) {
	folder, machine := t.TempDir(), new(fakeMachine).at(1_800_000_000)
	first := startNode(t, folder, "", reloadFile, machine.options)
	address, _ := first.client(1, "2001:db8:1::1").acquire()
	end, _ := first.ends(address)
	first.end()
	for _, clock := range []int64{1_800_000_000 - 6*3600, 1_800_000_000 - 30*365*86400, 1_800_000_000 + 60} {
		r := startNode(t, folder, "", reloadFile, new(fakeMachine).at(clock).options)
		if got, live := r.ends(address); got != end || !live {
			t.Errorf("started at %d: the lease ends at %d (live %v), want %d", clock, got.Unix(), live, end.Unix())
		}
		r.end()
	}
}
