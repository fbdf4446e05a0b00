package binding

import (
	"encoding/binary"
	"sync"
	"testing"
)

// relayDraft is numberedDraft with a link-address and a Relay-ID of relay number relay.
func relayDraft(n uint64, relay int) Draft {
	d := numberedDraft(n)
	link := binary.BigEndian.AppendUint64([]byte{0x20, 1, 0xd, 0xb8, 0, 0, 0, 0}, uint64(relay))
	d.Extension = AppendExtension(nil, ExtLinkAddress, link)
	d.Extension = AppendExtension(d.Extension, ExtRelayID, numberedDUID(uint64(relay)))
	d.Extension = AppendExtension(d.Extension, ExtInterfaceID, numberedDUID(n)[2:10])
	return d
}

// TestSharedReturn: a relay's address stands once for all of its clients, and comes back as what it is; what is longer stands with each.
func TestSharedReturn(t *testing.T) {
	table := newTable(t, Options{Capacity: 10, Reserve: 1000, ExtensionBytes: 1 << 20, Seed: 3})
	h := table.NewHandle()
	for n := range uint64(3) {
		d := numberedDraft(n)
		d.Extension = AppendExtension(nil, ExtReconfigure, numberedDUID(n)[:10])
		d.Extension = AppendExtension(d.Extension, ExtReturn, []byte("a relay's addres"))
		checkPacked(t, h, d.DUID, d.Extension)
		d.Extension = AppendExtension(nil, ExtReturn, []byte("a relay's address and more"))
		checkPacked(t, h, d.DUID, d.Extension)
	}
	if got := sharedValues(table); got != 1 {
		t.Errorf("want 1 shared piece, got %d", got)
	}
}

// TestSharedPieces lets several goroutines meet the same relays for the first time: each value stands once, and every
// record says what was published. When all leases are gone, the values are still there, and of use.
func TestSharedPieces(t *testing.T) {
	const workers, relays, leases = 4, 40, 500
	table := newTable(t, Options{Capacity: leases, Reserve: 4000, ExtensionBytes: 1 << 20, Seed: 3})
	var wg sync.WaitGroup
	for range workers {
		h, rng := table.NewHandle(), seeded(t)
		wg.Go(func() {
			defer h.Close()
			for round := range 5000 {
				if round%8 == 0 {
					h.Enter()
				}
				d := relayDraft(rng.Uint64N(leases), rng.IntN(relays))
				old := h.Find(&d.Key)
				if old != nil && rng.IntN(4) == 0 {
					h.Remove(old)
				} else if r, outcome := h.Publish(old, &d); outcome == Published && string(r.AppendExtension(nil)) != string(d.Extension) {
					t.Errorf("want extension %x, got %x", d.Extension, r.AppendExtension(nil))
				}
				if d = relayDraft(rng.Uint64N(leases), 0); round%2 == 0 {
					checkRelay(t, h.Find(&d.Key))
				}
			}
			h.Leave()
		})
	}
	wg.Wait()
	audit(t, table)
	if got := sharedValues(table); got != 2*relays {
		t.Errorf("want %d shared pieces, got %d", 2*relays, got)
	}
}

// checkRelay expects an extension that relayDraft made.
func checkRelay(t *testing.T, r *Record) {
	if r == nil {
		return
	}
	e := r.AppendExtension(nil)
	link, _ := e.Find(ExtLinkAddress)
	if len(link) != 16 {
		t.Errorf("extension %x has no link-address", e)
		return
	}
	key := r.Key()
	d := relayDraft(binary.BigEndian.Uint64(key.Address[8:]), int(binary.BigEndian.Uint64(link[8:])))
	if string(e) != string(d.Extension) {
		t.Errorf("want extension %x, got %x", d.Extension, e)
	}
}

func sharedValues(table *Table) (n int) {
	for i := range table.shared {
		if table.shared[i].Load() != 0 {
			n++
		}
	}
	return n
}

// TestSharedFull has more relays than the table of shared pieces has room for: the others' pieces stand in full.
func TestSharedFull(t *testing.T) {
	const leases = 300
	table := newTable(t, Options{Capacity: leases, Seed: 4, buckets: 4}) // so few buckets go with few cells
	h := table.NewHandle()
	for n := range uint64(leases) {
		h.Enter()
		d := relayDraft(n, int(n))
		mustPublish(t, h, nil, &d)
	}
	for n := range uint64(leases) {
		h.Enter()
		d := relayDraft(n, int(n))
		r := h.Find(&d.Key)
		if got := r.AppendExtension(nil); string(got) != string(d.Extension) {
			t.Errorf("want extension %x, got %x", d.Extension, got)
		}
		if again := mustPublish(t, h, r, &d); !again.SharesExtension(r) {
			t.Error("a renewal has a slot of its own")
		}
	}
	if got := sharedValues(table); got != sharedLine {
		t.Errorf("want %d shared pieces, got %d", sharedLine, got)
	}
	h.Close()
	audit(t, table)
}

// TestKeepExtension: a version keeps its predecessor's extension and long DUID, and nothing is kept where there is none.
func TestKeepExtension(t *testing.T) {
	table := newTable(t, Options{Capacity: 10, Seed: 5})
	h := table.NewHandle()
	h.Enter()
	d := relayDraft(1, 1)
	d.DUID = append(numberedDUID(1), make([]byte, 40)...)
	first := mustPublish(t, h, nil, &d)
	kept := d
	kept.Extension, kept.KeepExtension = nil, true
	second := mustPublish(t, h, first, &kept)
	if !second.SharesExtension(first) || string(second.AppendExtension(nil)) != string(d.Extension) {
		t.Errorf("want extension %x, got %x", d.Extension, second.AppendExtension(nil))
	}
	if change := AppendPublished(nil, second, &kept); string(change) != string(AppendChange(nil, second)) {
		t.Errorf("the published change is %x, want %x", change, AppendChange(nil, second))
	}
	kept.DUID = append(numberedDUID(2), make([]byte, 40)...)
	if _, outcome := h.Publish(second, &kept); outcome != Invalid {
		t.Errorf("another client's extension: want invalid, got %v", outcome)
	}
	kept.Key = numberedKey(2)
	if _, outcome := h.Publish(nil, &kept); outcome != Invalid {
		t.Errorf("no extension to keep: want invalid, got %v", outcome)
	}
	h.Close()
	audit(t, table)
}
