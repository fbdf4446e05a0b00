package query

import (
	"testing"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/wire"
)

// Leasequery tells of a registered address as of any other of its client, and a node that catches up which it is.
func TestRegisteredAddressIsTold(t *testing.T) {
	registered := binding.Stored{
		Key: binding.Key{Address: lease, Length: 128}, Kind: wire.Registered, DUID: client, State: binding.Bound,
		Preferred: 100, Valid: 200, LastTransaction: 900, Since: 850, Expires: 1100,
	}
	teller := &Teller{ServerID: func(uint8) []byte { return requestor }}
	for _, associates := range []bool{false, true} {
		q := Question{Type: ByLink}
		if associates {
			q.Options = []byte{0, byte(wire.OptionIANA)}
		}
		b := wire.AppendHeader(nil, wire.LeasequeryReply, [3]byte{})
		a, err := ReadAnswer(AppendClient(b, Client{registered}, &q, 1000, teller))
		if err != nil || len(a.Clients) != 1 || len(a.Clients[0].Leases) != 1 {
			t.Fatalf("%+v, %v", a, err)
		}
		if l := a.Clients[0].Leases[0]; l.Key != registered.Key || l.Valid != 100 || l.Preferred != 0 {
			t.Errorf("told %+v", l)
		}
		told := a.Clients[0].Associations
		if !associates {
			if len(told) != 0 {
				t.Errorf("told %+v unasked", told)
			}
			continue
		}
		if len(told) != 1 || told[0].Kind != wire.Registered || told[0].Key != registered.Key || told[0].ServerID != nil || told[0].Age != 100 || told[0].Start != 850 {
			t.Errorf("told %+v", told)
		}
	}
}

// A registered address is found by itself, by its client beside a lease, and by its link, once.
func TestRegisteredAddressIsFound(t *testing.T) {
	w := newWorld(t)
	w.Index = nil
	w.bind(t, 1, "2001:db8:1::1/128", 0, 2000)
	w.Handle.Enter()
	d := binding.Draft{
		Key: binding.Key{Address: addressOf("2001:db8:1::77"), Length: 128}, Kind: wire.Registered, DUID: duidOf(1), State: binding.Bound,
		Valid: 200, LastTransaction: 900, Since: 900, Expires: 2000,
	}
	if _, outcome := w.Handle.Publish(nil, &d); outcome != binding.Published {
		t.Fatal(outcome)
	}
	w.Handle.Leave()
	both := "2001:db8:1:: 2001:db8:1::1/128 2001:db8:1::77/128"
	w.want(t, "address", Question{Type: ByAddress, Address: d.Key.Address}, both)
	w.want(t, "client", Question{Type: ByClientID, DUID: duidOf(1)}, both)
	w.want(t, "link", Question{Type: ByLink, LinkAddress: addressOf("2001:db8:1::1")}, both)
}
