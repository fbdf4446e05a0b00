package main

import (
	"bytes"
	"fmt"

	"github.com/lockstep6/lockstep6/bench/plot"
)

// picture draws each round's minute of the busy relay, second by second.
func (r *Report) picture() ([]byte, error) {
	p := plot.New("One processor, one busy relay, each Reply after its sync", "second", "exchanges per second")
	p.FromZero()
	for i := range r.Rounds {
		var c plot.Curve
		for second, rate := range r.Rounds[i].Rows[busy].Seconds {
			c = append(c, plot.Point{X: float64(second + 1), Y: rate})
		}
		if err := p.Add(fmt.Sprintf("round %d", i+1), c); err != nil {
			return nil, err
		}
	}
	var b bytes.Buffer
	err := plot.Write(&b, p)
	return b.Bytes(), err
}
