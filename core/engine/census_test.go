package engine_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/policy"
	"github.com/lockstep6/lockstep6/core/wire"
)

// counted are a site's counts by pool's name, those of owners too.
func counted(s *engine.Site) map[string][2]uint64 {
	out := make(map[string][2]uint64)
	for _, c := range s.Counts() {
		out[c.Pool.Name] = [2]uint64{c.Own, c.Observed}
	}
	for owner, n := range s.Owned() {
		if n > 0 {
			out[fmt.Sprint("owner ", owner)] = [2]uint64{n}
		}
	}
	return out
}

// walked is the same by a walk through the table.
func walked(h *binding.Handle, shards int, p *policy.Policy) map[string][2]uint64 {
	out := make(map[string][2]uint64)
	for _, pool := range p.Pools {
		out[pool.Name] = [2]uint64{}
	}
	h.Enter()
	defer h.Leave()
	for shard := range shards {
		h.Range(shard, func(r *binding.Record) bool {
			if r.State() != binding.Bound && r.State() != binding.Superseded {
				return true
			}
			owner := fmt.Sprint("owner ", r.Owner())
			out[owner] = [2]uint64{out[owner][0] + 1}
			key := r.Key()
			if pool := p.PoolOf(r.Kind(), &key.Address, key.Length); pool != nil {
				n := out[pool.Name]
				if engine.Observed(r) {
					n[1]++
				} else {
					n[0]++
				}
				out[pool.Name] = n
			}
			return true
		})
	}
	return out
}

// TestCounts follows a binding through its states.
func TestCounts(t *testing.T) {
	nodes := nodesOf(t, "identical")
	s := nodes[0]
	want := func(why string) {
		t.Helper()
		if diff := cmp.Diff(walked(s.handle, s.table.Shards(), s.site.Policy), counted(s.site)); diff != "" {
			t.Errorf("%s (-walked +counted):\n%s", why, diff)
		}
	}
	own := func() (n uint64) {
		for _, c := range s.site.Counts() {
			n += c.Own
		}
		return n
	}
	send := func(text string) {
		t.Helper()
		m, err := parseMessage(text, s)
		if err != nil {
			t.Fatal(err)
		}
		s.handleOne(directInput(m.octets))
	}
	const lease = "na=1 2001:db8:1::77\n"
	want("at the start")
	send("request\nserver=b\n" + lease)
	want("observed")
	if got := s.site.Owned()[s.site.View.Owner(1)]; got != 1 {
		t.Errorf("%d bindings of node b, want 1", got)
	}
	send("release\nserver=b\n" + lease)
	want("and released")
	send("request\nserver=ours\nduid=00030001020000000005\nna=1\npd=1\n")
	want("granted")
	if own() != 2 {
		t.Errorf("%d own bindings, want 2", own())
	}
	s.install(t, s.site.Policy)
	want("after a reload")
	s.now = s.now.Add(1 << 20)
	s.marks.Settle(engine.NewMark(1, s.sequence))
	s.sweeper.Sweep(s.site, s.now, 0, 1<<20, nil)
	want("swept")
	if own() != 0 {
		t.Errorf("%d own bindings, want none", own())
	}
}

// TestCountsOverReloads has workers and a sweeper change bindings while sites are made one after the other, for two
// policies in turn. A worker takes up a new site when it pleases, as long as all have before the next one is made. At
// the end the counts are those of a walk.
func TestCountsOverReloads(t *testing.T) {
	const workers, reloads = 3, 30
	const limits = "limits: {addresses-per-client: 1}\n"
	policies := [2]*policy.Policy{mustCompile(t, limits+sitePools, ""), mustCompile(t, limits+access, "")}
	s := sessionOver(t, policies[0], binding.Options{Capacity: 4000})
	var current atomic.Pointer[engine.Site]
	current.Store(s.site)
	var begun [workers + 1]atomic.Pointer[engine.Site]
	var stop atomic.Bool
	var group sync.WaitGroup
	for id := range workers {
		group.Go(func() {
			h := s.table.NewHandle()
			defer h.Close()
			rng := rand.New(rand.NewPCG(1, uint64(id)))
			for !stop.Load() {
				site := current.Load()
				begun[id].Store(site)
				h.Enter()
				for range 8 {
					change(rng, site, h, id)
				}
				h.Leave()
			}
		})
	}
	group.Go(func() {
		for !stop.Load() {
			site := current.Load()
			begun[workers].Store(site)
			s.sweeper.Sweep(site, start.Add(1<<20), 0, 256, nil)
		}
	})
	var site *engine.Site
	for i := range reloads {
		p := policies[(i+1)%2]
		var err error
		if site, err = engine.NewSite(p, engine.NewView(p, engine.Memory{}, testCapacity), s.handle, s.table.Shards()); err != nil {
			t.Fatal(err)
		}
		current.Store(site)
		for id := range begun {
			for begun[id].Load() != site {
				runtime.Gosched()
			}
		}
	}
	stop.Store(true)
	group.Wait()
	last := rand.New(rand.NewPCG(2, 0)) // the sweeper may have left nothing
	s.handle.Enter()
	for range 64 {
		change(last, site, s.handle, 0)
	}
	s.handle.Leave()
	if diff := cmp.Diff(walked(s.handle, s.table.Shards(), site.Policy), counted(site)); diff != "" {
		t.Errorf("counts (-walked +counted):\n%s", diff)
	}
	clients, all := make(map[byte]int), 0
	s.records(func(r *binding.Record) {
		if key := r.Key(); r.State() == binding.Bound && site.Policy.PoolOf(r.Kind(), &key.Address, key.Length) != nil {
			clients[r.DUID()[3]]++
			all++
		}
	})
	for n := range byte(changers) {
		if got := site.OfClient(changerDUID(n), 0, wire.IANA); got != clients[n] {
			t.Errorf("client %d has %d leases, counted %d", n, clients[n], got)
		}
	}
	if all == 0 {
		t.Error("nobody has a lease")
	}
}

// changers are the clients of change.
const changers = 5

func changerDUID(n byte) []byte { return []byte{0, 3, 0, n} }

// change makes a lease what chance will: anybody's, in any state.
func change(rng *rand.Rand, site *engine.Site, h *binding.Handle, writer int) {
	key := key128(fmt.Sprintf("2001:db8:1::%x", rng.IntN(64)))
	old := h.Find(&key)
	draft := binding.Draft{
		Key: key, Kind: wire.IANA, DUID: changerDUID(byte(rng.IntN(changers))), IAID: rng.Uint32N(4), Owner: uint8(rng.IntN(3)),
		State: []binding.State{binding.Bound, binding.Bound, binding.Released, binding.Superseded}[rng.IntN(4)], Expires: start,
	}
	site.Publish(h, writer, old, &draft)
}
