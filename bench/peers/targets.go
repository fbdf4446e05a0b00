package main

import (
	"slices"

	"github.com/lockstep6/lockstep6/bench/target"
)

// What the project set itself against Kea, as a ratio in each round. What it set itself alone, bench/onecore measures.
var targets = []struct {
	target.Target
	figure func(lockstep6, kea *relayed) float64
	kea    int // which of the servers
}{
	{target.Target{Name: "exchanges/s, every Reply synced, times Kea's multi-threaded", Must: 12, Stretch: 30}, timesRate, keaThreads},
	{target.Target{Name: "CPU per exchange, times less than Kea's multi-threaded", Must: 12, Stretch: 30}, timesLess, keaThreads},
	{target.Target{Name: "CPU per exchange, times less than Kea's with one thread", Must: 12, Stretch: 30}, timesLess, keaSingle},
}

func timesRate(lockstep6, kea *relayed) float64 { return lockstep6.Best.Rate / kea.Best.Rate }

func timesLess(lockstep6, kea *relayed) float64 { return kea.Best.CPU / lockstep6.Best.CPU }

// busyMachine is the share of the processors from which on, where others had it in half of the turns, a run proves nothing.
const busyMachine = 0.25

// judge holds the run against the targets, unless the machine was busy with other work.
func (r *report) judge() {
	r.Targets = nil
	if r.Busy = median(r.others()) > busyMachine; r.Busy {
		return
	}
	for _, t := range targets {
		var ratios []float64
		for round := range r.Servers[always].Relayed {
			ratios = append(ratios, t.figure(&r.Servers[always].Relayed[round], &r.Servers[t.kea].Relayed[round]))
		}
		slices.Sort(ratios)
		r.Targets = append(r.Targets, t.Of(ratios...))
	}
}
