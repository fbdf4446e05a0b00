package load

import (
	"context"
	"errors"
	"math"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/lockstep6/lockstep6/core/wire"
)

// tallied compares the exchanges of a task.
func tallied(t *testing.T, s *stream, task Task, want TaskTally) {
	t.Helper()
	if got := s.tally.Tasks[task]; got != want {
		t.Errorf("%v: %+v, want %+v", task, got, want)
	}
}

// TestExchangesBeginOnTime: whatever the server does.
func TestExchangesBeginOnTime(t *testing.T) {
	for name, mute := range map[string]func(wire.MessageType) bool{
		"answered": nil, "silent": func(wire.MessageType) bool { return true },
	} {
		s := newStage(t, 2000, time.Millisecond)
		s.mute = mute
		out := s.play(Offer{Rate: 1000, For: time.Second, Mix: Only(Ask)})
		begun := s.began[wire.Solicit]
		if len(begun) != 1000 || out.tally.Late() != 0 {
			t.Fatalf("%s: %d began, %d late, want 1000 and 0", name, len(begun), out.tally.Late())
		}
		for i, a := range begun {
			if due := int64(tick) + int64(i)*1e6; a.at < due || a.at > due+2*step || a.client != i {
				t.Fatalf("%s: exchange %d, of client %d, began at %d, want at %d", name, i, a.client, a.at, due)
			}
		}
	}
}

// TestSitesTakeTurns: the schedules of all sites are one.
func TestSitesTakeTurns(t *testing.T) {
	const sites = 3
	var got []int64
	var all [sites]schedule
	for i := range all {
		all[i] = newSchedule(100, 1000, 0.01, i, sites)
	}
	for i := range 10 {
		s := &all[i%sites]
		got = append(got, s.due())
		s.take()
	}
	for i, at := range got {
		if want := 100 + int64(i)*1e6; at != want {
			t.Errorf("exchange %d begins at %d, want %d", i, at, want)
		}
	}
	for i := range all {
		if all[i].due() != math.MaxInt64 {
			t.Errorf("site %d has an exchange too many", i)
		}
	}
}

// TestStallShows: a server that answers nothing for half a second of two. Each exchange that was due meanwhile waited,
// whether a client was there to begin it or not.
func TestStallShows(t *testing.T) {
	for name, clients := range map[string]int{"clients for all": 4000, "few clients": 20} {
		s := newStage(t, clients, time.Millisecond)
		s.stalls = func(now int64) int64 {
			if now > 500e6 && now < 1000e6 {
				return 1000e6
			}
			return 0
		}
		out := s.play(Offer{Rate: 1000, For: 2 * time.Second, Mix: Only(Ask)})
		tallied(t, out, Ask, TaskTally{Begun: 2000, Done: 2000})
		l := out.latency[Ask]
		// A quarter of the exchanges waited, evenly from 0 to 500 ms: one in eight waited longer than 250 ms.
		if p50, p99 := l.ValueAtPercentile(50), l.ValueAtPercentile(99); p50 > 1500 || p99 < 475e3 || p99 > 505e3 {
			t.Errorf("%s: p50 %d µs, p99 %d µs, want about 1 ms and 480 ms", name, p50, p99)
		}
		if p := l.ValueAtPercentile(87.5); p < 240e3 || p > 275e3 {
			t.Errorf("%s: 87.5 %% ended within %d µs, want 250 ms", name, p)
		}
		if late, few := out.tally.LateBusy > 0, clients < 100; late != few || out.tally.LateSlow != 0 || out.tally.Skipped != 0 {
			t.Errorf("%s: %+v", name, out.tally)
		}
	}
}

// TestLost: what isn't answered in time is lost, and its client takes part again.
func TestLost(t *testing.T) {
	s := newStage(t, 50, time.Millisecond)
	n := 0
	s.mute = func(wire.MessageType) bool { n++; return n%10 == 0 }
	out := s.play(Offer{Rate: 1000, For: time.Second, Mix: Only(Ask), Patience: 100 * time.Millisecond})
	tallied(t, out, Ask, TaskTally{Begun: 1000, Done: 900, Lost: 100})
	if len(s.began[wire.Solicit]) != 1000 {
		t.Errorf("%d Solicits were sent, want 1000: nothing is sent again", len(s.began[wire.Solicit]))
	}
	if out.latency[Ask].TotalCount() != 900 || out.latency[Ask].Max() > 2000 {
		t.Errorf("%d latencies up to %d µs: the lost ones must not count", out.latency[Ask].TotalCount(), out.latency[Ask].Max())
	}
}

