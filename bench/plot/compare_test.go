package plot

import (
	"bytes"
	"testing"
)

func TestCompare(t *testing.T) {
	var rates, costs Dots
	rates.Label, costs.Label = "per second", "µs"
	for name, figure := range map[string]float64{"fast": 40_000, "slow": 95, "none": 0} {
		rates.Add(name, []float64{figure, 1.1 * figure})
		costs.Add(name, []float64{7}) // an axis without a range
	}
	var svg bytes.Buffer
	if err := Compare(&svg, "Beside each other", rates, costs); err != nil {
		t.Fatal(err)
	}
	wantTexts(t, &svg, "Beside each other", "fast", "slow", "none", "per second", "µs", "10k", "100")
}
