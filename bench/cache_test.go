package bench

import (
	"encoding/binary"
	"maps"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/core/worker"
	"github.com/lockstep6/lockstep6/store"
)

// TestRenewCacheSurvivesPowerFailure lets clients ask and renew, most of them long before T1, and cuts the power between
// batches, whatever is under way. What is on the disk then lasts at least as long as each client was told.
func TestRenewCacheSurvivesPowerFailure(t *testing.T) {
	for seed := range uint64(8) {
		rng := rand.New(rand.NewPCG(seed, 1))
		fs := vfs.NewCrashableMem()
		s, err := store.Open(store.Options{Path: "data", FS: fs, Ballast: -1})
		if err != nil {
			t.Fatal(err)
		}
		n := &cacheNode{runner: newRunner(t, cached), store: s, rng: rng, now: 800_000_000, told: make(ends)}
		for range 60 {
			n.step(t)
		}
		cut := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rng.IntN(101), RNG: rng})
		told := maps.Clone(n.told)
		for len(n.pending) > 0 {
			n.confirm()
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		stored := storedEnds(t, cut)
		for address, until := range told {
			if stored[address] < until {
				t.Errorf("seed %d: a client was told %x until %d, the disk has it until %d", seed, address, until, stored[address])
			}
		}
		if len(told) < 20 || n.spared < 100 || n.written < 100 {
			t.Errorf("seed %d: %d clients, %d bindings spared, %d written: too little to prove anything", seed, len(told), n.spared, n.written)
		}
	}
}

// ends are until when leases last.
type ends map[[16]byte]binding.Time

func (e ends) note(address [16]byte, until binding.Time) { e[address] = max(e[address], until) }

// A cacheNode answers batches of Requests and Renews over a store, and keeps what its clients were told.
type cacheNode struct {
	*runner
	store           *store.Store
	rng             *rand.Rand
	now             binding.Time
	spared, written int
	pending         []pendingWrite
	told            ends
}

// A pendingWrite is a batch under way to the disk, and what its replies will tell.
type pendingWrite struct {
	mark binding.Mark
	done chan *worker.Write
	told ends
}

// step handles a batch of a few clients' messages, and lets time pass and writes come back.
func (n *cacheNode) step(t *testing.T) {
	if n.rng.IntN(3) == 0 {
		n.now += binding.Time(n.rng.IntN(600))
	}
	n.use([]wire.MessageType{wire.Request, wire.Renew, wire.Renew}[n.rng.IntN(3)], false)
	p := pendingWrite{mark: engine.NewMark(0, n.sequence+1), done: make(chan *worker.Write, 1), told: make(ends)}
	n.engine.Begin(n.core.Site.Load(), n.now.Moment(), p.mark, true, nil)
	for range worker.BatchSize {
		binary.BigEndian.PutUint32(n.data[duidOffset:], n.rng.Uint32N(40))
		result := n.engine.Handle(&engine.Input{Data: n.data, SourcePort: 547, Listen: 1}, n.arena)
		if result.Drop != wire.DropNone {
			t.Fatalf("dropped: %s", result.Drop)
		}
		address, valid := grantOf(t, result.Reply)
		if result.Durable {
			p.told.note(address, n.now.Add(valid))
		} else {
			n.told.note(address, n.now.Add(valid))
		}
	}
	changes, count := n.engine.Changes, n.engine.Count
	n.engine.End()
	n.spared, n.written = n.spared+n.engine.Spared, n.written+count
	if count > 0 {
		n.sequence++
		n.store.Append(&worker.Write{Changes: changes, Count: count, Done: p.done})
		n.pending = append(n.pending, p)
	}
	for len(n.pending) > n.rng.IntN(4) {
		n.confirm()
	}
}

// confirm waits for the oldest write, and tells what waited for it.
func (n *cacheNode) confirm() {
	p := &n.pending[0]
	<-p.done
	n.core.Marks.Settle(p.mark)
	for address, until := range p.told {
		n.told.note(address, until)
	}
	n.pending = n.pending[1:]
}

// grantOf is the address in a relayed Reply, and its valid lifetime.
func grantOf(t *testing.T, reply []byte) (address [16]byte, valid uint32) {
	t.Helper()
	inner, _ := wire.Options(reply[34:]).Find(wire.OptionRelayMessage)
	data, _ := wire.Options(inner[4:]).Find(wire.OptionIANA)
	ia := wire.IA{Kind: wire.IANA, Options: wire.Options(data[12:])}
	lease, _, ok := ia.NextLease(ia.Options)
	if !ok {
		t.Fatalf("no lease in %x", reply)
	}
	return lease.Address, lease.Valid
}

// storedEnds reads what a machine finds when its power is back.
func storedEnds(t *testing.T, fs vfs.FS) ends {
	t.Helper()
	s, err := store.Open(store.Options{Path: "data", FS: fs, Ballast: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	found := make(ends)
	err = s.Load(t.Context(), 1, func(_ int, key, value []byte) error {
		b, err := binding.DecodeValue(key, value)
		if err == nil && !b.Removed {
			found.note(b.Key.Address, b.Expires)
		}
		return err
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return found
}
