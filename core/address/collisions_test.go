package address_test

import (
	"math"
	"math/big"
	"testing"

	"github.com/lockstep6/lockstep6/core/address"
)

// TestExpectedCollisions computes n - s(1-(1-1/s)^n) in 4000 bits and compares, across the border between
// the series and the closed form.
func TestExpectedCollisions(t *testing.T) {
	exactly := func(n uint64, size address.U128) float64 {
		number := func(x float64) *big.Float { return new(big.Float).SetPrec(4000).SetFloat64(x) }
		b := size.Bytes()
		s := number(0).SetInt(new(big.Int).SetBytes(b[:]))
		q := number(0).Sub(number(1), number(0).Quo(number(1), s))
		power := number(1)
		for bit := 63; bit >= 0; bit-- {
			if power.Mul(power, power); n>>bit&1 == 1 {
				power.Mul(power, q)
			}
		}
		out := number(0).Mul(s, number(0).Sub(number(1), power))
		f, _ := out.Sub(number(0).SetUint64(n), out).Float64()
		return f
	}
	sizes := []address.U128{
		one(1), one(2), one(3), one(991), one(65536), one(1 << 24), one(1 << 48), {Hi: 1}, {Hi: 1 << 16}, {Hi: 1 << 62},
	}
	for _, size := range sizes {
		for _, n := range []uint64{0, 1, 2, 3, 10, 63, 64, 65, 900, 16000, 16385, 1e6, 1e7, 1 << 40} {
			want, got := exactly(n, size), address.ExpectedCollisions(n, size)
			if math.Abs(got-want) > 1e-9*want {
				t.Errorf("%d clients in %v slots: want %g, got %g", n, size, want, got)
			}
		}
	}
	if got := address.ExpectedCollisions(5, address.U128{}); got != 5 {
		t.Errorf("no slots: want 5, got %g", got)
	}
}

// TestCollisionsHappen compares the expectation with what the hash does.
func TestCollisionsHappen(t *testing.T) {
	const n, slots = 20000, 65536
	p := pool(t, "2001:db8:8000::/40", 56)
	want := address.ExpectedCollisions(n, p.Size())
	for _, algorithm := range bothAlgorithms {
		h := address.NewHasher(algorithm, countingKey())
		seen := make(map[uint64]bool, slots)
		clients(n, func(id *address.Identity) { seen[h.Candidate(p, id, 0).Lo] = true })
		if got := float64(n - len(seen)); math.Abs(got-want) > 6*math.Sqrt(want) {
			t.Errorf("%v: want about %.0f collisions, got %.0f", algorithm, want, got)
		}
	}
}
