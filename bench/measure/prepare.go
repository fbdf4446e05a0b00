package measure

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/lockstep6/lockstep6/bench/load"
)

const (
	trialRate = 40                     // Solicits per second that find out whether the server answers
	trialFor  = 250 * time.Millisecond // for so long
	trials    = 10                     // at most, where none could be sent

	leasesLimit = 5 * time.Minute // until all clients must have leases
)

func newHistogram() *hdrhistogram.Histogram {
	return hdrhistogram.New(1, time.Hour.Microseconds(), 3)
}

// prepare makes sure that there is something to measure.
func (r *run) prepare(ctx context.Context) error {
	if err := r.try(ctx); err != nil {
		return err
	}
	if r.options.Offer.Mix.NeedsLeases() {
		if err := r.acquireAll(ctx); err != nil {
			return err
		}
	}
	if r.options.Ready == nil {
		return nil
	}
	return r.options.Ready()
}

// try sends a few Solicits, which bind nothing, so that a server that doesn't answer is told from one under load.
func (r *run) try(ctx context.Context) error {
	var out *load.Outcome
	for tries := 0; out == nil || out.Sum().Begun == 0 && tries < trials; tries++ { // none is begun where this machine stands still for so long
		var err error
		if out, err = r.generator.Offer(ctx, load.Offer{Rate: trialRate, For: trialFor, Mix: load.Only(load.Ask), Resend: true, Patience: 2 * time.Second}); err != nil {
			return errEarly
		}
	}
	sum, c := out.Sum(), &r.options.Clients
	switch {
	case sum.Done > 0:
		return nil
	case sum.Refused > 0:
		return fmt.Errorf("the server answers, but has no lease for the clients:\n"+
			"  - is the link-address %s in a link, network or subnet of its configuration?\n"+
			"  - has that link a free pool of %s?", c.LinkAddress, kindsOf(c))
	case out.Counts.Received > 0:
		return errors.New("answers come, but none that belongs to what was asked: is it a DHCPv6 server, and is every --server given by the address that it answers from?")
	default:
		return fmt.Errorf("no answer at all to %d Solicits by way of a relay:\n"+
			"  - does the server run, and listen at %s for relays?\n"+
			"  - is the link-address %s in a link, network or subnet of its configuration? Many servers are silent otherwise\n"+
			"  - does it know RFC 8357 (Relay Source Port option)? If not, it answers to port 547: give --source-port 547, and a --source for each relay\n"+
			"  - can it reach the relays' addresses (--source), and does no firewall on either side drop UDP?", sum.Begun, c.Servers[0], c.LinkAddress)
	}
}

func kindsOf(c *load.Config) string {
	switch {
	case c.NoAddresses:
		return "prefixes"
	case c.Prefixes:
		return "addresses, and of prefixes"
	default:
		return "addresses"
	}
}

// acquireAll gives every client a lease, as fast as the server can.
func (r *run) acquireAll(ctx context.Context) error {
	before := r.generator.Counts()
	tell := func(time.Duration) {
		r.screen.show(fmt.Sprintf("the clients get leases first: %s of %s",
			thousands(float64(r.generator.Counts().Done-before.Done)), thousands(float64(r.options.Clients.Clients))))
	}
	stop := watch(ctx, tell)
	bounded, cancel := context.WithTimeout(ctx, leasesLimit)
	defer cancel()
	report, err := r.generator.Run(bounded, load.Job{Task: load.Acquire})
	stop()
	switch {
	case ctx.Err() != nil:
		return errEarly
	case err != nil:
		return fmt.Errorf("after %v only %d of %d clients have a lease: give fewer by --clients", leasesLimit, report.Done, report.Asked)
	case report.Done == 0:
		return errors.New("no client could get a lease, which the mix needs")
	case report.Failed > 0:
		r.screen.say("%d of %d clients got no lease", report.Failed, report.Asked)
	}
	r.screen.say("%s clients have leases", thousands(float64(report.Done)))
	return nil
}
