package engine_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/anishathalye/porcupine"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/peer"
	"github.com/lockstep6/lockstep6/core/policy"
	"github.com/lockstep6/lockstep6/core/wire"
)

// A crowd is workers over one table, whose clients share few leases, and one who sweeps, reloads and moves the clock.
type crowd struct {
	t        *testing.T
	policies []*policy.Policy
	table    *binding.Table
	marks    *engine.Marks
	site     atomic.Pointer[engine.Site]
	now      atomic.Uint32
	order    atomic.Int64 // gives each call and return a moment of its own
	turns    atomic.Int64 // of the one who manages
	last     [30]atomic.Pointer[binding.Key]
	workers  []*crowdWorker
}

type crowdWorker struct {
	*crowd
	id       int
	rng      *rand.Rand
	engine   *engine.Engine
	batches  atomic.Uint64 // odd while one is handled
	sequence uint64
	history  []porcupine.Operation
}

const crowdConfig = `%[1]s
store: {capacity: 1024}
listen: {interfaces: [eth0]}
lifetimes: {preferred: %[2]d, valid: %[2]d, renew: 100, rebind: 150}
decline: {quarantine: 300s, max-per-client: 1000}
links:
  - name: lan
    match: {interface: eth0, link-addresses: ["2001:db8:1::/64"]}
    addresses: [{pool: "2001:db8:1::10-2001:db8:1::1f"%s}]
`

const crowdCluster = `cluster:
  id: 5b0e4ad8-3c1f-4f0e-9a57-0d6c2f1b7a11
  key: "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20"
  nodes: [{name: a}, {name: b}]`

func newCrowd(t *testing.T, head string) *crowd {
	c := &crowd{t: t, marks: new(engine.Marks)}
	node := ""
	if head != "" {
		node = "a"
	}
	for _, text := range []string{fmt.Sprintf(crowdConfig, head, 200, ""), fmt.Sprintf(crowdConfig, head, 250, `, exclude: ["2001:db8:1::18/125"]`)} {
		c.policies = append(c.policies, mustCompile(t, text, node))
	}
	var err error
	if c.table, err = binding.New(binding.Options{Capacity: 1024, Seed: 1}); err != nil {
		t.Fatal(err)
	}
	c.now.Store(uint32(start))
	site, err := engine.NewSite(c.policies[0], engine.NewView(c.policies[0], engine.Memory{}, 1024), c.table.NewHandle(), c.table.Shards())
	if err != nil {
		t.Fatal(err)
	}
	c.site.Store(site)
	return c
}

// play lets all work, and returns what happened.
func (c *crowd) play(seed uint64, batches int) (history []porcupine.Operation) {
	var group sync.WaitGroup
	var left atomic.Int64
	for id := range 4 { // all of them before the first one begins
		w := &crowdWorker{crowd: c, id: id, rng: rand.New(rand.NewPCG(seed, uint64(id))), engine: engine.New(c.table.NewHandle(), c.marks)}
		c.workers = append(c.workers, w)
	}
	for _, w := range c.workers {
		left.Add(1)
		group.Go(func() {
			defer left.Add(-1)
			for range batches {
				w.batch()
				if w.rng.IntN(16) == 0 {
					c.now.Add(uint32(w.rng.IntN(40)))
					c.wait()
				}
			}
		})
	}
	history = c.manage(rand.New(rand.NewPCG(seed, 99)), &left)
	group.Wait()
	for _, w := range c.workers {
		history = append(history, w.history...)
	}
	if err := c.table.Close(); err != nil {
		c.t.Error(err)
	}
	return history
}

// wait waits for the manager's next turn, so that leases are reclaimed also where processors are few.
func (c *crowd) wait() {
	for turn := c.turns.Load(); c.turns.Load() == turn; {
		runtime.Gosched()
	}
}

// manage sweeps, reloads and moves the clock until the workers are done.
func (c *crowd) manage(rng *rand.Rand, left *atomic.Int64) (history []porcupine.Operation) {
	sweeper, handle := engine.NewSweeper(c.table.NewHandle(), c.marks), c.table.NewHandle()
	defer handle.Close()
	for left.Load() > 0 {
		if rng.IntN(8) == 0 {
			c.reload(c.policies[rng.IntN(len(c.policies))], handle)
		} else {
			now, called := binding.Time(c.now.Load()), c.order.Add(1)
			changes, _ := sweeper.Sweep(c.site.Load(), now, peer.Grace, 1024, nil)
			returned := c.order.Add(1)
			forEachChange(c.t, changes, func(key binding.Key, _ uint64, _ []byte) {
				history = append(history, porcupine.Operation{ClientId: 4, Input: leaseEvent{lease: key, op: reclaimed, client: -1, at: now, late: now}, Call: called, Return: returned})
			})
		}
		c.turns.Add(1)
		runtime.Gosched()
	}
	return history
}