// TestLateAnswerIsALoss: an answer behind the patience doesn't count, nor does it disturb the client's next exchange.
func TestLateAnswerIsALoss(t *testing.T) {
	s := newStage(t, 10, 150*time.Millisecond)
	out := s.play(Offer{Rate: 50, For: time.Second, Mix: Only(Ask), Patience: 100 * time.Millisecond})
	tallied(t, out, Ask, TaskTally{Begun: 50, Lost: 50})
}

func TestResend(t *testing.T) {
	s := newStage(t, 50, time.Millisecond)
	s.site.machine.times = StandardTimes().Scaled(20) // a Solicit is sent again after 50 ms
	n := 0
	s.mute = func(wire.MessageType) bool { n++; return n <= 25 }
	out := s.play(Offer{Rate: 1000, For: 50 * time.Millisecond, Mix: Only(Ask), Resend: true})
	tallied(t, out, Ask, TaskTally{Begun: 50, Done: 50})
	if out.tally.Meanwhile != 24 { // of those that were answered at first the last one ends when no other is due
		t.Errorf("%d done meanwhile, want 24", out.tally.Meanwhile)
	}
	if sent := len(s.began[wire.Solicit]); sent < 75 || out.latency[Ask].Max() < 50000 {
		t.Errorf("%d Solicits, the slowest exchange took %d µs: want 75 and 50 ms or more", sent, out.latency[Ask].Max())
	}
}

// TestNoClientIdle: where all clients wait for a silent server, what they can't begin is told apart.
func TestNoClientIdle(t *testing.T) {
	s := newStage(t, 10, time.Millisecond)
	s.mute = func(wire.MessageType) bool { return true }
	out := s.play(Offer{Rate: 1000, For: time.Second, Mix: Only(Ask), Patience: 200 * time.Millisecond})
	sum := out.tally.Sum()
	if sum.Begun+out.tally.Skipped != 1000 || sum.Lost != sum.Begun || out.tally.LateSlow != 0 {
		t.Errorf("%+v: want 1000 lost or skipped, none for the generator's sake", out.tally)
	}
	if out.tally.Skipped < 900 || out.tally.LateBusy < out.tally.Skipped {
		t.Errorf("%d skipped, %d late: with 10 clients that wait 200 ms nearly all", out.tally.Skipped, out.tally.LateBusy)
	}
}

// TestTooFewClients: a server that takes its time, and clients for half of the rate only. What begins is done, however
// late; what can't is skipped.
func TestTooFewClients(t *testing.T) {
	s := newStage(t, 10, 20*time.Millisecond)
	out := s.play(Offer{Rate: 1000, For: 2 * time.Second, Mix: Only(Ask), Patience: 200 * time.Millisecond})
	sum := out.tally.Sum()
	if sum.Lost != 0 || sum.Done != sum.Begun || sum.Done < 1000 || sum.Done > 1150 || sum.Begun+out.tally.Skipped != 2000 {
		t.Errorf("%+v: want some 1100 done and the others skipped", out.tally)
	}
	if l := out.latency[Ask]; l.ValueAtPercentile(99) < 200e3 || l.Max() > 225e3 {
		t.Errorf("p99 %d µs, at most %d µs: want 200 ms of waiting and 20 ms", l.ValueAtPercentile(99), l.Max())
	}
}

