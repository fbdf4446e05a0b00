package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/lockstep6/lockstep6/bench/load"
	"github.com/lockstep6/lockstep6/bench/measure"
	"github.com/lockstep6/lockstep6/bench/netlab"
)

const fairPart = "fairness"

// floodTimes is how much a flood is more than all that the others send.
const floodTimes = 10

// A trial is one flood against one configuration.
type trial struct {
	Flood     string `json:"flood"`
	Protected bool   `json:"protected"`
	off       string // of the configuration, where it isn't protected
	source    int    // of the relays' addresses: the flood's
	clients   int
}

// trials are in the order in which they are made. The relay that floods has an address of its own; the client that does is behind a relay that others use.
func trials() (all []trial) {
	for _, protected := range []bool{true, false} {
		all = append(all, trial{"one relay", protected, "limits: {fair-shares: false}\n", relays, 1_000_000},
			trial{"one client", protected, "limits: {fair-shares: false, messages-per-client: {per-second: 0}}\n", 0, 1})
	}
	return all
}

// relays are how many the others are behind, each with an address.
const relays = 8

// sourceAt is the i-th relay's address.
func sourceAt(i int) string { return fmt.Sprintf("2001:db8:f::%x", 2+i) }

// A fairness is what a trial came to. Others are all clients but those that flood.
type fairness struct {
	trial
	Round   int               `json:"round"`
	Quiet   measure.Step      `json:"quiet"`      // of the others, before the flood
	Flooded measure.Step      `json:"flooded"`    // and during it
	Sent    float64           `json:"flood_rate"` // messages per second
	Dropped map[string]uint64 `json:"dropped"`    // during both, by reason
}

// kept is the share of the others' goodput that they have during the flood.
func (f *fairness) kept() float64 { return f.Flooded.Meanwhile / max(f.Quiet.Meanwhile, 1) }

// runFair is the child's: the others offer half of the peak, first alone and then beside the flood.
func runFair(in json.RawMessage, tell func(any) error, stop <-chan struct{}) (err error) {
	ctx, cancel := until(stop)
	defer cancel()
	t, o, err := read(in)
	if err != nil {
		return err
	}
	water, err := t.Flood.open()
	if err != nil {
		return err
	}
	offer := load.Offer{Rate: t.First, For: t.For, Mix: o.Offer.Mix, Patience: t.Patience, Resend: true}
	o.Offer, o.Ramp = offer, nil
	o.Ready = func() error { return t.Group.limit(t.Cap) }
	var began time.Time
	o.Then = func(*measure.Result) []load.Offer { // what follows comes after a rest, in which the flood swells
		began = time.Now()
		water.begin(ctx, t.Flood)
		return []load.Offer{offer}
	}
	before := t.dropped(ctx)
	r, err := measure.Run(ctx, *o)
	took := time.Since(began)
	sent, failed := water.end()
	if err = errors.Join(err, failed); err != nil {
		return err
	}
	f := fairness{Quiet: r.Steps[0], Flooded: r.Steps[1], Sent: float64(sent) / took.Seconds(), Dropped: t.dropped(ctx)}
	for reason, n := range before {
		f.Dropped[reason] -= n
	}
	return tell(f)
}

// run makes all trials, in turns.
func (r *floods) run(ctx context.Context, l *netlab.Lab, o *options) error {
	for i := range relays + 1 {
		if address := sourceAt(i); address != netlab.RelayAddress {
			if err := l.Address(ctx, l.Relays, address); err != nil {
				return err
			}
		}
	}
	for round := range o.rounds {
		for _, t := range trials() {
			c := contenders()[0]
			if !t.Protected {
				c.config += t.off
			}
			fmt.Fprintf(os.Stderr, "%s floods, protected: %t\n", t.Flood, t.Protected)
			var f fairness
			err := measureOne(ctx, l, o, &c, fairPart, &f, func(k *task) {
				k.Mix, k.First = "acquire", r.Peak/2
				for i := range relays {
					k.Sources = append(k.Sources, sourceAt(i))
				}
				// An exchange is two messages.
				k.Flood = &flood{Source: sourceAt(t.source), Clients: t.clients, Rate: floodTimes * 2 * k.First}
			})
			if err != nil {
				return fmt.Errorf("%s floods: %w", t.Flood, err)
			}
			f.trial, f.Round = t, round+1
			r.Trials = append(r.Trials, f)
		}
	}
	return nil
}
