package policy

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/wire"
)

func TestCompileFaults(t *testing.T) {
	clustered := fmt.Sprintf(cluster, twoNodes) + pop1
	broken := input("a")
	broken.Resolve = func(config.Secret) ([]byte, error) { return nil, fmt.Errorf("open cluster.key: no such file") }
	short := input("a")
	short.Resolve = func(config.Secret) ([]byte, error) { return make([]byte, 16), nil }
	tests := []struct {
		name, text string
		in         Input
		want       string
	}{
		{"no node", clustered, input(""), "--node is missing; the cluster's nodes are a, b"},
		{"unknown node", clustered, input("z"), "--node z: the cluster has no such node; its nodes are a, b"},
		{"a node without a cluster", "listen: {interfaces: [eth0]}" + pop1, input("a"), "--node a: the configuration has no cluster"},
		{"no DUID", "listen: {interfaces: [eth0]}" + pop1, Input{}, "the server has no DUID"},
		{"no key", clustered, broken, "test.yaml:4:8: cluster.key: open cluster.key: no such file"},
		{"short key", clustered, short, "cluster.key: the key has 16 octets and must have 32; `lockstep6 key` makes one"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := Compile(parse(t, test.text), test.in)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

// TestFaultsBeyondTheParser: what package config refuses by itself, Compile refuses too when it gets it all the same.
func TestFaultsBeyondTheParser(t *testing.T) {
	tests := []struct {
		name, node string
		change     func(*config.Config)
		want       string
	}{
		{"overlapping pools", "a", func(cfg *config.Config) {
			cfg.Links[0].Addresses = append(cfg.Links[0].Addresses, cfg.Links[0].Addresses[0])
		}, "links[0]: pool 2001:db8:1::/64 part 0 of 2 overlaps pool 2001:db8:1::/64 part 0 of 2 of link pop1"},
		{"not enough slots", "a", func(cfg *config.Config) {
			r := &cfg.Links[0].Prefixes[0].Ranges[0]
			r.Last = r.First
		}, "too few slots to be cut into 2 parts"},
		{"a range that ends before it begins", "a", func(cfg *config.Config) {
			r := &cfg.Links[0].Prefixes[0].Ranges[0]
			r.First, r.Last = r.Last, r.First
		}, "links[0].prefixes[0]: "},
		{"a range per node", "a", func(cfg *config.Config) { cfg.Links[0].Addresses[0].Ranges[0].Node = "a" }, "is for `model: unique`"},
		{"a range of nobody", "a", func(cfg *config.Config) {
			cfg.Cluster.Model = config.Unique
			cfg.Links[0].Addresses[0].Ranges[0].Node = "z"
		}, "the cluster has no node z"},
		{"two ranges of a node", "a", func(cfg *config.Config) {
			cfg.Links[0].Addresses[0].Ranges = append(cfg.Links[0].Addresses[0].Ranges, cfg.Links[0].Addresses[0].Ranges[0])
		}, "several ranges for the same node"},
		{"same DUID", "a", func(cfg *config.Config) {
			duid := address.ServerDUID(cfg.Cluster.ID, "a")
			cfg.Cluster.Nodes[1].DUID = duid[:]
		}, "cluster.nodes[1].duid: node b has the DUID of node a"},
		{"part of two nodes", "a", func(cfg *config.Config) {
			cfg.Cluster.Nodes[0].Parts, cfg.Cluster.Nodes[1].Parts = []int{0, 1}, []int{1}
		}, "cluster.nodes[1].parts[0]: part 1 belongs to node a already"},
		{"no such part", "a", func(cfg *config.Config) { cfg.Cluster.Nodes[0].Parts = []int{2} }, "there is no part 2"},
		{"supplied option of the server's", "a", func(cfg *config.Config) { cfg.Relays.Supplied = []wire.OptionCode{3} }, "a relay can't supply option 3"},
		{"supplied refresh time", "a", func(cfg *config.Config) { cfg.Relays.Supplied = []wire.OptionCode{32} }, "a relay can't supply option 32"},
		{"supplied option far out", "a", func(cfg *config.Config) { cfg.Relays.Supplied = []wire.OptionCode{16384} }, "option 16384 can't be enabled"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cfg := parse(t, fmt.Sprintf(cluster, "model: split\n  "+twoNodes)+pop1)
			test.change(cfg)
			_, err := Compile(cfg, input(test.node))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestSuppliedOptions(t *testing.T) {
	cfg := parse(t, "listen: {interfaces: [eth0]}"+pop1)
	cfg.Relays.Supplied = []wire.OptionCode{65, 16383}
	p, err := Compile(cfg, input(""))
	if err != nil {
		t.Fatal(err)
	}
	for code, want := range map[wire.OptionCode]bool{65: true, 16383: true, 64: false, 1: false, 65535: false} {
		if got := p.isSupplied(code); got != want {
			t.Errorf("option %d is enabled: %v, want %v", code, got, want)
		}
	}
}

func TestFavoured(t *testing.T) {
	names := []string{"a", "b", "c"}
	nodes := func(favour string) (out []*Policy) {
		for _, name := range names {
			out = append(out, compile(t, fmt.Sprintf(cluster, "favour: "+favour+"\n  "+threeNodes)+pop1, name))
		}
		return out
	}
	favoured := func(policies []*Policy, duid []byte) (out []string) {
		for i, p := range policies {
			if p.Favoured(duid) {
				out = append(out, names[i])
			}
		}
		return out
	}
	if diff := cmp.Diff([]string{"a"}, favoured(nodes("preference"), []byte("client"))); diff != "" {
		t.Errorf("by preference (-want +got):\n%s", diff)
	}
	share := map[string]int{}
	rendezvous := nodes("rendezvous")
	for i := range 60 {
		first := favoured(rendezvous, fmt.Appendf(nil, "client %d", i))
		if len(first) != 1 {
			t.Fatalf("client %d has the first nodes %v", i, first)
		}
		share[first[0]]++
	}
	if len(share) != 3 {
		t.Errorf("clients are spread as %v, want all nodes to be somebody's first", share)
	}
	if !compile(t, "listen: {interfaces: [eth0]}"+pop1, "").Favoured([]byte("client")) {
		t.Error("a single node isn't the client's first")
	}
}