// reload puts another policy in force, as the daemon does.
func (c *crowd) reload(p *policy.Policy, handle *binding.Handle) {
	for range 2 { // see engine.NextSite
		site, err := engine.NextSite(p, c.site.Load().View, handle, c.table.Shards())
		if err != nil {
			c.t.Error(err)
			return
		}
		c.site.Store(site)
		for _, w := range c.workers {
			for at := w.batches.Load(); at%2 == 1 && w.batches.Load() == at; {
				runtime.Gosched()
			}
		}
	}
}

// batch lets the worker answer one client.
func (w *crowdWorker) batch() {
	client := w.rng.IntN(len(w.last))
	kind := []wire.MessageType{wire.Solicit, wire.Request, wire.Request, wire.Renew, wire.Renew, wire.Rebind, wire.Release, wire.Decline}[w.rng.IntN(8)]
	w.batches.Add(1)
	defer w.batches.Add(1)
	called := w.order.Add(1)
	site, now := w.site.Load(), binding.Time(w.now.Load())
	message := w.message(site.Policy, kind, client)
	mark := engine.NewMark(w.id, w.sequence+1)
	w.engine.Begin(site, now.Moment(), mark, true, nil)
	result := w.engine.Handle(directInput(message), make([]byte, 0, engine.MaxReply))
	w.engine.End()
	if w.engine.Count > 0 {
		w.sequence++
		w.marks.Settle(mark)
	}
	late := binding.Time(w.now.Load())
	returned := w.order.Add(1)
	for _, e := range w.events(kind, client, result, site.Policy, now) {
		e.late = late
		w.history = append(w.history, porcupine.Operation{ClientId: w.id, Input: e, Call: called, Return: returned})
	}
}

// message is the client's, with the lease that it was told of last.
func (w *crowdWorker) message(p *policy.Policy, kind wire.MessageType, client int) []byte {
	m := wire.AppendHeader(nil, kind, [3]byte{1, byte(w.sequence >> 8), byte(w.sequence)})
	m = wire.AppendOption(m, wire.OptionClientID, []byte{0, 3, 0, 1, byte(client)})
	if kind != wire.Solicit && kind != wire.Rebind {
		m = wire.AppendOption(m, wire.OptionServerID, p.ServerID)
	}
	m = wire.AppendUint16Option(m, wire.OptionElapsedTime, 500)
	m, open := wire.OpenIA(m, wire.IANA, 1)
	if named := w.last[client].Load(); named != nil {
		m = wire.AppendIAAddress(m, &named.Address, 0, 0)
	}
	return wire.CloseOption(m, open)
}

// events are what an answer says of leases.
func (w *crowdWorker) events(kind wire.MessageType, client int, result engine.Result, p *policy.Policy, now binding.Time) (out []leaseEvent) {
	if result.Reply == nil {
		return nil
	}
	if kind == wire.Release || kind == wire.Decline {
		forEachChange(w.t, w.engine.Changes, func(key binding.Key, _ uint64, value []byte) {
			r, err := binding.DecodeValue(binding.AppendKey(nil, &key), value)
			if err != nil {
				w.t.Error(err)
			}
			switch e := (leaseEvent{lease: key, op: released, client: client, at: now, until: r.Expires}); r.State {
			case binding.Declined:
				e.op = declined
				out = append(out, e)
			case binding.Released:
				out = append(out, e)
			}
		})
		return out
	}
	for _, l := range allLeases(w.t, result.Reply) {
		pool := p.PoolOf(l.kind, &l.key.Address, l.key.Length)
		switch {
		case l.valid == 0:
			continue
		case pool == nil:
			w.t.Errorf("%v is in no pool", l.key)
		case kind == wire.Solicit:
			out = append(out, leaseEvent{lease: l.key, op: offered, client: client, at: now})
			continue
		}
		if slot, ok := pool.Range.Slot(l.key.Address); !ok || !pool.Range.Usable(slot) {
			w.t.Errorf("%v is excluded", l.key)
		}
		w.last[client].Store(&l.key)
		out = append(out, leaseEvent{lease: l.key, op: granted, client: client, at: now, until: now.Add(l.valid)})
	}
	return out
}
