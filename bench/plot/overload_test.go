package plot

import (
	"bytes"
	"strings"
	"testing"
)

// TestOverload draws a curve for each server, and also where there is nothing to draw.
func TestOverload(t *testing.T) {
	for name, series := range map[string][]Series{
		"two":     {{"one", Curve{{X: 0.5, Y: 0.5}, {X: 1, Y: 1}, {X: 10, Y: 1.3}}}, {"other", Curve{{X: 1, Y: 1}, {X: 10, Y: 0.1}}}},
		"a point": {{"one", Curve{{X: 10, Y: 1}}}},
		"none":    nil,
	} {
		var b bytes.Buffer
		if err := Overload(&b, series); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, s := range series {
			if !strings.Contains(b.String(), s.Name) {
				t.Errorf("%s: %s isn't in the plot", name, s.Name)
			}
		}
		if strings.Contains(b.String(), "NaN") || strings.Contains(b.String(), "Inf") {
			t.Errorf("%s: a place that isn't a number", name)
		}
	}
}
