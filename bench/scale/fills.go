package scale

import (
	"slices"
)

// Fills are the shares of a dense pool at which allocations are measured.
var Fills = []float64{0.5, 0.95, 0.999}

// An Allocation is what one Request of a new client costs the engine in a dense pool, in nanoseconds, of several rounds.
type Allocation struct {
	Fill   float64 `json:"fill"`
	Client string  `json:"client"` // "any", or "primary taken"
	Min    float64 `json:"min_ns"`
	Median float64 `json:"median_ns"`
	Max    float64 `json:"max_ns"`
}

func client(collide bool) string {
	if collide {
		return "primary taken"
	}
	return "any"
}

// MeasureDense measures a pool of 2^bits prefixes: rounds of so many allocations at each of Fills.
func MeasureDense(bits, rounds, each int) (all []Allocation, err error) {
	d, err := NewDense(bits)
	if err != nil {
		return nil, err
	}
	defer func() {
		if closed := d.Close(); err == nil {
			err = closed
		}
	}()
	for _, fill := range Fills {
		if err := d.Fill(fill); err != nil {
			return nil, err
		}
		for _, collide := range []bool{false, true} {
			var costs []float64
			for range rounds {
				took, err := d.Allocate(each, collide)
				if err != nil {
					return nil, err
				}
				costs = append(costs, float64(took.Nanoseconds())/float64(each))
			}
			slices.Sort(costs)
			all = append(all, Allocation{fill, client(collide), costs[0], costs[len(costs)/2], costs[len(costs)-1]})
		}
	}
	return all, nil
}

// A DenseReport is a pool's size and what its allocations cost.
type DenseReport struct {
	Bits        int          `json:"bits"`
	Allocations []Allocation `json:"allocations"`
}
