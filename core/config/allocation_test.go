package config_test

import (
	"slices"
	"testing"

	"github.com/lockstep6/lockstep6/core/config"
)

// TestAllocationIsInherited holds that a pool's own word comes before the global one, in a single node and in the split model.
func TestAllocationIsInherited(t *testing.T) {
	const links = `
links:
  - name: lan
    match: {interface: eth0}
    addresses: [{pool: "2001:db8:1::/64"}, {pool: "2001:db8:2::/64", allocation: hash}, {pool: "2001:db8:3::/64", allocation: sequential}]
    prefixes: [{pool: "2001:db8:8000::/40", length: 56}, {pool: "2001:db8:9000::/40", length: 56, allocation: sequential}]
listen: {interfaces: [eth0]}
`
	const split = `
cluster: {id: 5b0e4ad8-3c1f-4f0e-9a57-0d6c2f1b7a11, key: file:k, model: split, nodes: [{name: a}, {name: b}]}
`
	const hash, sequential = config.AllocateHash, config.AllocateSequential
	for text, want := range map[string][]config.Allocation{
		links:                                      {hash, hash, sequential, hash, sequential},
		"allocation: hash\n" + links:               {hash, hash, sequential, hash, sequential},
		"allocation: sequential\n" + links:         {sequential, hash, sequential, sequential, sequential},
		split + "allocation: sequential\n" + links: {sequential, hash, sequential, sequential, sequential},
	} {
		link := &parse(t, text).Links[0]
		var got []config.Allocation
		for _, pool := range slices.Concat(link.Addresses, link.Prefixes) {
			got = append(got, pool.Allocation)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s\n%v, want %v", text, got, want)
		}
	}
}

// TestSequentialPoolIsNotDense holds that dense counts for nothing in a sequential pool, and that this is said.
func TestSequentialPoolIsNotDense(t *testing.T) {
	cfg := parse(t, `
links:
  - name: lan
    match: {interface: eth0}
    prefixes: [{pool: "2001:db8:8000::/40", length: 56, dense: exclusive, allocation: sequential}]
listen: {interfaces: [eth0]}
`)
	if cfg.Links[0].Prefixes[0].Dense != config.DenseAgree {
		t.Error("the pool is exclusive")
	}
	if len(cfg.Warnings) != 1 || cfg.Warnings[0].Field != "links[0].prefixes[0].dense" {
		t.Errorf("warnings: %v", cfg.Warnings)
	}
}
