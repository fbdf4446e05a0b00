package address

import (
	"math/big"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// drawU128 prefers numbers near powers of two, where carries go wrong.
func drawU128(t *rapid.T, label string) U128 {
	a := U128{rapid.Uint64().Draw(t, label+" hi"), rapid.Uint64().Draw(t, label+" lo")}
	a = a.Rsh(uint(rapid.IntRange(0, 127).Draw(t, label+" shift")))
	switch rapid.IntRange(0, 4).Draw(t, label+" form") {
	case 0:
		a = U128{Lo: 1}.Lsh(uint(rapid.IntRange(0, 127).Draw(t, label+" power")))
	case 1:
		a = U128{}.Sub(a)
	}
	return a
}

func toBig(a U128) *big.Int {
	b := a.Bytes()
	return new(big.Int).SetBytes(b[:])
}

func fromBig(n *big.Int) U128 {
	var b [16]byte
	new(big.Int).And(n, new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 128), big.NewInt(1))).FillBytes(b[:])
	return FromBytes(b)
}

// TestU128 compares every operation with math/big.
func TestU128(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawU128(t, "a"), drawU128(t, "b")
		n := rapid.Uint64Min(1).Draw(t, "n")
		shift := uint(rapid.IntRange(0, 130).Draw(t, "shift"))
		x, y, z := toBig(a), toBig(b), new(big.Int).SetUint64(n)
		quotient, remainder := a.DivMod64(n)
		for _, test := range []struct {
			name string
			want *big.Int
			got  U128
		}{
			{"Add", new(big.Int).Add(x, y), a.Add(b)},
			{"Sub", new(big.Int).Sub(x, y), a.Sub(b)},
			{"Lsh", new(big.Int).Lsh(x, shift), a.Lsh(shift)},
			{"Rsh", new(big.Int).Rsh(x, shift), a.Rsh(shift)},
			{"Mul64", new(big.Int).Mul(x, z), a.Mul64(n)},
			{"MulHi", new(big.Int).Rsh(new(big.Int).Mul(x, y), 128), a.MulHi(b)},
			{"quotient", new(big.Int).Div(x, z), quotient},
			{"remainder", new(big.Int).Mod(x, z), U128{Lo: remainder}},
		} {
			if want := fromBig(test.want); want != test.got {
				t.Fatalf("%s of %v, %v, n %d, shift %d: want %v, got %v", test.name, a, b, n, shift, want, test.got)
			}
		}
		if want, got := x.Cmp(y), a.Cmp(b); want != got {
			t.Fatalf("Cmp of %v and %v: want %d, got %d", a, b, want, got)
		}
		if diff := cmp.Diff(x.String(), a.String()); diff != "" {
			t.Fatalf("String (-want +got):\n%s", diff)
		}
		if want, _ := new(big.Float).SetInt(x).Float64(); a.Float64() < want*(1-1e-15) || a.Float64() > want*(1+1e-15) {
			t.Fatalf("Float64 of %v: want %g, got %g", a, want, a.Float64())
		}
	})
}

func TestMod256(t *testing.T) {
	check := func(t rapid.TB, number [4]uint64, m U128) {
		t.Helper()
		n := new(big.Int)
		for _, word := range number {
			n.Add(n.Lsh(n, 64), new(big.Int).SetUint64(word))
		}
		if want, got := fromBig(n.Mod(n, toBig(m))), mod256(number, m); want != got {
			t.Fatalf("%x mod %v: want %v, got %v", number, m, want, got)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		high, low, m := drawU128(t, "high"), drawU128(t, "low"), drawU128(t, "m")
		if m.IsZero() {
			m.Lo = 1
		}
		check(t, [4]uint64{high.Hi, high.Lo, low.Hi, low.Lo}, m)
	})
	// Where a digit's estimate is too large, and where it can't be divided for at all.
	const top, all = 1 << 63, ^uint64(0)
	words := []uint64{0, 1, top - 1, top, top + 1, all - 1, all}
	for _, hi := range words {
		for _, lo := range words {
			if m := (U128{hi, lo}); !m.IsZero() {
				for _, a := range words {
					for _, b := range words {
						check(t, [4]uint64{hi, lo, a, b}, m)
						check(t, [4]uint64{a, b, hi, lo}, m)
						check(t, [4]uint64{hi, lo - 1, a, b}, m)
						check(t, [4]uint64{0, hi, a, b}, m)
					}
				}
			}
		}
	}
}
