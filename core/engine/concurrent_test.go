package engine_test

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/engine"
)

// TestWorkersAtOnce runs workers over one table in goroutines of their own, with a sweeper among them. Each has clients
// whose answers it checks as TestWorld does, all against one ledger. A worker also handles copies of messages that
// other workers' clients sent, as a network that repeats datagrams would bring them; their answers go nowhere.
func TestWorkersAtOnce(t *testing.T) {
	const workers = 4
	batches := 4000
	if testing.Short() || raceDetector {
		batches = 1500
	}
	first := newWorld(t, 1, crowdedPolicies(t)[:1], 0)
	defer first.close()
	var clock atomic.Uint32
	clock.Store(uint32(start))
	first.clock = &clock
	var echoes sync.Map // of the last message of some clients: their number to the octets
	var group sync.WaitGroup
	worlds := make([]*world, workers)
	for id := range workers {
		w := *first
		w.rng, w.workers, w.clients = rand.New(rand.NewPCG(7, uint64(id))), nil, nil
		for i := range 40 {
			w.clients = append(w.clients, newClient(w.rng, id*40+i))
		}
		w.hire(id)
		worlds[id] = &w
	}
	for id, w := range worlds {
		group.Go(func() {
			for range batches {
				w.now = binding.Time(clock.Load())
				w.batch(w.workers[0], 1+w.rng.IntN(4))
				echoes.Store(id, w.clients[0].last)
				if other, ok := echoes.Load(w.rng.IntN(workers)); ok && w.rng.IntN(4) == 0 {
					w.echo(w.workers[0], other.([]byte))
				}
				for len(w.workers[0].flights) > w.rng.IntN(8) {
					w.settleOne()
				}
				if w.rng.IntN(8) == 0 {
					clock.Add(uint32(w.rng.IntN(20)))
				}
			}
		})
	}
	stop, swept := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(swept)
		first.sweepUntil(stop)
	}()
	group.Wait()
	close(stop)
	<-swept
	grants := 0
	for _, w := range worlds {
		grants += w.stats.grants
	}
	if len(first.faults) > 0 {
		t.Errorf("%d faults, the first: %s", len(first.faults), first.faults[0])
	}
	if grants < batches/2 {
		t.Errorf("only %d grants", grants)
	}
}

// sweepUntil sweeps all the time.
func (w world) sweepUntil(stop <-chan struct{}) {
	w.rng = rand.New(rand.NewPCG(8, 8))
	for {
		select {
		case <-stop:
			return
		default:
			w.now = w.time()
			w.sweep()
		}
	}
}

// echo handles a copy of a message whose answer nobody waits for. Its changes are written like any other's.
func (w *world) echo(k *testWorker, message []byte) {
	f := &flight{mark: engine.NewMark(k.id, k.sequence+1)}
	k.engine.Interfere(nil)
	k.engine.Begin(w.site, w.now.Moment(), f.mark, true, nil)
	k.engine.Handle(directInput(message), make([]byte, 0, engine.MaxReply))
	f.changes = append([]byte(nil), k.engine.Changes...)
	count := k.engine.Count
	k.engine.End()
	w.noteVersions(f.changes)
	if count > 0 {
		k.sequence++
		k.flights = append(k.flights, f)
	}
}
