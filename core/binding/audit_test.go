package binding

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/lockstep6/lockstep6/core/wire"
)

// newTable returns a table that is given back at the end of the test.
func newTable(t testing.TB, options Options) *Table {
	t.Helper()
	table, err := New(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := table.Close(); err != nil {
			t.Error(err)
		}
	})
	return table
}

// seeded returns a generator whose seed is printed with the test's log.
func seeded(t testing.TB) *rand.Rand {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("seed %#x", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// numberedKey returns the key of the address 2001:db8::n.
func numberedKey(n uint64) Key {
	k := Key{Address: [16]byte{0x20, 0x01, 0x0d, 0xb8}, Length: 128}
	binary.BigEndian.PutUint64(k.Address[8:], n)
	return k
}

// numberedDUID returns a DUID-UUID with n in it.
func numberedDUID(n uint64) []byte {
	d := make([]byte, 18)
	d[1] = 4
	binary.BigEndian.PutUint64(d[2:], n)
	return d
}

// numberedDraft returns a bound lease of client n for address n.
func numberedDraft(n uint64) Draft {
	return Draft{
		Key: numberedKey(n), Kind: wire.IANA, IAID: uint32(n), DUID: numberedDUID(n), State: Bound,
		Preferred: 3000, Valid: 4000, LastTransaction: 1000, Expires: 5000, Since: 1000,
	}
}

// mustPublish publishes where nothing can go wrong.
func mustPublish(t testing.TB, h *Handle, old *Record, draft *Draft) *Record {
	t.Helper()
	r, outcome := h.Publish(old, draft)
	if outcome != Published {
		t.Fatalf("publish: want published, got %v", outcome)
	}
	return r
}

// slotsSeen counts where slots of one kind are, by slot.
type slotsSeen map[uint32]string

func (s slotsSeen) add(t testing.TB, kind string, slot uint32, where string) {
	t.Helper()
	if slot == 0 && kind != "extension" {
		t.Errorf("%s slot 0 in %s", kind, where)
	}
	if before, twice := s[slot]; twice {
		t.Errorf("%s slot %d is in %s and in %s", kind, slot, before, where)
	}
	s[slot] = where
}

// audit checks all invariants of a table that nobody is working on: the lists' order, one record per lease,
// one entry per record and none beside, and that every slot is in exactly one place.
func audit(t testing.TB, table *Table) {
	t.Helper()
	seen := [3]slotsSeen{{}, {}, {}}
	live := auditSet(t, table, &table.records, "record", seen[0])
	entries := auditSet(t, table, &table.clients, "entry", seen[1])
	if got := table.live.Load(); got != int64(len(live)) {
		t.Errorf("live: want %d records, got %d", len(live), got)
	}
	if len(entries) != len(live) {
		t.Errorf("client entries: want %d, got %d", len(live), len(entries))
	}
	anonymous := int64(0)
	for _, n := range live {
		r := recordOf(n)
		if r.Anonymous() {
			anonymous++
		}
		if r.Version() == 0 {
			t.Errorf("record of %v has no version", r.Key())
		}
		if slot := table.extensionSlot(r); slot != 0 {
			seen[2].add(t, "extension", slot-1, "a record")
		}
		key, found := r.Key(), false
		for _, e := range entries {
			if e == table.clients.get(table.recordClient(r), &key) {
				found = e.stamp.Load()&deadBit == 0
				break
			}
		}
		if !found {
			t.Errorf("record of %v has no entry", r.Key())
		}
	}
	if got := table.anonymous.Load(); got != anonymous {
		t.Errorf("anonymous: want %d, got %d", anonymous, got)
	}
	auditShared(t, table, seen[2])
	auditSlots(t, table, seen)
}

// auditShared checks that every shared piece stands once.
func auditShared(t testing.TB, table *Table, seen slotsSeen) {
	t.Helper()
	values := map[string]bool{}
	for i := range table.shared {
		word := table.shared[i].Load()
		if word == 0 {
			continue
		}
		seen.add(t, "extension", uint32(word)-1, "the shared pieces")
		value := string(table.blobIn(uint32(word) - 1).rest)
		if values[value] {
			t.Errorf("shared piece %x stands twice", value)
		}
		values[value] = true
	}
}

// auditSet returns the nodes of a set in which nothing marked may be left.
func auditSet(t testing.TB, table *Table, s *set, name string, seen slotsSeen) (nodes []*node) {
	t.Helper()
	h := table.NewHandle()
	defer h.Close()
	h.Enter()
	for bucket := range s.heads {
		var before *node
		var tag uint64
		for word := s.heads[bucket].Load(); uint32(word) != 0; {
			n := s.node(uint32(word))
			key := Key{Address: n.address, Length: n.length()}
			if n.next.Load()&markBit != 0 {
				t.Errorf("%s of %v is marked and still linked", name, key)
			}
			if before != nil && (tagIn(word) < tag || tagIn(word) == tag && before.compare(&key) >= 0) {
				t.Errorf("%s of %v is out of order", name, key)
			}
			seen.add(t, name, uint32(word), "the set")
			before, tag = n, tagIn(word)
			nodes = append(nodes, n)
			word = n.next.Load() &^ markBit
		}
	}
	return nodes
}

// auditSlots checks that the slots which the free maps call taken are exactly those that somebody has.
func auditSlots(t testing.TB, table *Table, seen [3]slotsSeen) {
	t.Helper()
	index := func(kind slotKind) int { return int(min(kind, slotExtension)) }
	names := [3]string{"record", "entry", "extension"}
	limbos := table.orphans
	for _, h := range *table.handles.Load() {
		limbos = append(limbos, h.limbo)
		for kind := range slotKinds {
			for _, slot := range h.caches[kind].slots[:h.caches[kind].count] {
				seen[index(kind)].add(t, names[index(kind)], slot, "a cache")
			}
		}
	}
	for _, l := range limbos {
		for i := range l.count {
			r := l.ring[(l.first+i)&uint64(len(l.ring)-1)]
			seen[index(r.kind)].add(t, names[index(r.kind)], r.slot, "limbo")
		}
	}
	stats := table.Stats()
	if stats.Records != int64(len(seen[0])) {
		t.Errorf("record slots: %d taken, %d accounted for", stats.Records, len(seen[0]))
	}
	if stats.Entries != int64(len(seen[1])) {
		t.Errorf("entry slots: %d taken, %d accounted for", stats.Entries, len(seen[1]))
	}
	var octets int64
	for unit := range seen[2] {
		octets += extensionUnit * int64(classUnits[table.shelf.class(unit)])
	}
	if stats.ExtensionBytes != octets {
		t.Errorf("extension octets: %d taken, %d accounted for", stats.ExtensionBytes, octets)
	}
}
