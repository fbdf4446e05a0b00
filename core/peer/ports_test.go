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

// TestPortsMakeRoom: ports that have gone take no room, whoever makes and ends others at the same time.
func TestPortsMakeRoom(t *testing.T) {
	const workers, rounds, held = 4, 300, 20
	ports := peer.NewPorts(workers * held)
	rng := rand.New(rand.NewPCG(3, 4))
	names := make([][]uint64, workers)
	for i := range names {
		for range rounds * held {
			names[i] = append(names[i], rng.Uint64()|1)
		}
	}
	const shared = 1<<40 | 1
	var group sync.WaitGroup
	for _, mine := range names {
		group.Go(func() {
			for len(mine) > 0 {
				for _, port := range mine[:held] {
					ports.Add(port, 1)
					ports.Add(shared, 1)
				}
				for _, port := range mine[:held] {
					ports.Add(port, -1)
				}
				ports.Add(shared, -1)
				mine = mine[held:]
			}
		})
	}
	group.Wait()
	if got := ports.Count(shared); got != workers*rounds*(held-1) {
		t.Errorf("want %d at the port that all use, got %d", workers*rounds*(held-1), got)
	}
	if ports.Uncounted() != 0 {
		t.Errorf("%d found no place", ports.Uncounted())
	}
	for _, mine := range names {
		for _, port := range mine {
			if n := ports.Count(port); n != 0 {
				t.Fatalf("port %x has %d", port, n)
			}
		}
	}
}

// TestSignedPorts: who ends a binding may tell before who made it, and what comes out as nothing makes room.
func TestSignedPorts(t *testing.T) {
	ports := peer.NewSignedPorts(4)
	for port := uint64(1 << 40); port < 1<<40+4000<<21; port += 1 << 21 {
		ports.Add(port, -1)
		if n := ports.Count(port); n != 0 {
			t.Fatalf("want none, got %d", n)
		}
		ports.Add(port, -1)
		for range 5 {
			ports.Add(port, 1)
		}
		if n := ports.Count(port); n != 3 {
			t.Fatalf("want 3, got %d", n)
		}
		for range 3 {
			ports.Add(port, -1)
		}
	}
	if ports.Uncounted() != 0 {
		t.Errorf("%d found no place", ports.Uncounted())
	}
}
