// Command peers finds the highest rate that lockstep6, Kea, ISC dhcpd, dnsmasq and Dibbler hold, one after the other, several
// rounds, with the same clients on the same machine: once behind relays that `lockstep6 bench` plays, once on the servers'
// own link, played by perfdhcp. `make peers` runs it at the top of the module. It needs root: the servers and their
// clients have a network namespace each.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/lockstep6/lockstep6/bench/figures"
)

// Options say what to measure with.
type options struct {
	lockstep6, kea string // programs
	rounds         int
	clients        int
	step           time.Duration
	out            string
	commit         string
}

func main() {
	var o options
	flag.StringVar(&o.lockstep6, "lockstep6", "./lockstep6", "`program`, for the server and the load")
	flag.StringVar(&o.kea, "kea", "kea-dhcp6", "`program`")
	flag.IntVar(&o.rounds, "rounds", 2, "how often each server has its turn, 1 to 20")
	flag.IntVar(&o.clients, "clients", 100_000, "clients behind relays, 1000 or more; servers that rewrite all leases for each get fewer")
	flag.DurationVar(&o.step, "step", 2*time.Second, "how long each rate is tried, 1s or more")
	flag.StringVar(&o.out, "out", "", "`prefix` of files to write the results to as well: .md, .json and .svg")
	flag.StringVar(&o.commit, "commit", "", "of lockstep6, for the results' head")
	limit := flag.Duration("limit", 25*time.Minute, "for all of it")
	flag.Parse()
	if flag.NArg() > 0 || o.rounds < 1 || o.rounds > 20 || o.clients < 1000 || o.step < time.Second {
		fmt.Fprintln(os.Stderr, "peers: needs 1 to 20 rounds, 1000 clients or more, steps of 1s or more, and no arguments; see -h")
		os.Exit(2)
	}
	ctx, cancel := figures.Within(*limit)
	defer cancel()
	if err := run(ctx, &o); err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o *options) (err error) {
	l, err := newLab(ctx)
	if err != nil {
		return err
	}
	defer l.Close()
	all := contenders()
	r := newReport(o, all)
	for round := range o.rounds {
		for i := range all {
			if err := l.turn(ctx, o, &all[i], &r.Servers[i]); err != nil {
				return fmt.Errorf("%s, round %d: %w", all[i].name, round+1, err)
			}
			fmt.Fprintf(os.Stderr, "round %d of %d, %s\n", round+1, o.rounds, r.Servers[i].last())
		}
	}
	r.judge()
	fmt.Print(r.markdown())
	if o.out == "" {
		return nil
	}
	return r.write(o.out)
}

// turn measures one contender both ways. perfdhcp begins a little below what relays got, or what itself got the last time.
func (l *lab) turn(ctx context.Context, o *options, c *contender, s *server) error {
	begin, err := readClock()
	if err != nil {
		return err
	}
	r, err := l.relayed(ctx, o, c)
	if err != nil {
		return err
	}
	s.Relayed = append(s.Relayed, r)
	first := min(r.Best.Rate, perfdhcpMost) * 0.9
	if n := len(s.Direct); n > 0 {
		first = s.Direct[n-1].Rate * 0.9
	}
	d, err := l.direct(ctx, o, c, first)
	if err != nil {
		return err
	}
	s.Direct = append(s.Direct, d)
	end, err := readClock()
	s.Others = append(s.Others, end.others(begin))
	return err
}
