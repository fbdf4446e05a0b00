package main

// A target is a figure that the project set itself.
type target struct {
	name          string
	must, stretch float64
	most          bool // the figure is to be at most so much; else at least
	figure        func(*report) float64
}

// A verdict is what the run says of a target.
type verdict struct {
	Name    string  `json:"name"`
	Must    float64 `json:"must"`
	Stretch float64 `json:"stretch"`
	Here    float64 `json:"here"`
	Verdict string  `json:"verdict"` // "stretch met", "met" or "missed", or that it wasn't judged
}

var targets = []target{
	{"exchanges/s, every Reply synced, times Kea's multi-threaded", 12, 30, false, func(r *report) float64 {
		return median(r.Servers[always].rate()) / median(r.Servers[keaThreads].rate())
	}},
	{"CPU per exchange, times less than Kea's multi-threaded", 12, 30, false, func(r *report) float64 {
		return median(r.Servers[keaThreads].cpu()) / median(r.Servers[always].cpu())
	}},
	{"CPU per exchange, times less than Kea's with one thread", 12, 30, false, func(r *report) float64 {
		return median(r.Servers[keaSingle].cpu()) / median(r.Servers[always].cpu())
	}},
	{"exchanges/s with every Reply synced, share of those with `sync: never`", 0.8, 0.95, false, func(r *report) float64 {
		return median(r.Servers[always].rate()) / median(r.Servers[never].rate())
	}},
	{"p50 at half of the highest rate, every Reply synced, ms", 1, 0.5, true, func(r *report) float64 {
		return median(r.Servers[always].relayed(func(x *relayed) float64 { return x.Half.P50 }))
	}},
	{"p99 there, ms", 5, 2, true, func(r *report) float64 {
		return median(r.Servers[always].relayed(func(x *relayed) float64 { return x.Half.P99 }))
	}},
}

// busyMachine is the share of the processors from which on, where others had it in half of the turns, a run proves nothing.
const busyMachine = 0.25

// judge holds the run against the targets, unless the machine was busy with other work.
func (r *report) judge() {
	r.Targets = nil
	busy := median(r.others()) > busyMachine
	for i := range targets {
		t := &targets[i]
		v := verdict{t.name, t.must, t.stretch, t.figure(r), "not judged, the machine was busy"}
		if !busy {
			v.Verdict = t.verdict(v.Here)
		}
		r.Targets = append(r.Targets, v)
	}
}

func (t *target) verdict(figure float64) string {
	met := func(bound float64) bool { return figure == bound || figure < bound == t.most }
	switch {
	case met(t.stretch):
		return "stretch met"
	case met(t.must):
		return "met"
	}
	return "missed"
}
