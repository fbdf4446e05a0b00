package main

import (
	"context"
	"runtime"
	"strings"
	"time"

	"github.com/lockstep6/lockstep6/bench/meter"
	"github.com/lockstep6/lockstep6/bench/pair"
)

// A Sample is everything at one moment.
type Sample struct {
	At     float64       `json:"at_s"` // since the beginning
	Nodes  [nodes]*State `json:"nodes"`
	Done   int64         `json:"done"` // exchanges since the last sample
	P50    float64       `json:"p50_ms"`
	P99    float64       `json:"p99_ms"`
	Others float64       `json:"others"` // share of the processors that other processes, and the kernel for nobody, had since then
}

// A State is a node's; there is none while it is away.
type State struct {
	RSS         int64 `json:"rss"`          // octets
	Heap        int64 `json:"heap"`         // octets at which Go collects garbage next: twice what lived after the last time
	Store       int64 `json:"store"`        // octets in the data folder
	Tables      int64 `json:"tables"`       // of these, without logs and the ballast; 0: nobody looked
	Descriptors int   `json:"descriptors"`  // open
	Goroutines  int   `json:"goroutines"`   //
	Threads     int   `json:"threads"`      //
	Bindings    int   `json:"bindings"`     // in the table, ended ones that aren't reclaimed yet too
	Dropped     int   `json:"dropped"`      // datagrams without an answer since the node started; those that a peer was to answer aren't counted
	Kernel      int   `json:"kernel_drops"` // of these, those that the node never saw
}

// A watch knows what was at the last sample.
type watch struct {
	at       time.Time
	machine  time.Duration
	own      time.Duration
	pids     [nodes]int
	consumed [nodes]time.Duration
}

// sampleAll takes samples until the context ends.
func (s *soak) sampleAll(ctx context.Context, r *Report) error {
	w := &watch{at: time.Now(), own: meter.OwnCPU()}
	var err error
	if w.machine, err = machineTime(); err != nil {
		return err
	}
	for k := 1; ; k++ {
		if s.until(ctx, time.Duration(k)*s.course.sample) != nil {
			return nil
		}
		sample, err := s.sample(w)
		if err != nil {
			return err
		}
		r.Samples = append(r.Samples, *sample)
	}
}

func machineTime() (sum time.Duration, err error) {
	for core := range runtime.NumCPU() {
		t, err := meter.CoreTime(core)
		if err != nil {
			return 0, err
		}
		sum += t
	}
	return sum, nil
}

// sample takes one.
func (s *soak) sample(w *watch) (*Sample, error) {
	now := time.Now()
	out := &Sample{At: now.Sub(s.began).Seconds()}
	recent := s.crowd.recent()
	if out.Done = recent.TotalCount(); out.Done > 0 {
		out.P50, out.P99 = float64(recent.ValueAtQuantile(50))/1000, float64(recent.ValueAtQuantile(99))/1000
	}
	var ours time.Duration
	for i, t := range s.seats {
		consumed, pid, err := t.look(&out.Nodes[i])
		if err != nil {
			return nil, err
		}
		if pid == w.pids[i] {
			ours += consumed - w.consumed[i]
		} else {
			ours += consumed
		}
		w.pids[i], w.consumed[i] = pid, consumed
	}
	own := meter.OwnCPU()
	machine, err := machineTime()
	if err != nil {
		return nil, err
	}
	ours += own - w.own
	out.Others = min(1, max(0, (machine-w.machine-ours).Seconds()/(now.Sub(w.at).Seconds()*float64(runtime.NumCPU()))))
	w.at, w.machine, w.own = now, machine, own
	return out, nil
}

// look looks at a node, where there is one.
func (t *seat) look(into **State) (consumed time.Duration, pid int, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.node == nil {
		return 0, 0, nil
	}
	process, err := t.node.Meter.Read()
	if err != nil {
		return 0, 0, err
	}
	metrics, err := t.node.Metrics()
	if err != nil {
		return 0, 0, err
	}
	store, err := meter.FolderSize(t.node.Data())
	if err != nil {
		return 0, 0, err
	}
	tables, err := meter.SizeOf(t.node.Data(), func(name string) bool { return name != "ballast" && !strings.HasSuffix(name, ".log") })
	if err != nil {
		return 0, 0, err
	}
	state := stateOf(metrics)
	state.RSS, state.Threads, state.Store, state.Tables = process.RSS, process.Threads, store, tables
	*into = state
	return process.CPU, t.node.PID(), nil
}

// stateOf reads what the metrics tell.
func stateOf(metrics map[string]float64) *State {
	const dropped, kernel, peers = `lockstep6_dropped_total{`, `lockstep6_dropped_total{reason="kernel"}`, `lockstep6_dropped_total{reason="for-peer"}`
	s := &State{
		Heap: int64(metrics["go_memstats_next_gc_bytes"]), Descriptors: int(metrics["process_open_fds"]), Goroutines: int(metrics["go_goroutines"]),
		Bindings: int(metrics[pair.Bindings]), Kernel: int(metrics[kernel]),
	}
	for name, f := range metrics {
		if strings.HasPrefix(name, dropped) && name != peers {
			s.Dropped += int(f)
		}
	}
	return s
}