// TestGeneratorTooSlow: what it is too far behind with isn't begun, and told apart from what the server lost.
func TestGeneratorTooSlow(t *testing.T) {
	s := newStage(t, 5000, time.Millisecond)
	s.site.offer(&Offer{Rate: 1000, For: time.Second, Mix: Only(Ask), Patience: time.Second}, 0, 1)
	s.turn()
	s.now += 500e6 // nobody looked for so long
	for s.site.stream.plan.due() != math.MaxInt64 || s.site.stream.busy > 0 {
		s.turn()
	}
	tally := s.site.stream.tally
	if tally.Skipped < 380 || tally.Skipped > 410 || tally.LateBusy != 0 || tally.LateSlow < tally.Skipped+80 {
		t.Errorf("%+v: want 400 skipped, and 90 begun late", tally)
	}
	if sum := tally.Sum(); sum.Done != 1000-tally.Skipped || sum.Lost != 0 {
		t.Errorf("%+v: what began must be done", sum)
	}
}

// TestSteadyState: a mix on few clients goes on for long; renewals fall to those that have a lease.
func TestSteadyState(t *testing.T) {
	s := newStage(t, 100, time.Millisecond)
	s.fake.preference = 255
	mix, err := ParseMix("acquire=2,renew=10,release=2,ask")
	if err != nil {
		t.Fatal(err)
	}
	out := s.play(Offer{Rate: 1500, For: 2 * time.Second, Mix: mix})
	sum := out.tally.Sum()
	if sum.Done != 3000 || out.tally.Late() != 0 {
		t.Fatalf("%+v", out.tally)
	}
	// Until the first lease is there, and now and then later, a Renew or Release is an acquisition instead.
	a, r := out.tally.Tasks[Acquire].Done, out.tally.Tasks[Renew].Done
	if out.tally.Tasks[Ask].Done != 200 || a < 400 || a > 450 || r < 1950 || r > 2000 {
		t.Errorf("%+v: want 200 to ask, some 400 to acquire, 2000 to renew", out.tally)
	}
	if len(s.began[wire.Renew]) != int(r) || len(s.began[wire.Request]) != int(a) {
		t.Errorf("%d Renews and %d Requests, want %d and %d", len(s.began[wire.Renew]), len(s.began[wire.Request]), r, a)
	}
}

// TestAcquireAgain: a client with a lease that has its turn again begins with a Solicit.
func TestAcquireAgain(t *testing.T) {
	s := newStage(t, 10, time.Millisecond)
	out := s.play(Offer{Rate: 1000, For: 100 * time.Millisecond, Mix: Only(Acquire)})
	tallied(t, out, Acquire, TaskTally{Begun: 100, Done: 100})
	if len(s.began[wire.Solicit]) != 100 || len(s.began[wire.Request]) != 100 {
		t.Errorf("%d Solicits, %d Requests, want 100 each", len(s.began[wire.Solicit]), len(s.began[wire.Request]))
	}
}

// TestRapidCommit: one that a server grants takes two messages; one that it doesn't takes four and is counted.
func TestRapidCommit(t *testing.T) {
	for _, granted := range []bool{true, false} {
		s := newStage(t, 10, time.Millisecond)
		s.fake.rapid = granted
		out := s.play(Offer{Rate: 1000, For: 100 * time.Millisecond, Mix: Only(Rapid)})
		tallied(t, out, Rapid, TaskTally{Begun: 100, Done: 100})
		requests, back := 0, uint64(0)
		if !granted {
			requests, back = 100, 100
		}
		if len(s.began[wire.Request]) != requests || out.tally.FellBack != back {
			t.Errorf("granted %t: %d Requests, %d fell back, want %d", granted, len(s.began[wire.Request]), out.tally.FellBack, requests)
		}
	}
}

// TestRefused: a server that has no lease for anybody.
func TestRefused(t *testing.T) {
	s := newStage(t, 10, time.Millisecond)
	s.fake.empty = true
	out := s.play(Offer{Rate: 1000, For: 100 * time.Millisecond, Mix: Mix{Acquire: 1, Ask: 1}})
	tallied(t, out, Acquire, TaskTally{Begun: 50, Refused: 50})
	tallied(t, out, Ask, TaskTally{Begun: 50, Refused: 50})
}

