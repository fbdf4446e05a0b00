package agreement

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/insomniacslk/dhcp/dhcpv6"

	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/policy"
	"github.com/lockstep6/lockstep6/core/wire"
)

// cluster is the model's pool of 2^10 slots; %x is the key, %s what `dense:` says.
const cluster = `
cluster:
  id: 5b0e4ad8-3c1f-4f0e-9a57-0d6c2f1b7a11
  key: "%x"
  nodes:
    - {name: a, duid: "00:03:00:01:02:00:00:00:00:00"}
    - {name: b, duid: "00:03:00:01:02:00:00:00:00:01"}
    - {name: c, duid: "00:03:00:01:02:00:00:00:00:02"}
listen: {addresses: ["[::1]:10547"]}
links:
  - name: lan
    match: {link-addresses: ["2001:db8:1::/64"]}
    prefixes: [{pool: "2001:db8:8000::/46", length: 56, dense: %s}]
`

// A server is a node's engine and what it stands on.
type server struct {
	engine *engine.Engine
	site   *engine.Site
	marks  *engine.Marks
	duid   []byte
	writes uint64
}

func newServer(t *testing.T, key address.Key, dense Strategy, node int) *server {
	t.Helper()
	c, faults := config.Parse("cluster.yaml", fmt.Appendf(nil, cluster, key[:], dense))
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	in := policy.Input{Node: string(rune('a' + node)), Resolve: func(config.Secret) ([]byte, error) { return key[:], nil }}
	p, err := policy.Compile(c, in)
	if err != nil {
		t.Fatal(err)
	}
	table, err := binding.New(binding.Options{Capacity: 2 * slots})
	if err != nil {
		t.Fatal(err)
	}
	s := &server{marks: new(engine.Marks), duid: []byte{0, 3, 0, 1, 2, 0, 0, 0, 0, byte(node)}}
	handle := table.NewHandle()
	if s.site, err = engine.NewSite(p, engine.NewView(p, engine.Memory{}, 2*slots), handle, table.Shards()); err != nil {
		t.Fatal(err)
	}
	s.engine = engine.New(handle, s.marks)
	return s
}

// request makes the relayed Request of a client for one prefix, and returns the slot that the Reply gives it.
func (s *server) request(t *testing.T, m *model, id *address.Identity) (slot uint64, ok bool) {
	t.Helper()
	b := append([]byte{byte(wire.RelayForward), 0}, make([]byte, 32)...)
	copy(b[2:], []byte{0x20, 0x01, 0x0d, 0xb8, 0, 1})
	b[18], b[19] = 0xfe, 0x80
	b, outer := wire.OpenOption(b, wire.OptionRelayMessage)
	b = wire.AppendHeader(b, wire.Request, [3]byte{1, 2, 3})
	b = wire.AppendOption(b, wire.OptionClientID, id.DUID)
	b = wire.AppendOption(b, wire.OptionServerID, s.duid)
	b, mark := wire.OpenIA(b, id.Kind, id.IAID)
	b = wire.CloseOption(wire.CloseOption(b, mark), outer)
	s.writes++
	write := engine.NewMark(0, s.writes)
	s.engine.Begin(s.site, 800_000_000_000, write, true, nil)
	result := s.engine.Handle(&engine.Input{Data: b, SourcePort: 547, Listen: 1}, make([]byte, 0, engine.MaxReply))
	s.engine.End()
	s.marks.Settle(write)
	reply, err := dhcpv6.FromBytes(result.Reply)
	if err != nil {
		t.Fatalf("%v; dropped: %s", err, result.Drop)
	}
	inner, err := reply.GetInnerMessage()
	if err != nil {
		t.Fatal(err)
	}
	leases := inner.Options.OneIAPD().Options.Prefixes()
	if len(leases) == 0 {
		return 0, false
	}
	given, ok := m.pool.Slot([16]byte(leases[0].Prefix.IP.To16()))
	if !ok {
		t.Fatalf("%v isn't in the pool", leases)
	}
	return given.Lo, true
}

// TestEngine gives the same clients to three real engines, which see nothing of each other: they must choose what the
// model chooses, client by client, until the pool has had as many as it has slots.
func TestEngine(t *testing.T) {
	for _, strategy := range []Strategy{Agree, Exclusive} {
		for _, spread := range Spreads {
			t.Run(string(strategy)+" "+string(spread), func(t *testing.T) {
				const seed = 11
				m := newModel(Setup{Slots: slots, Nodes: nodes, Strategy: strategy, Spread: spread, Loss: 1, Seed: seed})
				var servers []*server
				for i := range nodes {
					servers = append(servers, newServer(t, newKey(rand.New(rand.NewPCG(seed, 0))), strategy, i))
				}
				for client := range slots {
					at, id := spread.node(client, m), identity(client)
					want, wantOK := m.choose(at, id)
					if got, ok := servers[at].request(t, m, id); got != want && wantOK || ok != wantOK {
						t.Fatalf("client %d at node %d: want slot %d, %v, got %d, %v", client, at, want, wantOK, got, ok)
					}
					if wantOK {
						m.grant(at, want)
					}
				}
			})
		}
	}
}
