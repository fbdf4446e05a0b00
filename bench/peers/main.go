// Command peers finds the highest rate that lockstep6 and Kea hold, one after the other, several rounds, with the same
// clients and the same generator on the same machine. `make peers` runs it at the top of the module. It needs root: the
// server and the clients' relays have a network namespace each.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
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
	flag.IntVar(&o.rounds, "rounds", 3, "how often each server has its turn, 1 to 20")
	flag.IntVar(&o.clients, "clients", 100_000, "clients, 1000 or more")
	flag.DurationVar(&o.step, "step", 3*time.Second, "how long each rate is tried, 1s or more")
	flag.StringVar(&o.out, "out", "", "`file` to write the results to as well")
	flag.StringVar(&o.commit, "commit", "", "of lockstep6, for the results' head")
	limit := flag.Duration("limit", 25*time.Minute, "for all of it")
	flag.Parse()
	if flag.NArg() > 0 || o.rounds < 1 || o.rounds > 20 || o.clients < 1000 || o.step < time.Second {
		fmt.Fprintln(os.Stderr, "peers: needs 1 to 20 rounds, 1000 clients or more, steps of 1s or more, and no arguments; see -h")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeoutCause(ctx, *limit, fmt.Errorf("it took more than %v", *limit))
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
	defer l.close()
	all := contenders()
	results := make([][]result, len(all))
	for round := range o.rounds {
		for i := range all {
			r, err := l.measure(ctx, o, &all[i])
			if err != nil {
				return fmt.Errorf("%s, round %d: %w", all[i].name, round+1, err)
			}
			fmt.Fprintf(os.Stderr, "round %d of %d, %s: %.0f/s, %.1f us\n", round+1, o.rounds, all[i].name, r.rate, r.cpu)
			results[i] = append(results[i], r)
		}
	}
	text := markdown(o, all, results)
	fmt.Print(text)
	if o.out == "" {
		return nil
	}
	return os.WriteFile(o.out, []byte(text), 0o644)
}
