package sim

import (
	"strings"
	"testing"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/peer"
	"github.com/lockstep6/lockstep6/core/wire"
)

// A scene is a world in which nothing happens but what a test says.
type scene struct {
	*world
	t *testing.T
}

func newScene(t *testing.T, change func(o *Options)) *scene {
	t.Helper()
	o := Options{Nodes: 2, Links: 1, Slots: 16, Trouble: 1}
	change(&o)
	w := newWorld(o)
	if err := w.build(); err != nil {
		t.Fatal(err)
	}
	for _, n := range w.nodes {
		n.boot()
		t.Cleanup(n.close)
	}
	for _, who := range []identity{alice, bob} {
		w.standard[who.duid] = true
	}
	return &scene{w, t}
}

var (
	alice = identity{"alice", wire.IAPD, 1}
	bob   = identity{"bob", wire.IAPD, 1}
)

// slot is a lease of the dense pool.
func (s *scene) slot(number uint64) binding.Key {
	pool := onlyPool(s.ledger.reference[0], 0, wire.IAPD)
	slot := pool.Range.Size()
	slot.Lo = number
	return binding.Key{Address: pool.Range.Lease(slot), Length: prefixLength}
}

// wide is an address of the sparse pool.
func (s *scene) wide() binding.Key {
	return binding.Key{Address: onlyPool(s.ledger.reference[0], 0, wire.IANA).Range.First(), Length: 128}
}

// takes lets a client take a lease that a node decided on seconds after the start. Heard are the claims that the node knew.
func (s *scene) takes(who identity, key binding.Key, seconds int64, asked wire.MessageType, heard ...claimed) {
	s.t.Helper()
	s.now = seconds * 1000
	// What the node heard twice, long enough apart, it knows as confirmed.
	for _, c := range heard {
		for _, at := range []int64{0, s.now / 1000} {
			s.nodes[0].site.View.Conflicts.Note(&c.key, peer.Claim{
				Kind: c.who.kind, IAID: c.who.iaid, DUID: []byte(c.who.duid), Since: binding.Time(at), Expires: binding.Never,
			}, true, binding.Time(at))
		}
	}
	r := &reply{node: s.nodes[0], to: &datagram{duid: who.duid}, decided: s.now, heard: heard}
	r.answer = &answer{kind: wire.Reply, ias: []answerIA{
		{kind: who.kind, iaid: who.iaid, leases: []offer{{key, preferredLifetime, validLifetime}}},
	}}
	s.ledger.took(r, asked, true)
}

// want checks the faults so far: the first one has the text, or there is none.
func (s *scene) want(text string) {
	s.t.Helper()
	if text == "" && len(s.faults) > 0 || text != "" && (len(s.faults) == 0 || !strings.Contains(s.faults[0], text)) {
		s.t.Errorf("want %q, got %q", text, s.faults)
	}
}

// TestShared: two clients with one lease are a fault where the node that granted it last knew, and in a sparse pool.
func TestShared(t *testing.T) {
	plain := func(*Options) {}
	heeding := func(o *Options) { o.Observation = true }
	t.Run("one after the other", func(t *testing.T) {
		s := newScene(t, plain)
		s.takes(alice, s.slot(1), 0, wire.Request)
		s.takes(bob, s.slot(1), validLifetime, wire.Request)
		s.want("")
		if s.stats.Duplicates != 0 {
			t.Error("counted as a duplicate")
		}
	})
	t.Run("unknown", func(t *testing.T) {
		s := newScene(t, heeding)
		s.takes(alice, s.slot(1), 0, wire.Request)
		s.takes(bob, s.slot(1), 10, wire.Request)
		s.want("")
		if s.stats.Duplicates != 1 {
			t.Errorf("want 1 duplicate, got %d", s.stats.Duplicates)
		}
	})
	t.Run("heard", func(t *testing.T) {
		s := newScene(t, heeding)
		s.takes(alice, s.slot(1), 0, wire.Request)
		s.takes(bob, s.slot(1), 10, wire.Request, claimed{s.slot(1), alice})
		s.want("had heard")
	})
	t.Run("sparse", func(t *testing.T) {
		s := newScene(t, plain)
		a, b := alice, bob
		a.kind, b.kind = wire.IANA, wire.IANA
		s.takes(a, s.wide(), 0, wire.Request)
		s.takes(b, s.wide(), 10, wire.Request)
		s.want("sparse")
	})
	t.Run("given up", func(t *testing.T) {
		s := newScene(t, heeding)
		s.takes(alice, s.slot(1), 0, wire.Request)
		s.ledger.drop(alice, s.slot(1))
		s.takes(bob, s.slot(1), 10, wire.Request, claimed{s.slot(1), alice})
		s.want("")
	})
}

// TestMending: once both clients of a conflict are confirmed, and a node knows, only one of them goes on with the lease.
func TestMending(t *testing.T) {
	for _, test := range []struct {
		name  string
		loses bool // bob gives the lease up in time
		want  string
	}{{"both keep it", false, "both keep"}, {"one loses it", true, ""}} {
		t.Run(test.name, func(t *testing.T) {
			s := newScene(t, func(o *Options) { o.Observation, o.Mending = true, true })
			s.takes(alice, s.slot(1), 0, wire.Request)
			s.takes(bob, s.slot(1), 10, wire.Request)
			for round := int64(1); round <= 4; round++ {
				s.takes(alice, s.slot(1), round*renewTime, wire.Renew, claimed{s.slot(1), bob})
				if test.loses && round == 2 {
					s.ledger.withdrawn(&reply{node: s.nodes[0], to: &datagram{}}, bob, s.slot(1), true)
				}
				if !test.loses || round < 2 {
					s.takes(bob, s.slot(1), round*renewTime+10, wire.Renew, claimed{s.slot(1), alice})
				}
			}
			s.want(test.want)
		})
	}
}

// TestWithdrawn: a lease that isn't over is taken from nobody, unless the client is the loser of a conflict.
func TestWithdrawn(t *testing.T) {
	s := newScene(t, func(o *Options) { o.Observation, o.Mending = true, true })
	s.takes(alice, s.slot(1), 0, wire.Request)
	s.now += validLifetime*1000 - slack
	s.ledger.withdrawn(&reply{node: s.nodes[0], to: &datagram{}}, alice, s.slot(1), true)
	s.want("") // it is over
	s.takes(alice, s.slot(1), 2*validLifetime, wire.Request)
	s.ledger.withdrawn(&reply{node: s.nodes[0], to: &datagram{}}, alice, s.slot(1), true)
	s.want("withdraws")
}
