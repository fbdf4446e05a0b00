package query

import (
	"testing"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/wire"
)

// Leases whose IAIDs aren't known aren't told as those of the client's IAID 0, nor kept back for them.
func TestFinderWithoutIAID(t *testing.T) {
	w := newWorld(t)
	w.Index = nil
	w.bind(t, 1, "2001:db8:1::1/128", 0, 2000)
	w.bind(t, 1, "2001:db8:8000:100::/56", 0, 2000)
	w.Handle.Enter()
	for _, last := range []byte{2, 3} {
		d := binding.Draft{
			Key: binding.Key{Address: addressOf("2001:db8:1::"), Length: 128}, Kind: wire.IANA, DUID: duidOf(1), State: binding.Bound,
			Flags: binding.FlagAnonymous, Owner: 1, LastTransaction: 900, Expires: 2000,
		}
		d.Key.Address[15] = last
		if _, outcome := w.Handle.Publish(nil, &d); outcome != binding.Published {
			t.Fatal(outcome)
		}
	}
	w.Handle.Leave()
	seen := make(map[byte]int)
	for found, err := range w.Find(&Question{Type: ByLink, LinkAddress: addressOf("2001:db8:1::")}) {
		if err != nil {
			t.Fatal(err)
		}
		for i := range found.Client {
			seen[found.Client[i].Key.Address[15]]++
		}
	}
	for _, last := range []byte{0, 1, 2, 3} {
		if seen[last] == 0 {
			t.Errorf("the lease that ends in %d isn't told; those that are: %v", last, seen)
		}
	}
}
