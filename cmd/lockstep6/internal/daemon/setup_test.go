package daemon

import (
	"fmt"
	"testing"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/config"
)

// TestCapacityBound: a configuration takes just the capacities that a table takes, so that check refuses what serve would.
func TestCapacityBound(t *testing.T) {
	const settings = `
listen: {interfaces: [eth0]}
links: [{name: lan, match: {interface: eth0}, addresses: [{pool: "2001:db8:1::/64"}]}]
store: {path: /x, capacity: %d}
`
	for capacity, want := range map[int]int{binding.MaxCapacity: 0, binding.MaxCapacity + 1: 1} {
		if _, faults := config.Parse("test.yaml", fmt.Appendf(nil, settings, capacity)); len(faults) != want {
			t.Errorf("capacity %d has %d faults, want %d: %v", capacity, len(faults), want, faults)
		}
	}
}
