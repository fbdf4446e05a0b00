package sim_test

import (
	"reflect"
	"testing"

	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/sim"
	"github.com/lockstep6/lockstep6/core/sim/failover"
)

// trial is a small one: the first server dies in its midst.
func trial(pair bool) sim.Trial {
	return sim.Trial{
		Options: sim.Options{Seed: 1, Slots: 32, Clients: 24, Relays: 2,
			Lifetimes: sim.Lifetimes{Preferred: 4800, Valid: 7200, Renew: 2400, Rebind: 3840}},
		Failover: pair, MCLT: hour / 2, Arrive: hour, Length: 5 * hour, LifeEvery: 4 * hour, Judged: 2 * hour,
		Incidents: []sim.Incident{{What: sim.Dies, At: 2 * hour}},
	}
}

func measure(t *testing.T, of sim.Trial) sim.Figures {
	t.Helper()
	f, err := sim.Measure(of)
	if err != nil || len(f.Faults) > 0 {
		t.Fatal(err, f.Faults)
	}
	return f
}

// TestTrial: both kinds of servers keep all leases when the first one dies, and only the pair has something to tell its partner.
func TestTrial(t *testing.T) {
	for _, pair := range []bool{false, true} {
		f := measure(t, trial(pair))
		if f.Had < 24 || f.Kept != f.Had || f.Doubles != 0 || f.Waiting != 0 {
			t.Errorf("pair %v: %d of %d leases kept, %d shared, %d waiting", pair, f.Kept, f.Had, f.Doubles, f.Waiting)
		}
		if (f.PeerLeases > 0) != pair || (f.PeerOctets > 100*f.PeerLeases) != pair || (f.OtherMessages > 0) != pair {
			t.Errorf("pair %v: %+v between the servers", pair, f)
		}
		if pair && f.States[len(f.States)-1] != failover.CommunicationsInterrupted {
			t.Errorf("the survivor is in %s", f.States[len(f.States)-1])
		}
		if again := measure(t, trial(pair)); !reflect.DeepEqual(again, f) {
			t.Errorf("pair %v: the same seed gave %+v and %+v", pair, f, again)
		}
	}
}

// TestTrialCut: clients that don't reach the first server are served by the second of our nodes. The second one of a pair isn't
// responsive in NORMAL (RFC 8156, Section 8.8), so they aren't.
func TestTrialCut(t *testing.T) {
	for _, pair := range []bool{false, true} {
		of := trial(pair)
		of.Incidents = []sim.Incident{{What: sim.Cut, At: of.Judged, Lasts: of.Length, Relay: -1}}
		if f := measure(t, of); (f.Waiting > 0) != pair || pair != (f.Kept == 0) {
			t.Errorf("pair %v: %d wait, %d of %d leases kept", pair, f.Waiting, f.Kept, f.Had)
		}
	}
}

const hour = 3_600_000

// day is a trial of a dense pool that is nearly full, with lifetimes of half a day, in which something goes wrong in the nineteenth hour.
func day(seed uint64, dense config.Dense, incident sim.Incident) sim.Trial {
	incident.At = 18 * hour
	return sim.Trial{
		Options: sim.Options{Seed: seed, Slots: 256, Clients: 205, Relays: 3, Dense: dense,
			Lifetimes: sim.Lifetimes{Preferred: 28_800, Valid: 43_200, Renew: 14_400, Rebind: 23_040}},
		Arrive: 12 * hour, Length: 42 * hour, LifeEvery: 24 * hour, Judged: 18 * hour,
		Incidents: []sim.Incident{incident},
	}
}

// TestTrialLostDisk: a node that returns without its disk gives nothing twice out of an exclusive pool: the first client that it hears with a lease
// of its own stripe tells it that it doesn't know what it granted. Before that it can't know, and the others don't tell it.
func TestTrialLostDisk(t *testing.T) {
	for seed := uint64(1); seed <= 3; seed++ {
		f := measure(t, day(seed, config.DenseExclusive, sim.Incident{What: sim.Dies, Lasts: 3 * hour, LoseDisk: true}))
		if f.Doubles != 0 || f.Kept != f.Had || f.Had < 150 {
			t.Errorf("seed %d: %d given twice, %d of %d kept", seed, f.Doubles, f.Kept, f.Had)
		}
	}
}

// TestTrialSilence: a node that doesn't hear some or all of its clients for hours, and serves on, gives nothing twice: it keeps apart what ends
// meanwhile by all that it knows. Where it hears nobody that may last longer than leases do.
func TestTrialSilence(t *testing.T) {
	for _, dense := range []config.Dense{config.DenseAgree, config.DenseExclusive} {
		for _, cut := range []sim.Incident{{Lasts: 8 * hour, Relay: 1}, {Lasts: 8 * hour, Relay: -1}, {Lasts: 20 * hour, Relay: -1}} {
			cut.What = sim.Cut
			for seed := uint64(1); seed <= 2; seed++ {
				f := measure(t, day(seed, dense, cut))
				if f.Doubles != 0 || f.Kept != f.Had || f.Had < 150 {
					t.Errorf("dense %v, %+v, seed %d: %d given twice, %d of %d kept", dense, cut, seed, f.Doubles, f.Kept, f.Had)
				}
			}
		}
	}
}
