package address

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// TestNegativeLog2 compares with floating point, and proves the ends and the monotony.
func TestNegativeLog2(t *testing.T) {
	for _, test := range []struct{ number, want uint64 }{
		{0, 64 << logBits}, {1, 64 << logBits}, {2, 64<<logBits - 0x1_95c0_1a39}, // log2(3) = 1.58496...
		{1<<63 - 1, 1<<logBits + 1}, {1 << 63, 1 << logBits}, {^uint64(0), 1},
	} {
		if got := negativeLog2(test.number); got != test.want {
			t.Errorf("%#x: want %#x, got %#x", test.number, test.want, got)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.Uint64().Draw(t, "a") >> rapid.IntRange(0, 63).Draw(t, "shift")
		b := rapid.Uint64().Draw(t, "b")
		want := 64 - math.Log2(float64(a|1))
		if got := float64(negativeLog2(a)) / (1 << logBits); math.Abs(got-want) > 3.0/(1<<logBits) {
			t.Fatalf("%#x: want %.12f, got %.12f", a, want, got)
		}
		if a < b && negativeLog2(a) < negativeLog2(b) {
			t.Fatalf("%#x has a smaller result than %#x", a, b)
		}
	})
}

// TestBetter: cross products of all 128 bits, and the tie.
func TestBetter(t *testing.T) {
	huge, small := &Pool{first: U128{Lo: 2}, size: U128{Hi: 1 << 40}}, &Pool{first: U128{Lo: 1}, size: U128{Lo: 1}}
	twin := &Pool{first: U128{Lo: 3}, size: U128{Hi: 7}}
	for _, test := range []struct {
		name       string
		a, b       *Pool
		logA, logB uint64
		want       bool
	}{
		{"the same cost, a first", small, huge, 1, 1 << 63, true},
		{"the same cost, b first", huge, small, 1 << 63, 1, false},
		{"a hair cheaper", huge, small, 1<<63 - 1, 1, true},
		{"a hair dearer", small, huge, 2, 1<<63 + 1, false},
		{"weights are capped", twin, huge, 5, 5, false},
		{"weights are capped, turned", huge, twin, 5, 5, true},
	} {
		if got := better(test.a, test.b, test.logA, test.logB); got != test.want {
			t.Errorf("%s: want %v, got %v", test.name, test.want, got)
		}
	}
}
