package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// Options say what to measure with.
type options struct {
	lockstep6    string // program
	total        time.Duration
	rate         float64 // exchanges per second
	history, dns bool
	keep         bool // logs of leases, and the nodes' folders where a promise is broken
	dir          string
	out          string
	commit       string
	dense        string
}

// Bounds of the options.
const (
	leastTime, mostTime = 30 * time.Second, 24 * time.Hour
	leastRate, mostRate = 50, 50_000
)

func main() {
	o := options{}
	flag.StringVar(&o.lockstep6, "lockstep6", "./lockstep6", "`program`")
	flag.DurationVar(&o.total, "for", time.Hour, "how long, 30s to 24h; lifetimes and pauses between happenings follow from it")
	flag.Float64Var(&o.rate, "rate", 1000, "exchanges per second, 50 to 50000; how many clients there are follows from it")
	flag.BoolVar(&o.history, "history", false, "keep history, which grows all day, so that the store isn't judged")
	flag.BoolVar(&o.dns, "dns", false, "give each client a name in zones whose server doesn't answer")
	flag.StringVar(&o.dense, "dense", "exclusive", "agree or exclusive: what nodes do in the pool")
	flag.StringVar(&o.dir, "dir", "/var/tmp", "`folder` on the disk in question, for the stores")
	flag.StringVar(&o.out, "out", "", "`folder` to write soak.md, soak.json and soak.svg to")
	flag.BoolVar(&o.keep, "keep", false, "have the nodes log each lease, and keep their folders, with logs and stores, where a promise is broken")
	again := flag.String("again", "", "judge what `FILE`, a soak.json, has in it, instead of soaking")
	flag.StringVar(&o.commit, "commit", "of an unknown commit", "for the results' head")
	flag.Parse()
	if flag.NArg() > 0 || o.total < leastTime || o.total > mostTime || !(o.rate >= leastRate) || o.rate > mostRate || o.dense != "agree" && o.dense != "exclusive" {
		fmt.Fprintln(os.Stderr, "soak: -for is 30s to 24h, -rate is 50 to 50000, -dense is agree or exclusive, and there are no arguments; see -h")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	var r *Report
	var err error
	if *again == "" {
		r, err = run(ctx, &o)
	} else {
		r, err = read(*again)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
	fmt.Print(r.markdown())
	if err := r.write(o.out); err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
	if !r.Held {
		os.Exit(1)
	}
}

// run soaks, and judges.
func run(ctx context.Context, o *options) (r *Report, err error) {
	r = newReport(o)
	dir, err := os.MkdirTemp(o.dir, "soak-")
	if err != nil {
		return nil, err
	}
	defer func() {
		if broke := r == nil || r.broke(); o.keep && broke { // nil: nobody knows
			fmt.Fprintln(os.Stderr, "soak: the nodes' folders stay in", dir)
			return
		}
		err = errors.Join(err, os.RemoveAll(dir))
	}()
	s, err := newSoak(ctx, o, dir)
	if err != nil {
		return nil, err
	}
	err = s.play(ctx, r)
	if err = errors.Join(err, s.stop()); err != nil {
		return nil, err
	}
	r.judge()
	return r, nil
}
