package wire_test

import (
	"math/rand/v2"
	"testing"

	"github.com/lockstep6/lockstep6/core/wire"
)

// Fuzzing by octets rarely hits upon an option; this walks the neighbourhood of whole packets instead: any option of
// any length at any level, then now and then an octet changed.
func TestAgreeAtRandom(t *testing.T) {
	const seed, rounds = 9915, 30_000
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	accepted := 0
	var p wire.Packet
	for range rounds {
		b := randomPacket(random)
		if why := disagreement(b); why != "" {
			t.Fatalf("%s\n%x", why, b)
		}
		if p.Parse(b) == wire.DropNone && p.Message.Type != wire.ReconfigureRequest {
			accepted++
			checkMirror(t, &p)
		}
	}
	if accepted < rounds/10 || accepted > rounds*9/10 {
		t.Errorf("%d of %d packets were accepted: too few or too many to compare both ways", accepted, rounds)
	}
}

func randomPacket(r *rand.Rand) []byte {
	types := []byte{1, 3, 4, 5, 6, 8, 9, 11, 1, 3, 5, 2, 7, 10, 14, 36}
	b := []byte{types[r.IntN(len(types))], byte(r.Uint32()), 2, 3}
	if r.IntN(8) == 0 {
		b[0] = byte(r.Uint32())
	}
	for range r.IntN(5) {
		b = append(b, randomOption(r, 0)...)
	}
	for range max(0, r.IntN(5)-2) {
		var options []byte
		for range r.IntN(3) {
			options = append(options, randomOption(r, 0)...)
		}
		b = forward(byte(r.Uint32()), "2001:db8::1", "fe80::1", b, options)
	}
	if r.IntN(4) == 0 {
		b[r.IntN(len(b))] = byte(r.Uint32())
	}
	return b
}

// randomOption is one that means something, mostly of the length that it should have.
func randomOption(r *rand.Rand, depth int) []byte {
	octets := func(n int) []byte {
		data := make([]byte, n)
		for i := range data {
			data[i] = byte(r.UintN(256)) >> r.IntN(9)
		}
		return data
	}
	code := wire.OptionCode(1 + r.IntN(150))
	if r.IntN(3) > 0 {
		usual := []wire.OptionCode{1, 2, 3, 3, 25, 25, 5, 26, 6, 8, 13, 14, 15, 16, 17, 18, 20, 37, 39, 43, 79, 135}
		code = usual[r.IntN(len(usual))]
	}
	length, known := map[wire.OptionCode]int{
		1: 10, 2: 14, 3: 12, 25: 12, 5: 24, 26: 25, 6: 6, 7: 1, 8: 2, 13: 4, 14: 0, 15: 2, 20: 0, 135: 2,
	}[code]
	if !known || r.IntN(12) == 0 {
		length = r.IntN(30)
	}
	data := octets(length)
	switch {
	case code == 1 && length == 10:
		data[0], data[1] = 0, 3
	case depth < 2 && (code == 3 || code == 25 || code == 5 || code == 26):
		for range r.IntN(3) {
			data = append(data, randomOption(r, depth+1)...)
		}
	}
	return option(code, data)
}
