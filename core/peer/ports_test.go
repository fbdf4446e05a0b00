package peer_test

import (
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/lockstep6/lockstep6/core/peer"
)

// TestPorts compares the counts with a plain map, under random additions.
func TestPorts(t *testing.T) {
	ports, model := peer.NewPorts(500), make(map[uint64]int)
	rng := rand.New(rand.NewPCG(1, 2))
	names := make([]uint64, 500)
	for i := range names {
		names[i] = rng.Uint64() | 1
	}
	for range 20000 {
		port, n := names[rng.IntN(len(names))], 1
		if rng.IntN(2) == 0 && model[port] > 0 {
			n = -1
		}
		ports.Add(port, n)
		model[port] += n
	}
	for _, port := range names {
		if got := ports.Count(port); got != model[port] {
			t.Errorf("port %x: want %d, got %d", port, model[port], got)
		}
	}
	if ports.Uncounted() != 0 {
		t.Errorf("%d uncounted though there was room", ports.Uncounted())
	}
}

// TestPortsTogether makes the same ports from several goroutines: each has one place.
func TestPortsTogether(t *testing.T) {
	const workers, each = 4, 1000
	ports := peer.NewPorts(64)
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for i := range uint64(each) {
				ports.Add((i%64+1)<<32|1, 1)
			}
		})
	}
	group.Wait()
	total := 0
	for i := range uint64(64) {
		total += ports.Count((i+1)<<32 | 1)
	}
	if total != workers*each {
		t.Errorf("want %d bindings, counted %d", workers*each, total)
	}
}

// TestPortsBounds: port 0 is none, a count doesn't go below 0, and a table of no places counts nothing.
func TestPortsBounds(t *testing.T) {
	ports := peer.NewPorts(4)
	ports.Add(0, 1)
	ports.Add(7, -1)
	if ports.Count(0) != 0 || ports.Count(7) != 0 {
		t.Errorf("want nothing counted, got %d and %d", ports.Count(0), ports.Count(7))
	}
	idle := peer.NewPorts(0)
	idle.Add(7, 1)
	if !idle.Idle() || idle.Count(7) != 0 {
		t.Error("a table without places counts")
	}
}
