package failover

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/lockstep6/lockstep6/core/sim"
	"github.com/lockstep6/lockstep6/core/wire"
)

// A Row is what some seeds gave for a scenario and a system, added up. Leases are counted by identity association; times
// are in milliseconds.
type Row struct {
	Scenario, System string

	Doubles        int    // leases that two clients had at once
	Had, Kept      int    // leases at the incident; of those the ones that their clients have a day later
	Within         [4]int // of Had: those that were extended within each of Spans after the incident
	Long           int    // waits for a lease of more than a minute
	Longest, InAll int64  // of those
	Median, Slow   int64  // of all waits for a lease: the median, and what 1 % are above
	Rebind         int64  // the median time from a client's first Rebind at T2 to its answer; 0: there was none

	Asked, Granted             int // Renews and Rebinds that clients sent; leases granted or extended
	Messages, Octets           int // between the servers, about clients' leases
	OtherMessages, OtherOctets int // between the servers, all else
}

// Spans are the times of Row.Within.
var Spans = [4]int64{10 * minute, 4 * hour, 6*hour + 30*minute, 12 * hour}

// Study plays each scenario with each system and the seeds 1 to seeds, on all processors. The rows depend on nothing but the
// arguments. It fails where our nodes broke a promise.
func Study(scenarios []Scenario, seeds int) ([]Row, error) {
	figures := make([]sim.Figures, len(scenarios)*len(Systems)*seeds)
	failures := make([]error, len(figures))
	next := make(chan int)
	var done sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		done.Go(func() {
			for i := range next {
				s := &scenarios[i/seeds/len(Systems)]
				figures[i], failures[i] = sim.Measure(s.trial(Systems[i/seeds%len(Systems)], uint64(i%seeds+1)))
			}
		})
	}
	for i := range figures {
		next <- i
	}
	close(next)
	done.Wait()
	var rows []Row
	for i := range len(scenarios) * len(Systems) {
		r := Row{Scenario: scenarios[i/len(Systems)].Name, System: Systems[i%len(Systems)].Name}
		for k := range seeds {
			at := i*seeds + k
			if failures[at] != nil || len(figures[at].Faults) > 0 {
				return nil, fmt.Errorf("%s, %s, seed %d: %v %s", r.Scenario, r.System, k+1, failures[at], strings.Join(figures[at].Faults, "; "))
			}
		}
		r.add(figures[i*seeds : (i+1)*seeds])
		rows = append(rows, r)
	}
	return rows, nil
}

// add sums up the trials.
func (r *Row) add(all []sim.Figures) {
	var waited, rebinds []int64
	for i := range all {
		f := &all[i]
		r.Doubles += f.Doubles
		r.Had += f.Had
		r.Kept += f.Kept
		for k, span := range Spans {
			r.Within[k] += upTo(f.Extended, span)
		}
		waited, rebinds = append(waited, f.Waited...), append(rebinds, f.Rebinds...)
		r.Asked += f.Messages[wire.Renew] + f.Messages[wire.Rebind]
		r.Granted += f.Extends
		r.Messages += f.PeerMessages
		r.Octets += f.PeerOctets
		r.OtherMessages += f.OtherMessages
		r.OtherOctets += f.OtherOctets
	}
	slices.Sort(waited)
	slices.Sort(rebinds)
	r.Long = len(waited) - upTo(waited, minute)
	for _, w := range waited[len(waited)-r.Long:] {
		r.InAll += w
		r.Longest = w
	}
	r.Median, r.Slow, r.Rebind = quantile(waited, 0.5), quantile(waited, 0.99), quantile(rebinds, 0.5)
}

// upTo counts the values up to a bound; they are in ascending order.
func upTo(values []int64, bound int64) int {
	at, _ := slices.BinarySearch(values, bound+1)
	return at
}

// quantile is a value of some in ascending order; 0 where there are none.
func quantile(values []int64, share float64) int64 {
	if len(values) == 0 {
		return 0
	}
	return values[int(float64(len(values)-1)*share)]
}
