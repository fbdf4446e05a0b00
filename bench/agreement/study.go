package agreement

import (
	"math"
	"runtime"
	"slices"
	"sync"
)

// The grid that `make agreement` computes.
var (
	Losses = []float64{0, 0.001, 0.01, 0.1, 1}
	Fills  = []float64{0.5, 0.8, 0.9, 0.95, 0.99}
)

// A Row is what many seeds gave for one cell of the grid.
type Row struct {
	Spread     Spread
	Strategy   Strategy
	Loss, Fill float64
	Duplicates Range // share of the grants that were duplicates, 0 to 1
	Refused    Range // share of the clients that were refused, 0 to 1
}

// A Range sums up one figure over all seeds, rounded to 1e-6.
type Range struct{ Min, Median, Max float64 }

// Study runs every strategy, spread and loss with the seeds 1 to seeds, on all processors. The rows are in the order
// of Spreads, Losses, Strategies and Fills, and depend on nothing but the arguments.
func Study(slots uint64, nodes, seeds int) []Row {
	var setups []Setup
	for _, spread := range Spreads {
		for _, loss := range Losses {
			for _, strategy := range Strategies {
				setups = append(setups, Setup{Slots: slots, Nodes: nodes, Strategy: strategy, Spread: spread, Loss: loss, Fills: Fills})
			}
		}
	}
	parts := make([][]Row, len(setups))
	next := make(chan int)
	var done sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		done.Go(func() {
			for i := range next {
				parts[i] = repeat(setups[i], seeds)
			}
		})
	}
	for i := range setups {
		next <- i
	}
	close(next)
	done.Wait()
	return slices.Concat(parts...)
}

// repeat runs one setup with many seeds and returns a row for each of its fills.
func repeat(s Setup, seeds int) (rows []Row) {
	duplicates, refused := make([][]float64, len(s.Fills)), make([][]float64, len(s.Fills))
	for seed := range seeds {
		s.Seed = uint64(seed + 1)
		for i, c := range Run(s) {
			duplicates[i] = append(duplicates[i], c.DuplicateShare())
			refused[i] = append(refused[i], c.RefusedShare())
		}
	}
	for i, fill := range s.Fills {
		rows = append(rows, Row{s.Spread, s.Strategy, s.Loss, fill, rangeOf(duplicates[i]), rangeOf(refused[i])})
	}
	return rows
}

// rangeOf sums up one or more values; of an even number the lower one of the two in the midst is the median.
func rangeOf(values []float64) Range {
	slices.Sort(values)
	round := func(x float64) float64 { return math.Round(x*1e6) / 1e6 }
	return Range{round(values[0]), round(values[(len(values)-1)/2]), round(values[len(values)-1])}
}

// find returns the row of a cell; a cell that isn't in the rows is a zero Row.
func find(rows []Row, spread Spread, strategy Strategy, loss, fill float64) Row {
	at := slices.IndexFunc(rows, func(r Row) bool {
		return r.Spread == spread && r.Strategy == strategy && r.Loss == loss && r.Fill == fill
	})
	if at < 0 {
		return Row{}
	}
	return rows[at]
}
