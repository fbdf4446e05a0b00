package main

import (
	"cmp"
	"fmt"
	"slices"
)

// A point is a measure at a time in seconds.
type point struct{ at, value float64 }

// slope is Theil's and Sen's: the median of the slopes between all pairs of points, which no few outliers move; 0 for fewer than two points.
func slope(points []point) float64 {
	var all []float64
	for i, a := range points {
		for _, b := range points[i+1:] {
			if b.at > a.at {
				all = append(all, (b.value-a.value)/(b.at-a.at))
			}
		}
	}
	return median(all)
}

// median is the one in the middle, of an even number the mean of the two; 0 for none.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}

// A measure is what must not grow.
type measure struct {
	name, unit string
	of         func(*State) float64
	share      float64 // growth that is allowed, as a share of the median,
	least      float64 // and at least so much
	room       float64 // beside that: what is known to fill, and to be full one day
	always     bool    // it outlives a kill, so it is judged over the whole time too
	saw        bool    // it rises and falls all the time: what counts is how low it comes
}

const mebi = 1 << 20

// The store keeps so many logs that it needs no more, to write over them, and gets them one by one: in an hour of this load, and in weeks of
// a small site's. So the data folder may grow by these, in MiB; store/options.go has both figures.
const (
	logs    = 5
	logSize = 64
)

// Memory is a saw. A pass of the store's absorber has up to 16 MiB of log in memory, with what it sorts, and what lives during a collection decides
// when Go collects again: so the heap goes up by half and more with a pass, and comes down with the first collection between
// two. A leak raises the low points too. Beside the heap a memtable gets its room at once, in MiB, and the kernel its pages as it fills; in the first
// hour of a small load it is doubled from 256 KiB on. Pebble keeps one that it has written out, to fill it again. So resident memory may grow by two;
// store/options.go has the figures.
const memtables = 2 * 64

// Tables are a saw with few teeth: each pass of the absorber adds up to as much as it read of the log, in MiB, and so does a return from a kill, which finds that
// much in the log; Pebble rewrites all that as one when it is ten deep. That takes longer than some of a node's lives here. store/absorb.go and
// store/options.go have the figures.
const passes, pass = 10, 16

var measures = []measure{
	{"resident memory", "MiB", func(s *State) float64 { return float64(s.RSS) / mebi }, 0.1, 8, memtables, false, true},
	{"heap", "MiB", func(s *State) float64 { return float64(s.Heap) / mebi }, 0.1, 4, 0, false, true},
	{"descriptors, tables left out", "", func(s *State) float64 { return float64(s.Descriptors - s.OpenTables) }, 0, 6, 0, false, false},
	{"goroutines", "", func(s *State) float64 { return float64(s.Goroutines) }, 0, 6, 0, false, false},
	{"threads", "", func(s *State) float64 { return float64(s.Threads) }, 0, 4, 0, false, false},
	{"data folder", "MiB", func(s *State) float64 { return float64(s.Store) / mebi }, 0, 0, logs*logSize + passes*pass, true, false},
	{"store without logs", "MiB", func(s *State) float64 { return float64(s.Tables) / mebi }, 0.2, 32, passes * pass, true, false},
	{"bindings in the table", "", func(s *State) float64 { return float64(s.Bindings) }, 0.1, 500, 0, true, false},
}

// A Verdict is on one measure over some time.
type Verdict struct {
	Name   string  `json:"name"`
	Unit   string  `json:"unit"`
	Node   string  `json:"node"`
	From   float64 `json:"from_s"`
	To     float64 `json:"to_s"`
	First  float64 `json:"first"`  // median of the first third of that time
	Last   float64 `json:"last"`   // and of the last third
	Growth float64 `json:"growth"` // by the slope, over that time
	Bound  float64 `json:"bound"`  // of Growth
	Why    string  `json:"why"`    // it isn't judged; empty: it is
}

