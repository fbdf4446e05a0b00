package demo

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/lockstep6/lockstep6/bench/promise"
	"github.com/lockstep6/lockstep6/core/wire"
)

// observe gathers what the table shows.
func (d *demo) observe() view {
	a := d.ledger.Agreement()
	v := view{
		rate: d.rate.now(d.load.Counts().Done, time.Now()), agreed: a.Agreed, compared: a.Compared,
		duplicates: d.ledger.Broken(promise.Duplicate), lost: d.ledger.Broken(promise.Lost),
		kept: int(d.kept.passed.Load()), turned: int(d.kept.of.Load()),
	}
	for _, n := range d.nodes {
		v.nodes = append(v.nodes, nodeView{n.name, n.state.Load().(string), n.bindings.Load()})
	}
	return v
}

// poll asks the nodes for their numbers until the context ends.
func (d *demo) poll(ctx context.Context) {
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	for {
		for _, n := range d.nodes {
			n.ask(ctx)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// A rate turns a counter into a number per second, over the last second or so.
type rate struct {
	samples []sample
}

type sample struct {
	at    time.Time
	count uint64
}

func (r *rate) now(count uint64, at time.Time) float64 {
	r.samples = append(r.samples, sample{at, count})
	for len(r.samples) > 2 && at.Sub(r.samples[1].at) >= time.Second {
		r.samples = r.samples[1:]
	}
	first := r.samples[0]
	if passed := at.Sub(first.at).Seconds(); passed > 0 {
		return float64(count-first.count) / passed
	}
	return 0
}

// verdict says what held, and fails if anything didn't.
func (d *demo) verdict(took time.Duration) error {
	a := d.ledger.NewRound()
	text, held := judge(d.ledger, &outcome{
		last: a, clients: d.options.Clients, orphans: len(d.orphans),
		kept: int(d.kept.passed.Load()), turned: int(d.kept.of.Load()), took: took,
	})
	fmt.Fprintf(d.options.Out, "\n%s\n", text)
	if !held {
		return ErrBroken
	}
	fmt.Fprintf(d.options.Out, "\n%s\n", d.epilogue())
	return nil
}

// An outcome is what the ledger doesn't know.
type outcome struct {
	last             promise.Agreement // of the last round
	clients, orphans int
	kept, turned     int // of the orphans that asked again
	took             time.Duration
}

// judge puts the ledger into words. It is held against the number of clients as well, so that clients of which
// nothing was heard count as a failure.
func judge(l *promise.Ledger, o *outcome) (text string, held bool) {
	told, addresses := l.Told(wire.IANA)
	_, prefixes := l.Told(wire.IAPD)
	agreed := o.last.Agreed == o.clients && l.Broken(promise.Disagree) == 0
	counted := addresses == o.clients && prefixes == o.clients+l.Hidden() && o.orphans > 0
	stayed := o.turned > 0 && o.kept+l.Hidden() >= o.turned
	held = l.Whole() && agreed && counted && stayed
	var b strings.Builder
	if held {
		fmt.Fprintf(&b, "Every promise held, in %.0f s:\n", o.took.Seconds())
	} else {
		fmt.Fprintf(&b, "A PROMISE WAS BROKEN:\n")
	}
	fmt.Fprintf(&b, "  agreement      %s of %s clients were told the same address by all three nodes, before and after\n", thousands(o.last.Agreed), thousands(o.clients))
	fmt.Fprintf(&b, "  duplicates     %d among %s addresses, told %s times, and %s prefixes\n",
		l.Broken(promise.Duplicate), thousands(addresses), thousands(int(told)), thousands(prefixes))
	fmt.Fprintf(&b, "  bindings lost  %d; node a had confirmed those of %s clients when it was killed\n", l.Broken(promise.Lost), thousands(o.orphans))
	fmt.Fprintf(&b, "  kept           %s of these kept address and prefix, at b and c or when a was back\n", outOf(o.kept, o.turned))
	if n := l.Hidden(); n > 0 {
		fmt.Fprintf(&b, "  unknown        %d of them had just been given another prefix than they had asked for, which nobody but a could know\n", n)
	}
	fmt.Fprintf(&b, "  moved          %d clients got another address or prefix than they had", l.Broken(promise.Moved))
	for _, line := range l.Evidence() {
		fmt.Fprintf(&b, "\n  evidence       %s", line)
	}
	return b.String(), held
}

// example is the configuration that the repository offers to begin with.
const example = "examples/single.yaml"

// epilogue says how to go on.
func (d *demo) epilogue() string {
	program := d.options.Program
	if cwd, err := os.Getwd(); err == nil {
		if short, ok := strings.CutPrefix(program, cwd+"/"); ok {
			program = "./" + short
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "To go on, with a server of your own:\n")
	if _, err := os.Stat(example); err == nil {
		fmt.Fprintf(&b, "  %s check --config %s\n", program, example)
		fmt.Fprintf(&b, "  sudo %s serve --config %s     # first change eth0 and the addresses in it to yours\n", program, example)
		return b.String() + fmt.Sprintf("  %s --help", program)
	}
	fmt.Fprintf(&b, "  cat > lockstep6.yaml <<'END'\n%sEND\n", smallest)
	fmt.Fprintf(&b, "  %s check\n", program)
	fmt.Fprintf(&b, "  sudo %s serve     # first change eth0 and the addresses in it to yours", program)
	return b.String()
}

// smallest is a whole configuration, for those who have the binary alone.
const smallest = `listen: {interfaces: [eth0]}
links:
  - name: lan
    match: {interface: eth0}
    addresses: [{pool: "2001:db8:1::/64"}]
`
