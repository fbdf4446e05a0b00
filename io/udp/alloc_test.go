//go:build !race

package udp

import (
	"net/netip"
	"testing"

	"github.com/lockstep6/lockstep6/core/worker"
)

// TestNoAllocation: neither direction allocates, with one socket or several, alone or merged.
// The race detector's own allocations would count, so the file isn't built with it.
func TestNoAllocation(t *testing.T) {
	for name, config := range map[string]Config{
		"one socket":  {Workers: 1, Addresses: []netip.AddrPort{loopback(0)}},
		"two sockets": {Workers: 1, Addresses: []netip.AddrPort{loopback(0), loopback(0)}},
		"urgency":     {Workers: 1, Addresses: []netip.AddrPort{loopback(0)}, Urgency: true},
		"GRO":         {Workers: 1, Addresses: []netip.AddrPort{loopback(0)}, GRO: true},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := serve(t, nil, config), serve(t, nil, config)
			e := newEchoer(a, b, worker.BatchSize, 110, 150)
			e.spread = name == "two sockets"
			e.fill()
			if allocs := testing.AllocsPerRun(100, func() { e.round(t) }); allocs != 0 {
				t.Errorf("want 0 allocations for a batch there and back, got %v", allocs)
			}
			if got := a.Stats(); got.Merged == 0 || got.Sent == 0 {
				t.Errorf("nothing was merged: %+v", got.Counters)
			}
		})
	}
}
