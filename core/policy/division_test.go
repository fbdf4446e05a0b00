package policy

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/config"
)

// owners is the owner of every lease of a pool, as package address cuts and deals it: what a division must agree with.
func owners(t *testing.T, v *division, pool *address.Pool) (all []int) {
	t.Helper()
	size := pool.Size().Lo
	for slot := range size {
		part := address.StripeOf(address.U128{Lo: slot}, v.cut)
		if !v.striped {
			lease := pool.Lease(address.U128{Lo: slot})
			part = -1
			for i := range v.cut {
				if cut, ok := pool.Part(i, v.cut); ok && cut.Contains(lease) {
					part = i
				}
			}
		}
		if part < 0 {
			t.Fatalf("slot %d is in no part of %d", slot, v.cut)
		}
		all = append(all, v.owner[part])
	}
	return all
}

// On the way between any two divisions no lease ever goes from one node to another: not in the pool's very slots.
func TestWay(t *testing.T) {
	const seed = 20260914
	random := rand.New(rand.NewPCG(seed, seed))
	first := [16]byte{0x20, 1, 0x0d, 0xb8}
	last := first
	last[14], last[15] = 0x01, 0xff // 512 addresses: more than any cut here, and no multiple of most
	pool, err := address.NewPool(first, last, 128, first, nil)
	if err != nil {
		t.Fatal(err)
	}
	moved := 0
	for n := range 200 {
		striped := n%2 == 0
		before, after := randomDivision(random, striped), randomDivision(random, striped)
		states := append(append([]division{before}, way(&before, &after, 7)...), after)
		for i := range states[1:] {
			from, to := owners(t, &states[i], &pool), owners(t, &states[i+1], &pool)
			for slot := range from {
				if from[slot] != to[slot] && from[slot] != Nobody && to[slot] != Nobody {
					t.Fatalf("seed %d, %v -> %v, step %d: slot %d goes from node %d to node %d", seed, before, after, i, slot, from[slot], to[slot])
				}
			}
			if moves(&states[i], &states[i+1]) {
				t.Fatalf("seed %d, %v -> %v: step %d itself is one that moves something", seed, before, after, i)
			}
		}
		if middle := states[1]; len(states) == 3 && (middle.cut < 7 || middle.cut > config.MaxParts) {
			t.Fatalf("%v -> %v by way of %d parts", before, after, middle.cut)
		}
		if moves(&before, &after) {
			moved++
		}
	}
	if moved < 50 || moved == 200 {
		t.Errorf("%d of 200 changes moved something: the test sees one kind only", moved)
	}
}

func randomDivision(random *rand.Rand, striped bool) division {
	v := division{cut: 1 + random.IntN(12), striped: striped}
	for range v.cut {
		v.owner = append(v.owner, random.IntN(5)-1)
		if v.owner[len(v.owner)-1] < 0 {
			v.owner[len(v.owner)-1] = Nobody
		}
	}
	return v
}

// A refined division gives every node the same leases.
func TestRefined(t *testing.T) {
	first := [16]byte{0x20, 1, 0x0d, 0xb8}
	last := first
	last[15] = 100
	pool, err := address.NewPool(first, last, 128, first, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, striped := range []bool{true, false} {
		for times := 1; times < 6; times++ {
			t.Run(fmt.Sprint(striped, times), func(t *testing.T) {
				v := division{3, []int{2, Nobody, 0}, striped}
				fine := v.refined(times)
				if fine.cut != 3*times {
					t.Errorf("%d parts, want %d", fine.cut, 3*times)
				}
				if want, got := owners(t, &v, &pool), owners(t, &fine, &pool); !slices.Equal(want, got) {
					t.Errorf("owners %v, want %v", got, want)
				}
			})
		}
	}
}
