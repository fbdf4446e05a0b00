// Command onecore measures what one processor gives: a real `lockstep6 serve` on processor 0, its clients on processor 1, and in the same
// run, in turns, what the parts could do alone: a bare echo of the same packets by the same sockets, Pebble with the store's
// options, and the table. `make onecore` runs it at the top of the module and writes bench/results. All of it happens in a
// network namespace that ends with it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"
	"time"

	"github.com/lockstep6/lockstep6/bench/child"
	"github.com/lockstep6/lockstep6/bench/figures"
)

// Options say what to measure with.
type options struct {
	lockstep6 string // program
	rounds    int
	step      time.Duration // of a row
	sustained time.Duration // of the row with the store's background work
	clients   int           // of a row
	window    int
	changes   int // that Pebble writes
	bindings  int // in the table
	dir       string
	out       string
	commit    string
}

func main() {
	child.Main(parts())
	o := options{window: 1024, changes: 1 << 19, bindings: 1 << 20}
	flag.StringVar(&o.lockstep6, "lockstep6", "./lockstep6", "`program`")
	flag.IntVar(&o.rounds, "rounds", 3, "how often everything has its turn, 1 to 20")
	flag.DurationVar(&o.step, "step", 2*time.Second, "how long each row is measured, 500ms or more")
	flag.DurationVar(&o.sustained, "sustained", time.Minute, "how long the one with the store's background work is, 500ms or more")
	flag.IntVar(&o.clients, "clients", 600_000, "clients of each row, 1000 or more; ten times as many for the long one")
	flag.StringVar(&o.dir, "dir", "/var/tmp", "`folder` on the disk in question, for the stores")
	flag.StringVar(&o.out, "out", "", "`folder` to write onecore.md, onecore.json and onecore-sustained.svg to")
	flag.StringVar(&o.commit, "commit", "of an unknown commit", "for the results' head")
	limit := flag.Duration("limit", 15*time.Minute, "for all of it")
	flag.Parse()
	if flag.NArg() > 0 || o.rounds < 1 || o.rounds > 20 || o.clients < 1000 || min(o.step, o.sustained) < 500*time.Millisecond {
		fmt.Fprintln(os.Stderr, "onecore: needs 1 to 20 rounds, 1000 clients or more, steps of 500ms or more, and no arguments; see -h")
		os.Exit(2)
	}
	if runtime.NumCPU() < 2 {
		fmt.Fprintln(os.Stderr, "onecore: server and generator need a processor each, and there is one only")
		os.Exit(1)
	}
	status, more, err := enter()
	if more && err == nil {
		ctx, cancel := figures.Within(*limit)
		defer cancel()
		err = run(ctx, &o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "onecore:", err)
		status = 1
	}
	os.Exit(status)
}

func run(ctx context.Context, o *options) error {
	r := newReport(o)
	err := r.measure(ctx, o)
	if len(r.Rounds) == 0 {
		return err
	}
	return errors.Join(err, r.write(o.out)) // what was measured before an error as well
}

// write prints the page, and writes all files where there is a folder for them.
func (r *Report) write(folder string) error {
	all := r.sorted(others)
	r.Targets, r.Busy = r.targets(), all[len(all)-1] > quiet
	page := r.markdown()
	fmt.Print(page)
	data, err := figures.JSON(r)
	if err != nil {
		return err
	}
	picture, err := r.picture()
	if err != nil {
		return err
	}
	return figures.Write(folder, map[string][]byte{"onecore.md": []byte(page), "onecore.json": data, "onecore-sustained.svg": picture})
}
