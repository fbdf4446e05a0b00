package main

import (
	"math"
	"testing"
)

// row is points 10 s apart.
func row(n int, value func(i int) float64) (points []point) {
	for i := range n {
		points = append(points, point{float64(10 * i), value(i)})
	}
	return points
}

// TestSlope: a tenth of wild values move nothing.
func TestSlope(t *testing.T) {
	points := row(100, func(i int) float64 { return 5 + 0.5*float64(10*i) })
	for i := 0; i < len(points); i += 10 {
		points[i].value = 1e6
	}
	if got := slope(points); math.Abs(got-0.5) > 0.01 {
		t.Errorf("slope %v, want 0.5", got)
	}
	if got := slope(points[:1]); got != 0 {
		t.Errorf("of one point: %v", got)
	}
	if odd, even, none := median([]float64{9, 1, 4}), median([]float64{1, 9, 3, 5}), median(nil); odd != 4 || even != 4 || none != 0 {
		t.Errorf("medians %v, %v, %v", odd, even, none)
	}
}

// TestVerdicts: what grows by more than the bound isn't flat, whatever saws on the way; what is too short isn't judged.
func TestVerdicts(t *testing.T) {
	saw := func(i int) float64 { return float64(i%7) * 10 }
	m := measure{name: "memory", share: 0.1, least: 5}
	for name, test := range map[string]struct {
		points []point
		flat   bool
		judged bool
	}{
		"a saw":          {row(100, func(i int) float64 { return 100 + saw(i) }), true, true},
		"a leak":         {row(100, func(i int) float64 { return 100 + saw(i) + float64(i)/4 }), false, true},
		"a slow one":     {row(100, func(i int) float64 { return 100 + float64(i)/20 }), true, true},
		"shrinks":        {row(100, func(i int) float64 { return 100 - float64(i) }), true, true},
		"few":            {row(fewest-1, func(i int) float64 { return float64(i) * 1000 }), true, false},
		"too short":      {row(20, func(i int) float64 { return float64(i) * 1000 }), true, false},
		"a jump at last": {row(100, func(i int) float64 { return 100 + 50*float64(i/50) }), false, true},
	} {
		v := m.on("a", test.points)
		if v.flat() != test.flat || (v.Why == "") != test.judged {
			t.Errorf("%s: %+v: %s", name, v, v.word())
		}
	}
}

// TestSaw: of a saw its low points count, and room that fills is no leak.
func TestSaw(t *testing.T) {
	high := func(i int) float64 { // high for longer and longer, as where passes take longer; low between two passes
		if i%10 < 2+i/15 {
			return 100 + 80
		}
		return 100
	}
	leak := func(i int) float64 { return high(i) + float64(i)/4 }
	for name, test := range map[string]struct {
		of    func(i int) float64
		room  float64
		grows bool
	}{
		"a saw": {high, 0, false}, "a leak under it": {leak, 0, true}, "a leak with room for it": {leak, 64, false},
	} {
		m := measure{name: "memory", share: 0.1, least: 5, saw: true, room: test.room}
		if v := m.on("a", row(100, test.of)); v.flat() == test.grows {
			t.Errorf("%s: %+v", name, v)
		}
	}
}

// samplesOf are some with a node a that is away at some of them, and a leak in what it has in memory while it lives.
func samplesOf(n int, away func(i int) bool, leak float64) (all []Sample) {
	age := 0.0
	for i := range n {
		s := Sample{At: float64(10 * i), Done: 1000, P50: 2, P99: 9}
		if age++; away(i) {
			age = 0
		} else {
			s.Nodes[0] = &State{RSS: int64((100 + leak*age) * mebi), Descriptors: 30}
		}
		all = append(all, s)
	}
	return all
}

// TestJudgeNode: a leak is found in the longest life, which begins after the last kill, and not hidden by what kills took away.
func TestJudgeNode(t *testing.T) {
	away := func(i int) bool { return i < 150 && i%25 == 24 }
	longest, all := lives(samplesOf(300, away, 0), 0)
	if first := longest[0].At; first != 10*(150+150/3) || len(all) != 294-294/3 {
		t.Errorf("the longest life is from %v s, all have %d samples", first, len(all))
	}
	for leak, flat := range map[float64]bool{0: true, 2: false} {
		for _, v := range judgeNode(samplesOf(300, away, leak), 0, "a") {
			if want := flat || v.Name != "resident memory"; v.flat() != want {
				t.Errorf("leak %v: %+v", leak, v)
			}
		}
	}
	for _, v := range judgeNode(nil, 0, "a") {
		if v.Why == "" {
			t.Errorf("judged of nothing: %+v", v)
		}
	}
}

// TestJudgeLatency: where others had the processors it isn't judged.
func TestJudgeLatency(t *testing.T) {
	samples := samplesOf(100, func(int) bool { return false }, 0)
	for i := range samples {
		samples[i].P50 = 1 + float64(i)/2
	}
	for others, want := range map[float64]bool{0.05: false, 0.8: true} {
		for i := range samples {
			samples[i].Others = others
		}
		verdicts, busy := judgeLatency(samples)
		if busy != others || len(verdicts) != 2 || verdicts[0].flat() != want || !verdicts[1].flat() {
			t.Errorf("others %v: %v, %+v", others, busy, verdicts)
		}
	}
}
