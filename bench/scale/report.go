package scale

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/lockstep6/lockstep6/bench/ceiling"
	"github.com/lockstep6/lockstep6/bench/target"
)

// Reference is the number of bindings that all others are compared with. It is measured before and after each of them,
// since a shared machine has slow phases.
const Reference = 10_000

// A Report is all that one run measured.
type Report struct {
	Head       string      `json:"head"` // machine, commit, time: one line
	Workers    int         `json:"workers"`
	Sizes      []Size      `json:"sizes"`
	References []Size      `json:"references"` // one before each size, and one after the last
	Dense      DenseReport `json:"dense"`
	Ceilings   Ceilings    `json:"ceilings"`

	Targets []target.Found `json:"targets"` // Hold makes them
}

// Ceilings are what the parts could do alone, in the same run.
type Ceilings struct {
	Messages ceiling.Sizes    `json:"message_octets"`
	Echoes   []ceiling.Echo   `json:"echo"`
	Pebble   []ceiling.Pebble `json:"pebble"`
	Table    []TableCost      `json:"table"`
}

// A TableCost is what one operation on the table costs with so many bindings, in nanoseconds, of several rounds.
type TableCost struct {
	Bindings  int     `json:"bindings"`
	Operation string  `json:"operation"`
	Min       float64 `json:"min_ns"`
	Median    float64 `json:"median_ns"`
	Max       float64 `json:"max_ns"`
}

// Rounds of what is repeated within a run, and their sizes.
const (
	rounds       = 5
	denseEach    = 50_000
	tableEach    = 200_000
	echoLong     = 2 * time.Second
	pebbleWrites = 1 << 20 // changes
)

// MeasureSizes measures nodes of so many bindings each into the report, the reference between them. Told hears of each.
func (r *Report) MeasureSizes(ctx context.Context, o Options, sizes []int, told func(string)) error {
	r.Workers = o.Workers
	reference := func() error {
		s, err := Measure(ctx, o, Reference)
		r.References = append(r.References, s)
		return err
	}
	if err := reference(); err != nil {
		return err
	}
	for _, bindings := range sizes {
		began := time.Now()
		s, err := Measure(ctx, o, bindings)
		if err != nil {
			return fmt.Errorf("%d bindings: %w", bindings, err)
		}
		r.Sizes = append(r.Sizes, s)
		if err := reference(); err != nil {
			return err
		}
		told(fmt.Sprintf("%d bindings: %.0f renews/s, %.0f octets each, start %.1f s (measured in %.0f s)",
			bindings, s.Renew.Rate, s.Memory.Resident, s.Start.Total, time.Since(began).Seconds()))
	}
	return nil
}

// MeasureCeilings measures the parts alone into the report, and with them the dense pool.
func (r *Report) MeasureCeilings(ctx context.Context, dir string, bits int, sizes []int, told func(string)) (err error) {
	c := &r.Ceilings
	if c.Messages, err = ExchangeSizes(); err != nil {
		return err
	}
	for range 3 {
		for _, segment := range []bool{false, true} {
			e, err := ceiling.MeasureEcho(ctx, ceiling.EchoOptions{Sizes: c.Messages, Segment: segment, Duration: echoLong})
			if err != nil {
				return err
			}
			c.Echoes = append(c.Echoes, e)
			told(fmt.Sprintf("echo, UDP_SEGMENT %t: %.0f packets/s, %.2f µs", segment, e.Rate, e.CoreCPU))
		}
	}
	for _, batch := range []int{32, 64, 32, 64} {
		p, err := pebbleOnce(dir, batch)
		if err != nil {
			return err
		}
		c.Pebble = append(c.Pebble, p)
		told(fmt.Sprintf("Pebble, %d a write: %.0f changes/s", batch, p.Rate))
	}
	for _, bindings := range append([]int{Reference}, sizes...) {
		costs, err := tableCosts(bindings)
		if err != nil {
			return err
		}
		c.Table = append(c.Table, costs...)
		told(fmt.Sprintf("table of %d bindings measured", bindings))
	}
	r.Dense.Bits = bits
	r.Dense.Allocations, err = MeasureDense(bits, rounds, denseEach)
	told(fmt.Sprintf("dense pool of 2^%d prefixes measured", bits))
	return err
}

func pebbleOnce(dir string, batch int) (p ceiling.Pebble, err error) {
	folder, err := os.MkdirTemp(dir, "pebble-")
	if err != nil {
		return p, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	return ceiling.MeasurePebble(ceiling.PebbleOptions{Dir: folder, Batch: batch, Writes: pebbleWrites / batch, InFlight: 64})
}

// tableCosts measures every operation with so many bindings, new ones last: they are bindings more.
func tableCosts(bindings int) (all []TableCost, err error) {
	t, err := ceiling.NewTable(bindings)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, t.Close()) }()
	operations := append(slices.Clone(ceiling.TableOperations[1:]), ceiling.TableOperations[0])
	for _, operation := range operations {
		var costs []float64
		for range rounds {
			took, err := t.Do(operation, tableEach)
			if err != nil {
				return nil, err
			}
			costs = append(costs, float64(took.Nanoseconds())/tableEach)
		}
		slices.Sort(costs)
		all = append(all, TableCost{bindings, operation, costs[0], costs[len(costs)/2], costs[len(costs)-1]})
	}
	return all, nil
}

// against is what part of the reference's figure size number i has: of the mean of those measured before and after it. A
// run that ended early may lack the last one.
func (r *Report) against(i int, figure func(*Size) float64) float64 {
	before, after := figure(&r.References[i]), figure(&r.References[min(i+1, len(r.References)-1)])
	return 2 * figure(&r.Sizes[i]) / (before + after)
}
