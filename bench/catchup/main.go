package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/lockstep6/lockstep6/bench/figures"
)

// Options say what to measure with.
type options struct {
	lockstep6 string // program
	clients   int    // with an address each
	step      time.Duration
	window    int
	dir       string
	out       string
	commit    string
}

func main() {
	o := options{window: 1024}
	flag.StringVar(&o.lockstep6, "lockstep6", "./lockstep6", "`program`")
	flag.IntVar(&o.clients, "clients", 1_000_000, "clients, 1000 to 10000000, with an address each")
	flag.DurationVar(&o.step, "step", 5*time.Second, "how long the peer alone is measured, before and after, 1s or more")
	flag.StringVar(&o.dir, "dir", "/var/tmp", "`folder` on the disk in question, for the stores")
	flag.StringVar(&o.out, "out", "", "`folder` to write catchup.md and catchup.json to")
	flag.StringVar(&o.commit, "commit", "of an unknown commit", "for the results' head")
	limit := flag.Duration("limit", 15*time.Minute, "for all of it")
	flag.Parse()
	if flag.NArg() > 0 || o.clients < 1000 || o.clients > 10_000_000 || o.step < time.Second {
		fmt.Fprintln(os.Stderr, "catchup: needs 1000 to 10000000 clients, steps of 1s or more, and no arguments; see -h")
		os.Exit(2)
	}
	ctx, cancel := figures.Within(*limit)
	defer cancel()
	if err := run(ctx, &o); err != nil {
		fmt.Fprintln(os.Stderr, "catchup:", err)
		os.Exit(1)
	}
}

// run measures, prints the page, and writes the files where there is a folder for them.
func run(ctx context.Context, o *options) (err error) {
	r := newReport(o)
	if o.dir, err = os.MkdirTemp(o.dir, "catchup-"); err != nil {
		return err
	}
	err = r.measure(ctx, o)
	if err = errors.Join(err, os.RemoveAll(o.dir)); err != nil {
		return err
	}
	page := r.markdown()
	fmt.Print(page)
	data, err := figures.JSON(r)
	if err != nil {
		return err
	}
	return figures.Write(o.out, map[string][]byte{"catchup.md": []byte(page), "catchup.json": data})
}
