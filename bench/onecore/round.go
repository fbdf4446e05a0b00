package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/lockstep6/lockstep6/bench/ceiling"
	"github.com/lockstep6/lockstep6/bench/child"
	"github.com/lockstep6/lockstep6/bench/load"
)

// A Round is everything once.
type Round struct {
	Echo      [3]ceiling.Echo   `json:"echo"` // before the rows, before the last one, and behind it: a machine has slow phases
	Segmented ceiling.Echo      `json:"echo_segmented"`
	Log       ceiling.Pebble    `json:"pebble_log"`
	Keys      ceiling.Pebble    `json:"pebble_keys"`
	Table     float64           `json:"table_new_ns"`
	Rows      map[string]Sample `json:"rows"`
	Workers   map[string]Half   `json:"workers"` // of which each had both processors
}

// echo is the packets per second of the bare echo around a row: the mean of what was measured before and behind it.
func (r *Round) echo(row string) float64 {
	if row == busy {
		return (r.Echo[1].Rate + r.Echo[2].Rate) / 2
	}
	return (r.Echo[0].Rate + r.Echo[1].Rate) / 2
}

// measure measures all rounds into the report. A round that isn't whole is left out.
func (r *Report) measure(ctx context.Context, o *options) (err error) {
	if r.Messages, err = messageSizes(ctx, o); err != nil {
		return err
	}
	for i := range o.rounds {
		began := time.Now()
		round := Round{Rows: map[string]Sample{}, Workers: map[string]Half{}}
		if err := round.measure(ctx, o, r.Messages); err != nil {
			return errors.Join(context.Cause(ctx), fmt.Errorf("round %d: %w", i+1, err))
		}
		r.Rounds = append(r.Rounds, round)
		fmt.Fprintf(os.Stderr, "round %d of %d took %.0f s\n", i+1, o.rounds, time.Since(began).Seconds())
	}
	return nil
}

func (r *Round) measure(ctx context.Context, o *options, sizes ceiling.Sizes) (err error) {
	echo := func(segment bool) (ceiling.Echo, error) {
		e, err := ceiling.MeasureEcho(ctx, ceiling.EchoOptions{Sizes: sizes, Segment: segment, Duration: o.step})
		tell("echo, UDP_SEGMENT %t: %.0f packets/s", segment, e.Rate)
		return e, err
	}
	if r.Echo[0], err = echo(false); err != nil {
		return err
	}
	for i := range rows {
		if rows[i].ID == busy {
			if r.Echo[1], err = echo(false); err != nil {
				return err
			}
		}
		if err := r.row(ctx, o, &rows[i]); err != nil {
			return err
		}
	}
	if r.Echo[2], err = echo(false); err != nil {
		return err
	}
	if r.Segmented, err = echo(true); err != nil {
		return err
	}
	for i := range pairOfWorkers {
		if err := r.pair(ctx, o, &pairOfWorkers[i]); err != nil {
			return err
		}
	}
	return r.alone(ctx, o)
}

// row measures one row into the round.
func (r *Round) row(ctx context.Context, o *options, w *row) error {
	task := loadTask{Relays: w.relays, Task: w.task, Clients: o.clients, Window: o.window, Long: o.step, Rest: time.Second}
	if w.long {
		task.Clients, task.Long, task.Seconds = 10*o.clients, o.sustained, true
	}
	if w.task == load.Renew {
		task.Clients /= 4 // all get a lease before, and may renew it several times
	}
	if w.half {
		task.Half = o.step
	}
	var s Sample
	if err := serveAndLoad(ctx, o, w, task, &s); err != nil {
		return fmt.Errorf("%s: %w", w.Name, err)
	}
	r.Rows[w.ID] = s
	tell("%s: %.0f/s, %.2f µs, processors %.0f and %.0f %%", w.Name, s.Rate, s.CPU, s.Core*100, s.Generator*100)
	return nil
}

// pair offers a third of what one processor could do to a server that has both: with the generator they aren't full then.
func (r *Round) pair(ctx context.Context, o *options, w *row) error {
	rate := r.Rows[spread].Rate / 3
	task := loadTask{Relays: w.relays, Task: w.task, Clients: o.clients, Window: o.window, Rate: rate, Half: 2 * o.step}
	var h Half
	if err := serveAndLoad(ctx, o, w, task, &h); err != nil {
		return fmt.Errorf("%s: %w", w.Name, err)
	}
	r.Workers[w.ID] = h
	tell("%s: %.2f µs at %.0f/s", w.Name, h.CPU, h.Rate)
	return nil
}

// alone measures what the store and the table are made of.
func (r *Round) alone(ctx context.Context, o *options) (err error) {
	if r.Log, err = storeAlone(ctx, o, true); err != nil {
		return err
	}
	if r.Keys, err = storeAlone(ctx, o, false); err != nil {
		return err
	}
	if err = child.Run(ctx, "onecore-table", serverCore, o.bindings, &r.Table); err != nil {
		return err
	}
	tell("Pebble: %.0f and %.0f changes/s; table: %.0f ns", r.Log.Rate, r.Keys.Rate, r.Table)
	return nil
}

// serveAndLoad starts a row's server, has a generator do a task with it, and ends it.
func serveAndLoad(ctx context.Context, o *options, w *row, task loadTask, out any) error {
	s, err := startServer(ctx, o, w)
	if err != nil {
		return err
	}
	task.PID = s.cmd.Process.Pid
	core := generatorCore
	if w.core() == child.AnyCore {
		core = child.AnyCore
	}
	err = child.Run(ctx, "onecore-load", core, task, out)
	if err != nil {
		err = fmt.Errorf("%w; the server said:\n%s", err, s.said())
	}
	return errors.Join(err, s.stop())
}

// messageSizes asks a server, so that the echo's packets are of the sizes of the rows'.
func messageSizes(ctx context.Context, o *options) (s ceiling.Sizes, err error) {
	err = serveAndLoad(ctx, o, &rows[0], loadTask{Relays: 1, Clients: 1000, Window: 64, Sizes: true}, &s)
	return s, err
}

func tell(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
