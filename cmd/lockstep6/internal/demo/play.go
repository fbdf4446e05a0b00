package demo

import (
	"context"
	"fmt"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/lockstep6/lockstep6/bench/load"
	"github.com/lockstep6/lockstep6/core/wire"
)

// How fast the story goes for ten thousand clients, in beginnings per second: slow enough to be watched.
const (
	askPace     = 2500
	acquirePace = 1250
	rebindPace  = 1000
	burst       = 3   // times acquirePace, around the kill
	leastShare  = 0.2 // of these, for however few clients
)

// The favoured node is killed when a share of the clients has an address. Shortly before, the load rises, so that
// more exchanges are cut in the middle.
const (
	burstAfter = 0.40
	killAfter  = 0.45
)

// favoured is the node that is killed.
const favoured = 0

func (d *demo) prologue() string {
	return fmt.Sprintf(`lockstep6 demo: three nodes and %s clients on this machine's loopback, stores in %s

Nodes a, b and c are three processes, each with its own store. They share a configuration file and never
talk to each other. The clients are behind %d relays, which copy every message to all three nodes. Each wants
an address out of a /64 and a prefix, one of %s. Clients are %d times as impatient as real ones, so that
this is over soon.`,
		thousands(d.options.Clients), d.folder, relays, thousands(1<<(delegatedLength(d.options.Clients)-poolBits)), faster)
}

// play is the story, scene by scene.
func (d *demo) play(ctx context.Context) error {
	for _, n := range d.nodes {
		n.state.Store(serving)
	}
	scenes := []func(context.Context) error{d.askAll, d.acquire, d.rebind, d.comeBack, d.askAgain}
	for _, scene := range scenes {
		if err := scene(ctx); err != nil {
			return err
		}
	}
	return nil
}

// pace is a pace for ten thousand clients, for as many as there are.
func (d *demo) pace(p float64) float64 { return p * max(leastShare, float64(d.options.Clients)/10000) }

// run has clients do a task, all of which must succeed.
func (d *demo) run(ctx context.Context, job load.Job) (*load.Report, error) {
	report, err := d.load.Run(ctx, job)
	if err != nil {
		return nil, err
	}
	if report.Failed > 0 {
		return nil, fmt.Errorf("%d of %d clients got no answer (%s), the first of them client %d",
			report.Failed, report.Asked, job.Task, report.Failures[0])
	}
	return report, nil
}

func (d *demo) askAll(ctx context.Context) error {
	d.screen.say("1/5  Every client asks all nodes which address it would get. The three answers are compared.")
	if _, err := d.run(ctx, load.Job{Task: load.Ask, Pace: d.pace(askPace)}); err != nil {
		return err
	}
	a := d.ledger.Agreement()
	d.screen.say("     %s of %s clients were told the same address by all three.", thousands(a.Agreed), thousands(a.Compared+a.Partial))
	return nil
}

// acquire binds all clients; the favoured node is killed in the middle of it.
func (d *demo) acquire(ctx context.Context) error {
	d.screen.say("2/5  Every client requests its address and a prefix. Node a has preference 255, so it is the one that binds them.")
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cut := make(chan struct{})
	go func() {
		defer close(cut)
		d.killInTheMiddle(ctx)
	}()
	report, err := d.run(ctx, load.Job{Task: load.Acquire, Pace: d.pace(acquirePace)})
	cancel()
	<-cut
	if err != nil {
		return err
	}
	if d.nodes[favoured].state.Load() != killed {
		return fmt.Errorf("%d clients were done before node a could be killed", report.Done)
	}
	d.orphans = d.ledger.Confirmers(favoured)
	d.screen.say("     Everybody has both. Clients that node a left in the middle of an exchange began anew and got theirs")
	d.screen.say("     from b or c. Node a had confirmed the leases of %s.", thousands(len(d.orphans)))
	return nil
}