// flat tells whether it may stand.
func (v *Verdict) flat() bool { return v.Why != "" || v.Growth <= v.Bound }

// word is the verdict in a word or two.
func (v *Verdict) word() string {
	switch {
	case v.Why != "":
		return "not judged: " + v.Why
	case v.flat():
		return "flat"
	}
	return "**grew**"
}

// Of fewer points, or less time, nothing can be said: the population itself grows until what has ended is reclaimed, minutes later.
const (
	fewest   = 12
	shortest = 300 // seconds
)

// on judges points.
func (m *measure) on(node string, points []point) Verdict {
	v := Verdict{Name: m.name, Unit: m.unit, Node: node}
	if len(points) < fewest {
		v.Why = fmt.Sprintf("%d samples only", len(points))
		return v
	}
	v.From, v.To = points[0].at, points[len(points)-1].at
	if v.To-v.From < shortest {
		v.Why = fmt.Sprintf("%.0f s only", v.To-v.From)
	}
	third := len(points) / 3
	v.First, v.Last = median(values(points[:third])), median(values(points[len(points)-third:]))
	v.Bound = m.room + max(m.least, m.share*median(values(points)))
	if m.saw {
		points = lows(points)
	}
	v.Growth = slope(points) * (v.To - v.From)
	return v
}

// turns is how many low points a saw is judged by: each with a pass or more of the absorber, in an hour of this load.
const turns = 8

// lows are the lowest points, one of each part of so many.
func lows(points []point) (all []point) {
	for i := range turns {
		part := points[i*len(points)/turns : (i+1)*len(points)/turns]
		all = append(all, slices.MinFunc(part, func(a, b point) int { return cmp.Compare(a.value, b.value) }))
	}
	return all
}

func values(points []point) (all []float64) {
	for _, p := range points {
		all = append(all, p.value)
	}
	return all
}

// lives are the longest uninterrupted row of a node's samples, and all of them, each without its first third.
func lives(samples []Sample, node int) (longest, all []Sample) {
	from := 0
	for i := range samples {
		if samples[i].Nodes[node] == nil {
			from = i + 1
			continue
		}
		if all = append(all, samples[i]); i+1-from > len(longest) {
			longest = samples[from : i+1]
		}
	}
	return longest[len(longest)/3:], all[len(all)/3:]
}

// judgeNode judges all measures of a node.
func judgeNode(samples []Sample, node int, name string) (all []Verdict) {
	longest, ever := lives(samples, node)
	pick := func(m *measure, list []Sample) (points []point) {
		for i := range list {
			if value := m.of(list[i].Nodes[node]); value > 0 { // nothing here can be 0 where somebody looked
				points = append(points, point{list[i].At, value})
			}
		}
		return points
	}
	for i := range measures {
		m := &measures[i]
		all = append(all, m.on(name, pick(m, longest)))
		if m.always {
			v := m.on(name, pick(m, ever))
			v.Name += ", over all its lives"
			all = append(all, v)
		}
	}
	return all
}

// quiet is the share of the processors that other work may have without a word.
const quiet = 0.15

// judgeLatency judges two percentiles, where the machine had little else to do.
func judgeLatency(samples []Sample) (all []Verdict, others float64) {
	var busy []float64
	var p50, p99 []point
	for _, s := range samples[len(samples)/3:] {
		busy = append(busy, s.Others)
		if s.Done > 0 {
			p50, p99 = append(p50, point{s.At, s.P50}), append(p99, point{s.At, s.P99})
		}
	}
	others = median(busy)
	half, most := measure{name: "latency, median", unit: "ms", share: 0.5, least: 2}, measure{name: "latency, 99th percentile", unit: "ms", share: 0.5, least: 50}
	all = []Verdict{half.on("both", p50), most.on("both", p99)}
	for i := range all {
		if v := &all[i]; v.Why == "" && others > quiet {
			v.Why = fmt.Sprintf("other work had %.0f %% of the processors", 100*others)
		}
	}
	return all, others
}
