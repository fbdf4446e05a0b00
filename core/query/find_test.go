package query

import (
	"testing"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/wire"
)

// A client's leases of different IAIDs all come, whichever of them the index hasn't sorted in yet.
func TestFinderTellsAllIAIDs(t *testing.T) {
	for recent := range 8 {
		w := newWorld(t)
		for i, lease := range []string{"2001:db8:1::1/128", "2001:db8:8000:100::/56", "2001:db8:1::9/128"} {
			key := w.bind(t, 1, lease, uint32(i), 2000)
			for e := range w.index.entries {
				if w.index.entries[e].key == key {
					w.index.entries[e].recent = recent>>i&1 == 1
				}
			}
		}
		for _, q := range []Question{{Type: ByRelayID, DUID: []byte{0, 3, 9, 1}}, {Type: ByRemoteID, RemoteID: []byte{0, 0, 0, 9, 7, 1}}} {
			got := make(map[binding.Key]bool)
			for found, err := range w.Find(&q) {
				if err != nil {
					t.Fatal(err)
				}
				for i := range found.Client {
					got[found.Client[i].Key] = true
				}
			}
			if len(got) != 3 {
				t.Errorf("%v, not sorted in %03b: %d leases, want 3", q.Type, recent, len(got))
			}
		}
	}
}

// Without an index everything is found all the same.
func TestFinderWithoutIndex(t *testing.T) {
	w := newWorld(t)
	w.bind(t, 1, "2001:db8:1::1/128", 1, 2000)
	w.bind(t, 1, "2001:db8:2::1/128", 2, 2000)
	w.bind(t, 2, "2001:db8:1::2/128", 1, 2000)
	w.Index = nil
	w.want(t, "client", Question{Type: ByClientID, DUID: duidOf(1)}, "2001:db8:1:: 2001:db8:1::1/128", "2001:db8:2:: 2001:db8:2::1/128")
	w.want(t, "relay", Question{Type: ByRelayID, DUID: []byte{0, 3, 9, 0}}, "2001:db8:1:: 2001:db8:1::2/128")
	w.want(t, "port", Question{Type: ByRemoteID, RemoteID: []byte{0, 0, 0, 9, 7, 2}}, "2001:db8:1:: 2001:db8:1::2/128")
}

// A lease that no pool has any more, after a reload, is still on the link of its client.
func TestFinderOutsideOfPools(t *testing.T) {
	w := newWorld(t)
	w.Index = nil
	one := addressOf("2001:db8:1::1")
	w.Handle.Enter()
	for _, d := range []binding.Draft{
		{Key: binding.Key{Address: one, Length: 128}, Kind: wire.IANA},
		{Key: binding.Key{Address: addressOf("2001:db8:9000::"), Length: 56}, Kind: wire.IAPD},
	} {
		d.IAID, d.DUID, d.State, d.Expires = 1, duidOf(1), binding.Bound, 2000
		d.Extension = binding.AppendExtension(nil, binding.ExtLinkAddress, one[:])
		if _, outcome := w.Handle.Publish(nil, &d); outcome != binding.Published {
			t.Fatal(outcome)
		}
	}
	w.Handle.Leave()
	w.want(t, "client", Question{Type: ByClientID, DUID: duidOf(1)}, "2001:db8:1::1 2001:db8:1::1/128 2001:db8:9000::/56")
}

// A walk through the table ends when nobody wants the answer any more.
func TestFinderEnds(t *testing.T) {
	w := newWorld(t)
	w.Index = nil
	w.bind(t, 1, "2001:db8:1::1/128", 1, 2000)
	asked := 0
	w.Over = func() bool { asked++; return true }
	for _, q := range []Question{{Type: Everything}, {Type: ByClientID, DUID: duidOf(1)}, {Type: ByRelayID, DUID: []byte{0, 3, 9, 1}}} {
		w.want(t, q.Type.String(), q)
	}
	if asked != 3 {
		t.Errorf("it was asked %d times whether the answer is wanted, want once by each query", asked)
	}
}

// Who asks for IAIDs is told each lease of a link once, with those of the same IAID. Others are told a client's leases together.
func TestFinderByIAID(t *testing.T) {
	w := newWorld(t)
	w.bind(t, 1, "2001:db8:1::1/128", 1, 2000)
	w.bind(t, 1, "2001:db8:8000:100::/56", 1, 2000)
	w.bind(t, 1, "2001:db8:1::9/128", 2, 2000)
	w.bind(t, 1, "2001:db8:2::1/128", 1, 2000) // on the other link
	for i := range w.index.entries {
		w.index.entries[i].recent = false
	}
	q := Question{Type: ByLink, LinkAddress: addressOf("2001:db8:1::")}
	w.want(t, "without IAIDs", q, "2001:db8:1:: 2001:db8:1::1/128 2001:db8:1::9/128 2001:db8:8000:100::/56")
	q.Options = []byte{0, byte(wire.OptionIANA)}
	for text, times := range w.find(t, &q) {
		if times != 1 {
			t.Errorf("%q came %d times", text, times)
		}
	}
	w.want(t, "with IAIDs", q, "2001:db8:1:: 2001:db8:1::1/128 2001:db8:8000:100::/56", "2001:db8:1:: 2001:db8:1::9/128")
}
