package engine_test

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/lockstep6/lockstep6/core/binding"
)

// TestOutgoingLeaseIsDurable: the rest of a lease in a retiring pool is told only with a write of it, where an earlier one is still on its way,
// also where the reply waits for another lease's write anyway.
func TestOutgoingLeaseIsDurable(t *testing.T) {
	policies := narrowPolicies(t)
	s := sessionOver(t, policies[0], binding.Options{Capacity: 1024})
	s.autoSync = false
	has := leasesOf(t, s.does(t, 9, "request\nserver=ours\nna=1\nna=2"))
	if len(has) != 2 {
		t.Fatalf("the client has %v", has)
	}
	s.settle()
	renew := "renew\nserver=ours"
	for _, l := range has {
		renew += fmt.Sprintf("\nna=%d %s", l.iaid, netip.AddrFrom16(l.key.Address))
	}
	s.now += 600
	s.does(t, 9, renew) // written, and not yet durable
	s.install(t, policies[2])
	for client := range 3 {
		s.does(t, 20+client, "request\nserver=ours\nna=1")
	}
	s.now += 10
	told := leasesOf(t, s.does(t, 9, renew))
	written := make(map[binding.Key]bool)
	forEachChange(t, s.engine.Changes, func(key binding.Key, _ uint64, _ []byte) { written[key] = true })
	for _, l := range told {
		if !written[l.key] {
			t.Errorf("%v is told, and nothing of it written", l)
		}
	}
	if len(told) != 3 {
		t.Errorf("the client is told %v, want two leases that end and the last free one", told)
	}
}
