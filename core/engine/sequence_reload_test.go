package engine_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/policy"
	"github.com/lockstep6/lockstep6/core/wire"
)

// TestLowestThroughReloads has clients come, renew, go and stay away while the configuration goes from sequence to hash and back, in a
// small pool and in a large one. Nobody's lease is touched by that, and the lowest free one is always found again.
func TestLowestThroughReloads(t *testing.T) {
	for pool, seed := range map[string]uint64{"2001:db8:1::1-2001:db8:1::30": 1, "2001:db8:1::/64": 2} {
		t.Run(pool, func(t *testing.T) {
			h := newReloads(t, pool, seed)
			for range 3000 {
				h.step()
			}
		})
	}
}

type reloads struct {
	t        *testing.T
	rng      *rand.Rand
	s        *session
	policies []*policy.Policy
	leases   map[int]netip.Addr // by client
	ends     map[int]binding.Time
	asked    int
}

func newReloads(t *testing.T, pool string, seed uint64) *reloads {
	h := &reloads{t: t, rng: rand.New(rand.NewPCG(seed, 0)), leases: make(map[int]netip.Addr), ends: make(map[int]binding.Time)}
	for _, more := range []string{
		"", ", allocation: hash", `, exclude: ["2001:db8:1::2", "2001:db8:1::4/126"]`, `, retiring: true}, {pool: "2001:db8:2::/80"`,
	} {
		text := fmt.Sprintf("store: {capacity: 1024}\n"+counting, fmt.Sprintf("%q%s", pool, more))
		text = strings.Replace(text, `["2001:db8:1::/64"]`, `["2001:db8:1::/64", "2001:db8:2::/64"]`, 1)
		h.policies = append(h.policies, mustCompile(t, text, ""))
	}
	h.s = sessionOver(t, h.policies[0], binding.Options{Capacity: 1024})
	return h
}

func (h *reloads) step() {
	client := h.rng.IntN(40)
	held, holds := h.leases[client]
	holds = holds && h.ends[client] > h.s.now
	switch n := h.rng.IntN(20); {
	case n == 0:
		h.reload(h.policies[h.rng.IntN(len(h.policies))])
	case n == 1:
		h.s.now += binding.Time(h.rng.IntN(3000))
	case n == 2:
		h.s.sweeper.Sweep(h.s.site, h.s.now, 0, 1<<12, nil)
	case n < 8 && holds:
		if got, ok := h.send(wire.Renew, client, held); ok && got != held && h.s.site.Policy == h.policies[0] && h.kept(held) {
			h.t.Fatalf("client %d renews %s and gets %s", client, held, got)
		}
	case n < 12 && holds:
		m := counter(wire.Request, client, held)
		m[0] = byte(wire.Release)
		h.s.handleOne(directInput(m))
		delete(h.leases, client)
	case n < 16:
		h.send(wire.Request, client, netip.Addr{})
	default:
		h.solicit()
	}
}

// send has the client ask, and checks that no other client has what it gets.
func (h *reloads) send(kind wire.MessageType, client int, addr netip.Addr) (netip.Addr, bool) {
	m := counter(wire.Request, client, addr)
	m[0] = byte(kind)
	leases := leasesOf(h.t, h.s.handleOne(directInput(m)).Reply)
	for _, l := range leases {
		if l.valid == 0 || l.preferred == 0 {
			continue
		}
		got := netip.AddrFrom16(l.key.Address)
		for other, a := range h.leases {
			if other != client && a == got && h.ends[other] > h.s.now {
				h.t.Fatalf("clients %d and %d have %s", client, other, got)
			}
		}
		h.leases[client], h.ends[client] = got, h.s.now.Add(l.valid)
		return got, true
	}
	return netip.Addr{}, false
}

// solicit has a stranger ask when nothing is on offer any more. It is offered the lowest free lease.
func (h *reloads) solicit() {
	h.s.now += 9
	h.asked++
	if h.s.site.Policy == h.policies[1] {
		return
	}
	want, ok := h.lowest()
	leases := leasesOf(h.t, h.s.handleOne(directInput(counter(wire.Solicit, 1000+h.asked, netip.Addr{}))).Reply)
	if ok && (len(leases) != 1 || netip.AddrFrom16(leases[0].key.Address) != want) {
		h.t.Fatalf("a stranger is offered %v, want %s of\n%s", leases, want, h.s.dump(false))
	}
}

// lowest is the lowest lease that has no record, or that was released. False: there is none, and what is offered has ended.
func (h *reloads) lowest() (netip.Addr, bool) {
	h.s.handle.Enter()
	defer h.s.handle.Leave()
	for _, pool := range h.s.site.Policy.Links[0].Addresses {
		if pool.Retiring {
			continue
		}
		for first, last := range pool.Range.Runs() {
			for slot := first; !last.Less(slot) && slot.Lo < 200; slot.Lo++ {
				key := binding.Key{Address: pool.Range.Lease(slot), Length: 128}
				if r := h.s.handle.Find(&key); r == nil || r.State() == binding.Released {
					return netip.AddrFrom16(key.Address), true
				}
			}
		}
	}
	return netip.Addr{}, false
}

func (h *reloads) reload(p *policy.Policy) {
	if next, same := h.s.site.Follow(p, h.s.site.View); same {
		h.s.site = next
		return
	}
	next, err := engine.NextSite(p, h.s.site.View, h.s.handle, h.s.table.Shards())
	if err != nil {
		h.t.Fatal(err)
	}
	h.s.site = next
}

// kept tells whether a lease is one of the first configuration's pool.
func (h *reloads) kept(addr netip.Addr) bool {
	a := addr.As16()
	return h.policies[0].PoolOf(wire.IANA, &a, 128) != nil
}
