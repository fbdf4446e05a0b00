package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/lockstep6/lockstep6/bench/load"
)

// patience is how long a client goes on with one exchange: a node that is killed in the middle costs it a Renew and a Rebind.
const patience = 20 * time.Second

// A crowd plays all clients, as cohorts that come one after the other, each with numbers of its own.
type crowd struct {
	course  *course
	servers []netip.AddrPort
	ledger  *ledger
	group   sync.WaitGroup

	mu     sync.Mutex
	live   map[*load.Generator]bool
	next   int // number of the next cohort's first client
	totals Totals
	failed error
}

// Totals are what the crowd's exchanges came to.
type Totals struct {
	Begun    uint64 `json:"begun"`
	Done     uint64 `json:"done"`
	Lost     uint64 `json:"lost"`    // not ended within 20 s
	Refused  uint64 `json:"refused"` // ended by a server, without a lease
	Skipped  uint64 `json:"skipped"` // not begun: the generator couldn't keep up
	Released uint64 `json:"released"`
	Declined uint64 `json:"declined"`
	Silent   uint64 `json:"silent"` // clients that went without a word
	Cohorts  int    `json:"cohorts"`
	Resent   uint64 `json:"resent"` // messages that were sent again
}

func newCrowd(c *course, servers []netip.AddrPort, l *ledger) *crowd {
	return &crowd{course: c, servers: servers, ledger: l, live: map[*load.Generator]bool{}}
}

// play has all cohorts play until the context ends. The first ones have been there for different times, as it were, so that
// there is always one that comes and one that goes.
func (c *crowd) play(ctx context.Context) {
	for slot := range slots {
		c.group.Go(func() {
			for k := 0; ctx.Err() == nil; k++ {
				units := stay
				if k == 0 {
					units = slot
				}
				if err := c.cohort(ctx, units); err != nil && ctx.Err() == nil {
					c.mu.Lock()
					c.failed = errors.Join(c.failed, err)
					c.mu.Unlock()
					return
				}
			}
		})
	}
}

// open makes a cohort's generator.
func (c *crowd) open() (g *load.Generator, first int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	first = c.next
	config := load.Config{
		Clients: c.course.cohort, First: first, Servers: c.servers, Relays: 2, Workers: 1, Window: 64,
		LinkAddress: linkAddress, InterfaceID: true, RemoteID: true, Seed: uint64(first) + 1,
		Heard: func(a *load.Answer) { c.ledger.heard(first+a.Client, a, time.Now()) },
		Times: load.Times{ // those of RFC 9915, Section 7.6, in a hurry
			Solicit: load.Backoff{Initial: time.Second, Most: 4 * time.Second}, Request: load.Backoff{Initial: time.Second, Most: 4 * time.Second, Count: 4},
			Renew: load.Backoff{Initial: time.Second, Most: 2 * time.Second, For: 3 * time.Second}, Rebind: load.Backoff{Initial: time.Second, Most: 4 * time.Second},
			Release: load.Backoff{Initial: time.Second, Count: 4}, Faster: 1,
		},
	}
	if g, err = load.Open(config); err != nil {
		return nil, 0, err
	}
	c.next += c.course.cohort
	c.live[g] = true
	c.totals.Cohorts++
	return g, first, nil
}

// cohort is one cohort's life, in which it renews for so many units.
func (c *crowd) cohort(ctx context.Context, units int) (err error) {
	g, first, err := c.open()
	if err != nil {
		return err
	}
	defer func() {
		c.mu.Lock()
		delete(c.live, g)
		c.totals.Resent += g.Counts().Retransmitted
		c.mu.Unlock()
		err = errors.Join(err, g.Close())
		c.ledger.forget(first, c.course.cohort, time.Now())
	}()
	rate := float64(c.course.cohort) / c.course.unit.Seconds()
	if err := c.offer(ctx, g, load.Offer{Rate: rate, For: c.course.unit, Mix: load.Only(load.Acquire)}); err != nil {
		return err
	}
	if units > 0 {
		mix := load.Mix{load.Renew: rebinds - 1, load.Rebind: 1}
		if err := c.offer(ctx, g, load.Offer{Rate: rate, For: time.Duration(units) * c.course.unit, Mix: mix}); err != nil {
			return err
		}
	}
	return c.end(ctx, g, first)
}

func (c *crowd) offer(ctx context.Context, g *load.Generator, o load.Offer) error {
	o.Patience, o.Resend = patience, true
	out, err := g.Offer(ctx, o)
	if out != nil {
		sum := out.Sum()
		c.mu.Lock()
		c.totals.Begun += sum.Begun
		c.totals.Done += sum.Done
		c.totals.Lost += sum.Lost
		c.totals.Refused += sum.Refused
		c.totals.Skipped += out.Skipped
		c.mu.Unlock()
	}
	return err
}

// end has a cohort go: for one unit some release and some decline.
func (c *crowd) end(ctx context.Context, g *load.Generator, first int) error {
	released := func(n int) bool { return n%releases == 0 }
	declined := func(n int) bool { return n%releases != 0 && n%declines == 1 }
	for n := range c.course.cohort {
		if released(n) || declined(n) {
			c.ledger.leave(first + n)
		}
	}
	pace := float64(c.course.cohort) / c.course.unit.Seconds() / releases
	r, err := g.Run(ctx, load.Job{Task: load.Release, Only: released, Pace: pace})
	if err != nil {
		return err
	}
	d, err := g.Run(ctx, load.Job{Task: load.Decline, Only: declined, Pace: pace})
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.totals.Released += r.Done
	c.totals.Declined += d.Done
	c.totals.Silent += uint64(c.course.cohort - r.Asked - d.Asked)
	return nil
}

// recent is what was done since the last call, and how long it took, in microseconds.
func (c *crowd) recent() *hdrhistogram.Histogram {
	h := hdrhistogram.New(1, time.Hour.Microseconds(), 3)
	c.mu.Lock()
	defer c.mu.Unlock()
	for g := range c.live {
		g.Progress(h)
	}
	return h
}

// wait waits until all cohorts have gone, and returns what they came to.
func (c *crowd) wait() (Totals, error) {
	c.group.Wait()
	if c.failed != nil {
		return c.totals, fmt.Errorf("the clients: %w", c.failed)
	}
	return c.totals, nil
}