// killInTheMiddle kills the favoured node once enough clients are bound.
func (d *demo) killInTheMiddle(ctx context.Context) {
	if !d.bound(ctx, burstAfter) {
		return
	}
	d.nodes[favoured].ask(ctx)
	d.load.SetPace(d.pace(burst * acquirePace))
	if !d.bound(ctx, killAfter) {
		return
	}
	d.nodes[favoured].kill()
	d.load.SetPace(d.pace(acquirePace))
	d.screen.say("     Node a is killed (SIGKILL), in the middle of its work.")
}

// bound waits until a share of the clients is bound; false: the context ended before.
func (d *demo) bound(ctx context.Context, share float64) bool {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for d.load.Counts().Bound < uint64(share*float64(d.options.Clients)) {
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
	}
	return true
}

// early tells which half of the killed node's clients don't wait for its return. Both halves are behind every relay.
func early(n int) bool { return n/relays%2 == 0 }

// rebind has one half of the killed node's clients turn to the others.
func (d *demo) rebind(ctx context.Context) error {
	half := func(n int) bool { return d.orphans[n] && early(n) }
	d.screen.say("3/5  Node a stays silent. Half of its clients rebind: b and c only overheard them, and must leave them what they have.")
	return d.turn(ctx, load.Rebind, half)
}

// A share is how many of those that were looked at passed. The screen may read it at any time.
type share struct{ passed, of atomic.Int64 }

// turn has clients of the killed node do a task, and counts those that have the same address and prefix afterwards.
func (d *demo) turn(ctx context.Context, task load.Task, only func(int) bool) error {
	before := make(map[int][2]netip.Prefix)
	for n := range d.orphans {
		if only(n) {
			before[n] = d.holding(n)
		}
	}
	if _, err := d.run(ctx, load.Job{Task: task, Pace: d.pace(rebindPace), Only: only}); err != nil {
		return err
	}
	same := 0
	for n, leases := range before {
		if d.holding(n) == leases {
			same++
		}
	}
	d.kept.passed.Add(int64(same))
	d.kept.of.Add(int64(len(before)))
	d.screen.say("     %s of %s kept address and prefix (%s).", thousands(same), thousands(len(before)), percent(same, len(before)))
	return nil
}

// holding is a client's address and prefix.
func (d *demo) holding(n int) (leases [2]netip.Prefix) {
	for i, kind := range []wire.Kind{wire.IANA, wire.IAPD} {
		leases[i], _, _ = d.load.Holding(n, kind)
	}
	return leases
}

// comeBack starts the killed node again and asks it for everything that it had confirmed.
func (d *demo) comeBack(ctx context.Context) error {
	a := d.nodes[favoured]
	d.screen.say("4/5  Node a starts again, with the disk as it was when it was killed. The other half of its clients renew there.")
	a.state.Store(starting)
	if err := a.start(ctx); err != nil {
		return err
	}
	a.state.Store(back)
	rest := func(n int) bool { return d.orphans[n] && !early(n) }
	before := d.ledger.Confirmed(favoured)
	if err := d.turn(ctx, load.Renew, rest); err != nil {
		return err
	}
	for n := range d.orphans {
		if _, server, ok := d.load.Holding(n, wire.IANA); rest(n) && (!ok || server != favoured) {
			d.ledger.Silent(favoured, n)
		}
	}
	d.screen.say("     It had confirmed %s leases; each is looked up in its list, and so are the others' in theirs.", thousands(before))
	return d.inspect(ctx)
}

// inspect holds the nodes' lists against what they confirmed.
func (d *demo) inspect(ctx context.Context) error {
	for i, n := range d.nodes {
		list, err := n.leases(ctx)
		if err != nil {
			return err
		}
		looked, lost := d.ledger.Inspect(i, list)
		d.screen.say("     Node %s: %s confirmed, %s missing.", n.name, thousands(looked), thousands(lost))
	}
	return nil
}

func (d *demo) askAgain(ctx context.Context) error {
	d.ledger.NewRound()
	d.screen.say("5/5  Every client asks all nodes again: those that bound it and those that never heard of it.")
	_, err := d.run(ctx, load.Job{Task: load.Ask, Pace: d.pace(askPace)})
	return err
}
