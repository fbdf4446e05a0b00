// Command overload offers lockstep6 and Kea multiples of the load that each can do at most, and tells what they then still do:
// scenario S10. `make overload` runs it at the top of the module. It needs root: server and relays have a network namespace
// each, and the server a control group that holds it to a small share of a processor, so that the other processor can offer
// ten times the peak.
//
//	for each mix and server: start it in its group -> child: leases, where the mix needs them, without the cap
//	                         -> ramp -> 0.5, 1, 2, 5, 10, 20 times the peak, with retransmissions
//	then lockstep6 alone, with its limits of messages and without, in turns: half of the peak by eight relays, first without and then with
//	                         a flood of ten times as many messages by one relay more, or by one client behind one of the eight
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/lockstep6/lockstep6/bench/child"
	"github.com/lockstep6/lockstep6/bench/netlab"
)

// Options say what to measure with.
type options struct {
	lockstep6, kea string // programs
	cap            float64
	cgroups        string
	only           string
	mixes          []string
	multiples      []float64
	step, duration time.Duration
	patience       time.Duration
	rounds         int // of fairness
	peak           float64
	out, commit    string
}

func main() {
	child.Main(parts())
	o, limit, err := parse(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		os.Exit(0)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "overload:", err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("it took more than %v", limit))
	defer cancel()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "overload:", err)
		os.Exit(1)
	}
}

// parse reads the command line.
func parse(args []string) (o *options, limit time.Duration, err error) {
	o = &options{}
	flags := flag.NewFlagSet("overload", flag.ContinueOnError) // says itself what is wrong
	flags.StringVar(&o.lockstep6, "lockstep6", "./lockstep6", "`program`")
	flags.StringVar(&o.kea, "kea", "kea-dhcp6", "`program`")
	flags.Float64Var(&o.cap, "cap", 0.1, "share of a processor that a server gets, 0.01 to 1")
	flags.StringVar(&o.cgroups, "cgroups", "/sys/fs/cgroup", "`folder` where control groups are mounted")
	flags.StringVar(&o.only, "only", "", "servers whose `name` begins so; empty: all")
	mixes := flags.String("mixes", "acquire acquire=1,renew=1", "mixes of exchanges, with blanks between them")
	multiples := flags.String("multiples", "0.5,1,2,5,10,20", "of the peak, what is offered")
	flags.DurationVar(&o.step, "step", 4*time.Second, "how long each rate of the ramp is tried, 1s or more")
	flags.DurationVar(&o.duration, "duration", 8*time.Second, "how long each multiple is offered, 1s or more")
	flags.DurationVar(&o.patience, "patience", 4*time.Second, "how long a client goes on until it gives up, 1s to 1m")
	flags.IntVar(&o.rounds, "rounds", 2, "how often one relay and one client flood lockstep6, with limits and without, 0 to 100")
	flags.Float64Var(&o.peak, "peak", 0, "`exchanges` per second of lockstep6, of which the others offer half beside a flood; 0: the peak of the first mix's ramp")
	flags.StringVar(&o.out, "out", "", "`folder` to write overload.md, overload.json, overload.svg, and of floods overload-floods.md and overload-floods.json to")
	flags.StringVar(&o.commit, "commit", "", "of lockstep6, for the results' head")
	flags.DurationVar(&limit, "limit", 30*time.Minute, "for all of it")
	if err := flags.Parse(args); err != nil {
		return nil, 0, err
	}
	o.mixes = strings.Fields(*mixes)
	for text := range strings.SplitSeq(*multiples, ",") {
		m, err := strconv.ParseFloat(text, 64)
		if err != nil || !(m > 0) || m > 1000 {
			return nil, 0, fmt.Errorf("-multiples %q: give numbers above 0, to 1000, with commas between them", *multiples)
		}
		o.multiples = append(o.multiples, m)
	}
	if o.rounds < 0 || o.rounds > 100 || !(o.peak >= 0) || o.peak > 1e6 {
		return nil, 0, errors.New("-rounds is 0 to 100, -peak is 0 to 1000000; see -h")
	}
	if flags.NArg() > 0 || len(o.mixes) == 0 && o.peak == 0 || !(o.cap >= 0.01) || o.cap > 1 || o.step < time.Second || o.duration < time.Second ||
		o.patience < time.Second || o.patience > time.Minute {
		return nil, 0, errors.New("-cap is 0.01 to 1, -step and -duration are 1s or more, -patience is 1s to 1m, there is a mix or a -peak, and no arguments; see -h")
	}
	return o, limit, nil
}

func run(ctx context.Context, o *options) error {
	l, err := netlab.New(ctx, "l6over")
	if err != nil {
		return err
	}
	defer l.Close()
	r := newReport(o)
	for _, mix := range o.mixes {
		for _, c := range contenders() {
			if !strings.HasPrefix(c.name, o.only) {
				continue
			}
			fmt.Fprintf(os.Stderr, "%s, %s\n", c.name, mix)
			s := sweep{}
			if err := measureOne(ctx, l, o, &c, loadPart, &s, func(t *task) { t.Mix = mix }); err != nil {
				return fmt.Errorf("%s, %s: %w", c.name, mix, err)
			}
			r.Sweeps = append(r.Sweeps, named{c.name, mix, s})
			if c.name == lockstep6 && o.peak == 0 {
				o.peak = s.Peak
			}
		}
	}
	if len(r.Sweeps) > 0 {
		r.judge()
		fmt.Print(r.markdown())
		if err := r.write(o.out); err != nil {
			return err
		}
	}
	if o.peak == 0 || o.rounds == 0 {
		return nil
	}
	f := newFloods(o)
	if err := f.run(ctx, l, o); err != nil {
		return err
	}
	fmt.Print(f.markdown())
	return f.write(o.out)
}

// measureOne starts a server with nothing on its disk, has a child do a part of its task with it, and ends it. The result goes to out.
func measureOne(ctx context.Context, l *netlab.Lab, o *options, c *contender, part string, out any, change func(*task)) (failed error) {
	dir, err := os.MkdirTemp("/var/tmp", "overload-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var groups [2]*group // the server's and the load's
	for i, name := range []string{"server", "load"} {
		g, err := newGroup(o.cgroups, fmt.Sprintf("lockstep6-overload-%d-%s", os.Getpid(), name))
		if g != nil {
			defer func() { failed = errors.Join(failed, g.close()) }()
		}
		if err != nil {
			return err
		}
		groups[i] = g
	}
	g := groups[0]
	args, err := c.prepare(o, dir)
	if err != nil {
		return err
	}
	server, err := l.Start(ctx, dir, args)
	if err != nil {
		return err
	}
	defer func() {
		_ = g.limit(0) // so that it ends soon
		if said := server.Stop(); failed != nil {
			failed = fmt.Errorf("%w\nthe server said: %s", failed, said)
		}
	}()
	if err := g.add(server.PID()); err != nil {
		return err
	}
	if err := l.Answers(ctx, o.lockstep6); err != nil {
		return err
	}
	t := task{
		Namespace: l.Relays, PID: server.PID(), Group: *g, Load: *groups[1], Cap: o.cap, Admin: filepath.Join(dir, adminSocket), Clients: c.clients,
		First: c.first, Step: o.step, Search: 4 * time.Minute, For: o.duration, Patience: o.patience, Multiples: o.multiples,
	}
	change(&t)
	return child.Run(ctx, part, 1, t, out)
}