func TestMix(t *testing.T) {
	m, err := ParseMix("acquire=1, renew=10,rapid")
	if err != nil || m != (Mix{Acquire: 1, Renew: 10, Rapid: 1}) || m.String() != "acquire=1,renew=10,rapid=1" || !m.NeedsLeases() {
		t.Errorf("%v (%v), %v", m, m.String(), err)
	}
	p := picker{mix: m}
	for range 5 {
		var seen Mix
		for range 12 {
			seen[p.next()]++
		}
		if seen != m {
			t.Errorf("12 exchanges of %v are %v", m, seen)
		}
	}
	for text, want := range map[string]string{
		"": "there is no exchange", "acqire": "rebind, release, rapid", "renew=0": "a number from 1", "renew=x": "a number from 1",
		"renew,renew=2": "named twice", "acquire=1,": "there is no exchange",
	} {
		if _, err := ParseMix(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q in it", text, err, want)
		}
	}
}

func TestWrongOffers(t *testing.T) {
	g := open(t, 3, newFake(t, 1, 0).serve(t))
	good := Offer{Rate: 1, For: time.Second, Mix: Only(Ask)}
	for want, spoil := range map[string]func(*Offer){
		"a rate of": func(o *Offer) { o.Rate = 0 }, "a rate of NaN": func(o *Offer) { o.Rate = math.NaN() },
		"a duration": func(o *Offer) { o.For = 0 }, "a patience": func(o *Offer) { o.Patience = time.Hour },
		"no exchange": func(o *Offer) { o.Mix = Mix{} }, "a weight": func(o *Offer) { o.Mix[Ask] = -1 },
	} {
		o := good
		spoil(&o)
		if out, err := g.Offer(t.Context(), o); err == nil || out != nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// TestOffer: through sockets, with several relays to a site, numbers that don't begin at 0, and a Run before.
func TestOffer(t *testing.T) {
	f := newFake(t, 1, 255)
	g := openConfig(t, Config{Clients: 90, First: 1000, Workers: 2, Servers: []netip.AddrPort{f.serve(t)}})
	run(t, g, Job{Task: Acquire})
	if lease, _, ok := g.Holding(89, wire.IANA); !ok || lease.Addr() != netip.MustParseAddr("2001:db8::441") { // 1089
		t.Errorf("client 89 has %v", lease)
	}
	out, err := g.Offer(t.Context(), Offer{Rate: 2000, For: 150 * time.Millisecond, Mix: Mix{Renew: 2, Acquire: 1}, Patience: 20 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	// How many begin late is the machine's affair.
	if sum := out.Sum(); out.Offered() != 300 || sum.Done != sum.Begun || out.Latency.TotalCount() != int64(sum.Done) {
		t.Errorf("%+v", out)
	}
	if got := g.Progress(newLatency()); got != (Tally{}) {
		t.Errorf("between Offers: %+v", got)
	}
	run(t, g, Job{Task: Renew})
}

// TestOfferToSeveral: the first server's Advertise that will do is taken; who comes later isn't waited for.
func TestOfferToSeveral(t *testing.T) {
	a, b, full := newFake(t, 1, 0), newFake(t, 2, 0), newFake(t, 3, 255)
	full.empty = true
	g := openConfig(t, Config{Clients: 90, Servers: []netip.AddrPort{a.serve(t), b.serve(t), full.serve(t)}})
	out, err := g.Offer(t.Context(), Offer{Rate: 1000, For: 100 * time.Millisecond, Mix: Mix{Acquire: 1, Ask: 1, Renew: 1}, Patience: 20 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if sum := out.Sum(); out.Offered() != 100 || sum.Done != sum.Begun || out.Latency.Max() > 10e6 {
		t.Errorf("%+v", out)
	}
}

func TestContextEndsAnOffer(t *testing.T) {
	f := newFake(t, 1, 0)
	f.silent = func(wire.MessageType, int, int) bool { return true }
	g := open(t, 300, f.serve(t))
	reason := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	seen := make(chan Tally)
	go func() {
		var t Tally
		for recent := newLatency(); t.Sum().Begun < 30; time.Sleep(time.Millisecond) {
			t = g.Progress(recent)
		}
		cancel(reason)
		seen <- t
	}()
	out, err := g.Offer(ctx, Offer{Rate: 1000, For: time.Hour, Mix: Only(Ask), Patience: time.Minute})
	before := <-seen
	if !errors.Is(err, reason) || out.Sum().Begun < before.Sum().Begun || out.Sum().Done != 0 {
		t.Errorf("%v, %+v", err, out)
	}
}
