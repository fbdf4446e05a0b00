package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"runtime"
	"time"

	"github.com/lockstep6/lockstep6/bench/ceiling"
	"github.com/lockstep6/lockstep6/bench/child"
	"github.com/lockstep6/lockstep6/bench/load"
	"github.com/lockstep6/lockstep6/bench/meter"
)

// The processors of the two sides.
const (
	serverCore    = ceiling.ServerCore
	generatorCore = ceiling.GeneratorCore
)

// parts are what runs in processes of their own.
func parts() map[string]child.Part {
	all := ceiling.Parts()
	all["onecore-load"], all["onecore-store"], all["onecore-table"] = playLoad, pebbleAlone, tableAlone
	return all
}

// A loadTask is what the generator's process gets.
type loadTask struct {
	Relays  int
	Task    load.Task
	Clients int
	Window  int
	PID     int
	Long    time.Duration
	Seconds bool          // tell the rate of each second
	Rest    time.Duration // between the two parts
	Half    time.Duration // how long half of the rate is offered; 0: it isn't
	Rate    float64       // offered instead of all that; 0: nothing is
	Sizes   bool          // tell the sizes of the messages, and nothing else
}

// A Sample is what one row did in one round.
type Sample struct {
	Rate      float64   `json:"exchanges_per_second"`
	CPU       float64   `json:"process_cpu_us"` // of the server's process, per exchange
	Core      float64   `json:"server_core"`    // how busy the server's processor was, up to 1; of rows on both processors the first one
	Generator float64   `json:"generator_core"` // and the generator's
	Others    float64   `json:"others"`         // share of both processors that neither server nor generator had
	PerSync   float64   `json:"exchanges_per_sync,omitempty"`
	Again     uint64    `json:"retransmitted"`
	Seconds   []float64 `json:"seconds,omitempty"` // the rate of each second, of the long row
	Half      *Half     `json:"half,omitempty"`
}

// A Half is half of the rate that a Sample found, offered by the clock.
type Half struct {
	Rate float64 `json:"offered_per_second"`
	Done float64 `json:"done"` // share
	P50  float64 `json:"p50_ms"`
	P99  float64 `json:"p99_ms"`
	CPU  float64 `json:"process_cpu_us"`
	Core float64 `json:"server_core"`
}

// loadConfig is that of the clients behind a row's relays.
func (t *loadTask) loadConfig() load.Config {
	c := load.Config{
		Clients: t.Clients, Servers: []netip.AddrPort{serverAddress}, Relays: t.Relays, Workers: 1, Window: t.Window,
		LinkAddress: linkAddress, InterfaceID: true, RemoteID: true, Shared: true, GRO: t.Relays == 1,
	}
	for i := range t.Relays {
		c.Sources = append(c.Sources, relayAddress(i))
	}
	return c
}

// playLoad is the generator's part.
func playLoad(in json.RawMessage, tell func(any) error, _ <-chan struct{}) (err error) {
	var t loadTask
	if err := json.Unmarshal(in, &t); err != nil {
		return err
	}
	// Two threads wait in the kernel, and must find a processor of Go's free when they come back.
	runtime.GOMAXPROCS(max(runtime.GOMAXPROCS(0), 4))
	g, err := load.Open(t.loadConfig())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, g.Close()) }()
	server, err := meter.Open(t.PID, serverAddress.Port())
	if err != nil {
		return err
	}
	p := player{loadTask: t, generator: g, server: server}
	var out any
	switch {
	case t.Sizes:
		out, err = p.sizes()
	case t.Rate > 0:
		out, err = p.offer(t.Rate, t.Half)
	default:
		out, err = p.saturate()
	}
	if err != nil {
		return err
	}
	return tell(out)
}

// pebbleAlone is the ceiling of a row's writes, on the server's processor.
func pebbleAlone(in json.RawMessage, tell func(any) error, _ <-chan struct{}) error {
	var o ceiling.PebbleOptions
	if err := json.Unmarshal(in, &o); err != nil {
		return err
	}
	runtime.GOMAXPROCS(max(runtime.GOMAXPROCS(0), 2)) // as the daemon does
	p, err := ceiling.MeasurePebble(o)
	if err != nil {
		return err
	}
	return tell(p)
}

// tableAlone tells how long the table takes for a new binding beside so many, in nanoseconds.
func tableAlone(in json.RawMessage, tell func(any) error, _ <-chan struct{}) (err error) {
	var bindings int
	if err := json.Unmarshal(in, &bindings); err != nil {
		return err
	}
	t, err := ceiling.NewTable(bindings)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.Close()) }()
	took, err := t.Do("new", bindings)
	if err != nil {
		return err
	}
	return tell(float64(took.Nanoseconds()) / float64(bindings))
}

// storeAlone runs pebbleAlone on an empty folder.
func storeAlone(ctx context.Context, o *options, log bool) (p ceiling.Pebble, err error) {
	folder, err := os.MkdirTemp(o.dir, "onecore-")
	if err != nil {
		return p, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	task := ceiling.PebbleOptions{Dir: folder, Batch: 32, Writes: o.changes / 32, InFlight: 64, Log: log}
	err = child.Run(ctx, "onecore-store", serverCore, task, &p)
	return p, err
}

// syncs asks the server how often it has synced.
func syncs() (uint64, error) {
	response, err := http.Get("http://" + adminAddress + "/v1/state")
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	var state struct {
		Syncs uint64 `json:"syncs"`
	}
	if err := json.NewDecoder(response.Body).Decode(&state); err != nil {
		return 0, fmt.Errorf("the server's state: %w", err)
	}
	return state.Syncs, nil
}
