package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/lockstep6/lockstep6/bench/measure"
	"github.com/lockstep6/lockstep6/bench/meter"
)

const (
	directFor   = 2                // seconds for which perfdhcp begins exchanges; it waits one more for what is under way
	directLimit = 13 * time.Second // no try begins later, so that all of it has an end
	maxDrops    = 0.01
	shortfall   = 0.95 // what perfdhcp must have sent of what it was asked to, for a rate to be offered at all
)

// A direct turn is what a contender does for clients on its own link, which perfdhcp plays.
type direct struct {
	Rate     float64 `json:"rate"`                // exchanges done per second
	CPU      float64 `json:"cpu_us_per_exchange"` // of the server
	Perfdhcp float64 `json:"perfdhcp_us_per_exchange"`
	Dropped  float64 `json:"dropped"` // share
	Limit    string  `json:"limit"`   // what kept the rate from being higher: server, perfdhcp, time
}

// direct finds the highest rate that perfdhcp gets of a contender with fewer than 1 % of drops. Each try has a fresh server.
func (l *lab) direct(ctx context.Context, o *options, c *contender, first float64) (best direct, err error) {
	s := measure.NewSearch(first, measure.SearchOptions{Most: 100_000, Factor: 1.2, Precision: 1.1})
	limit := "time"
	for begin, more := time.Now(), true; more && (time.Since(begin) < directLimit || best.Rate == 0); {
		got, err := l.try(ctx, o, c, s.Rate())
		if err != nil {
			return best, fmt.Errorf("perfdhcp at %.0f/s: %w", s.Rate(), err)
		}
		if got.Dropped < maxDrops && got.Rate > best.Rate {
			best = got
		}
		if got.Limit != "" {
			limit = got.Limit
		}
		more = s.Turn(got.Limit == "")
	}
	if best.Rate == 0 {
		return best, errors.New("perfdhcp: no rate was held")
	}
	best.Limit = limit
	return best, nil
}

// try is one rate, once. A rate that wasn't held has its Limit.
func (l *lab) try(ctx context.Context, o *options, c *contender, rate float64) (got direct, err error) {
	err = l.serve(ctx, o, c, func(_ string, pid int) error {
		if err := listening(ctx, pid); err != nil {
			return err
		}
		server, err := meter.Open(pid, 547)
		if err != nil {
			return err
		}
		before, err := server.Read()
		if err != nil {
			return err
		}
		lostBefore, err := l.lost(ctx)
		if err != nil {
			return err
		}
		t, cpu, err := l.perfdhcp(ctx, rate)
		if err != nil {
			return err
		}
		after, err := server.Read()
		if err != nil {
			return err
		}
		lostAfter, err := l.lost(ctx)
		if err != nil {
			return err
		}
		got = sum(&t, rate, after.Since(before).CPU, cpu, lostAfter-lostBefore)
		return nil
	})
	return got, err
}

// sum judges a run by what perfdhcp said, the processor times of both, and the datagrams that perfdhcp's socket had no room for.
func sum(t *tally, rate float64, server, perfdhcp time.Duration, lost uint64) direct {
	done := t.requests.received
	each := func(d time.Duration) float64 { return float64(d.Microseconds()) / max(done, 1) }
	d := direct{Rate: done / directFor, CPU: each(server), Perfdhcp: each(perfdhcp), Dropped: t.dropped()}
	switch {
	case t.solicits.sent < shortfall*rate*directFor:
		d.Limit = "perfdhcp"
	case d.Dropped < maxDrops:
	case float64(lost) > (t.solicits.sent-done)/2:
		d.Limit = "perfdhcp"
	default:
		d.Limit = "server"
	}
	return d
}
