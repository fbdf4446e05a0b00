package engine_test

import (
	"net/netip"
	"testing"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/engine"
)

const settleConfig = `
listen: {interfaces: [eth0]}
lifetimes: {preferred: 3000, valid: 4000}
links:
  - name: lan
    match: {interface: eth0}
    addresses: [`

// TestNextViewSettles: a reload notes which pools retire from now on, and what is reserved for somebody from now on; not what did before.
func TestNextViewSettles(t *testing.T) {
	files := []string{
		settleConfig + `{pool: "2001:db8:1::/64", retiring: true}, {pool: "2001:db8:2::/64"}]
    reservations: [{subscriber-id: a, addresses: ["2001:db8:1::a"]}, {subscriber-id: b, addresses: ["2001:db8:1::b"]}]`,
		settleConfig + `{pool: "2001:db8:2::/64", retiring: true}, {pool: "2001:db8:3::/64"}, {pool: "2001:db8:1::/64", retiring: true}]
    reservations: [{subscriber-id: a, addresses: ["2001:db8:1::a"]}, {subscriber-id: c, addresses: ["2001:db8:1::b"]}, {subscriber-id: d, addresses: ["2001:db8:1::d"]}]`,
	}
	const begin = binding.Time(100000)
	before, after := mustCompile(t, files[0], ""), mustCompile(t, files[1], "")
	view := engine.NewView(before, engine.Memory{}, testCapacity)
	view.Tick(begin.Moment())
	next, _ := engine.NextView(view, before, after, engine.Memory{}, begin+100)
	for name, want := range map[string]binding.Time{"2001:db8:1::/64": begin, "2001:db8:2::/64": begin + 100} {
		first := netip.MustParsePrefix(name).Addr().As16()
		for _, pool := range after.Pools {
			if pool.Range.First() != first {
				continue
			}
			if got := next.Settled.Retiring(pool.ID, begin+200); got != want {
				t.Errorf("%s retires since %d, want %d", name, got, want)
			}
		}
	}
	for name, want := range map[string]binding.Time{"2001:db8:1::a": begin, "2001:db8:1::b": begin + 100, "2001:db8:1::d": begin + 100} {
		key := binding.Key{Address: netip.MustParseAddr(name).As16(), Length: 128}
		if got := next.Settled.Reserved(&key, begin+200); got != want {
			t.Errorf("%s is reserved since %d, want %d", name, got, want)
		}
	}
}
