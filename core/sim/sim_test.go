package sim_test

import (
	"bytes"
	"flag"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/sim"
)

var (
	oneSeed = flag.String("sim.seed", "", "play only this seed")
	seeds   = flag.Int("sim.seeds", 0, "how many seeds to play; 0: as many as take about a minute")
	expect  = flag.String("sim.expect", "observation,mending,sparing", "what else to hold against nodes: observation, mending, sparing, clocks; joined by commas")
	counted = flag.Bool("sim.sequential", false, "with -sim.seed: as TestSequential plays it")
	traced  = flag.Bool("sim.trace", false, "write what happens to standard output; with -sim.seed")
)

// How many seeds are played unless a flag says otherwise: some 20 for each second of one processor.
const (
	usualSeeds = 1000
	shortSeeds = 30
	raceSeeds  = 5 // there are no goroutines, so the detector has little to find

	mutationSeeds = 40 // in which a mutation must be noticed
)

// random draws a history, and expects of it what the flag says.
func random(seed uint64) sim.Options {
	o := sim.Random(seed)
	o.Observation = strings.Contains(*expect, "observation")
	o.Mending = strings.Contains(*expect, "mending")
	o.Sparing = strings.Contains(*expect, "sparing")
	o.Clocks = strings.Contains(*expect, "clocks")
	return o
}

// TestSeeds plays many histories: none breaks a promise.
func TestSeeds(t *testing.T) {
	if *oneSeed != "" {
		seed, err := strconv.ParseUint(*oneSeed, 0, 64)
		if err != nil {
			t.Fatal(err)
		}
		o := random(seed)
		if *counted {
			o = sequential(seed)
		}
		if *traced {
			o.Trace = os.Stdout
		}
		play(t, o)
		return
	}
	count := *seeds
	if count == 0 {
		switch count = usualSeeds; {
		case raceDetector:
			count = raceSeeds
		case testing.Short():
			count = shortSeeds
		}
	}
	var sum sim.Stats
	for seed := range uint64(count) {
		s := play(t, random(seed))
		sum.Grants += s.Grants
		sum.Spared += s.Spared
		sum.Compared += s.Compared
		sum.Refusals += s.Refusals
		sum.Crashes += s.Crashes
		sum.LostDisks += s.LostDisks
		sum.Copies += s.Copies
		sum.Duplicates += s.Duplicates
		sum.Served += s.Served
		sum.Settled = max(sum.Settled, s.Settled)
	}
	t.Logf("%d seeds: %+v", count, sum)
	if sum.Grants < 100*count || sum.Spared < 2*count || sum.Compared < 10*count || sum.Crashes < count || sum.Served < 5*count ||
		count >= shortSeeds && (sum.LostDisks == 0 || sum.Copies == 0 || sum.Refusals == 0) {
		t.Error("too little happened to prove anything")
	}
}

// play plays one history and reports its faults, with the way to see it again.
func play(t *testing.T, o sim.Options) sim.Stats {
	t.Helper()
	r := sim.Run(o)
	for _, f := range r.Faults {
		t.Errorf("%s\n\tgo test ./core/sim -run TestSeeds -sim.expect=%q -sim.sequential=%v -sim.seed=0x%x -sim.trace", f, *expect, o.Sequential, o.Seed)
	}
	if *oneSeed != "" {
		t.Logf("%+v\n%+v", o, r.Stats)
	}
	return r.Stats
}

// TestReplay plays a seed twice: both histories are the same, octet by octet.
func TestReplay(t *testing.T) {
	for seed := range uint64(3) {
		var logs [2]bytes.Buffer
		var digests [2]uint64
		for i := range logs {
			o := sim.Random(seed)
			o.Trace = &logs[i]
			digests[i] = sim.Run(o).Digest
		}
		if digests[0] != digests[1] || !bytes.Equal(logs[0].Bytes(), logs[1].Bytes()) || logs[0].Len() == 0 {
			t.Errorf("seed %d: two histories: %x and %x, %d and %d octets of log", seed, digests[0], digests[1], logs[0].Len(), logs[1].Len())
		}
	}
}

// TestMutations breaks a rule on purpose. Each promise that depends on it must be found broken, by one of a few seeds.
func TestMutations(t *testing.T) {
	for _, test := range []struct {
		mutation sim.Mutation
		name     string
		fault    string
	}{
		{sim.Forgets, "a node forgets bindings", "promise 1: node [a-d] gives"},
		{sim.Zeroes, "nodes withdraw what they don't know", "promise 2: node [a-d] withdraws"},
		{sim.Shirks, "nodes answer Renews with nothing", "promise 2: node [a-d] has .* on record"},
		{sim.Hastens, "a node's clock is ahead", "promise 2: node [a-d] sweeps"},
		{sim.OtherKey, "a node has another key", "promise 3"},
		{sim.FirstFree, "a node offers the first free lease", "promise 3"},
		{sim.Talks, "nodes only advertise", "promise 4"},
		{sim.Believes, "nodes believe whoever releases", "promise 5"},
		{sim.Hurries, "replies don't wait for the disk", "promise 6: node [a-d] tells"},
		{sim.Rots, "a disk loses what it had", "promise 6: node [a-d] returns without"},
		{sim.Omits, "history isn't told all", "promise 7: node [a-d] told .* history doesn't know"},
		{sim.Flatters, "nodes tell more than the disk has", "promise 6: node [a-d] tells .* without a write"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for seed := range uint64(mutationSeeds) {
				o := sim.Random(seed)
				o.Mutation = test.mutation
				for _, f := range sim.Run(o).Faults {
					if regexp.MustCompile(test.fault).MatchString(f) {
						t.Logf("seed %d: %s", seed, f)
						return
					}
				}
			}
			t.Error("nobody noticed")
		})
	}
}

// sequential draws a history of nodes that give the lowest free lease.
func sequential(seed uint64) sim.Options {
	o := random(seed)
	o.Sequential, o.Model = true, []config.Model{config.Split, config.Unique}[seed%2]
	return o
}

// TestSequential plays histories in which nodes give the lowest free lease, in both models in which each has leases of its own.
func TestSequential(t *testing.T) {
	count := 150
	if raceDetector || testing.Short() {
		count = raceSeeds
	}
	var sum sim.Stats
	for seed := range uint64(count) {
		s := play(t, sequential(seed))
		sum.Grants += s.Grants
		sum.Duplicates += s.Duplicates
		sum.LostDisks += s.LostDisks
		sum.Copies += s.Copies
	}
	t.Logf("%d seeds: %+v", count, sum)
	if sum.Grants < 100*count {
		t.Error("too little happened to prove anything")
	}
}
