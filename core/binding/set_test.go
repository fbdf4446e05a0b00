package binding

import (
	"testing"

	"pgregory.net/rapid"
)

// A setMachine compares one list with a plain map. Its hashes collide as no test with real hashes would: equal tags
// for many keys, in an order that isn't the keys'.
type setMachine struct {
	h     *Handle
	set   *set
	model map[Key]*node
}

// collidingHash gives one of three tags, the largest above most of the space.
func collidingHash(key *Key) uint64 { return uint64(key.Address[15]%3) * 0x2aaaaaaa }

// draw returns a key and a slot with a node for it.
func (m *setMachine) draw(t *rapid.T) (key Key, slot uint32) {
	key = numberedKey(rapid.Uint64Range(1, 9).Draw(t, "key"))
	key.Length -= key.Address[15] % 2
	slot, ok := m.h.take(slotEntry)
	if !ok {
		t.Fatal("no slot")
	}
	n := m.set.node(slot)
	n.address = key.Address
	n.stamp.Store(uint64(key.Length))
	return key, slot
}

func (m *setMachine) check(t *rapid.T) {
	for key, want := range m.model {
		if got := m.set.get(collidingHash(&key), &key); got != want {
			t.Fatalf("get %v: want %p, got %p", key, want, got)
		}
	}
	count := 0
	for word := m.set.heads[0].Load(); uint32(word) != 0; word = m.set.node(uint32(word)).next.Load() {
		count++
	}
	if count != len(m.model) {
		t.Fatalf("want %d nodes in the list, got %d", len(m.model), count)
	}
}

func (m *setMachine) insert(t *rapid.T) {
	key, fresh := m.draw(t)
	want := m.model[key] == nil
	if got := m.set.insert(m.h, collidingHash(&key), &key, fresh); got != want {
		t.Fatalf("insert %v: want %v, got %v", key, want, got)
	}
	if want {
		m.model[key] = m.set.node(fresh)
	} else {
		m.h.give(slotEntry, fresh)
	}
}

func (m *setMachine) replace(t *rapid.T) {
	key, fresh := m.draw(t)
	hash, old := collidingHash(&key), m.model[key]
	if old == nil {
		m.h.give(slotEntry, fresh)
		return
	}
	if !m.set.replace(m.h, hash, &key, old, fresh) {
		t.Fatalf("replace %v: want true", key)
	}
	if m.set.remove(m.h, hash, &key, old) {
		t.Fatalf("remove %v, which was replaced: want false", key)
	}
	m.model[key] = m.set.node(fresh)
}

func (m *setMachine) remove(t *rapid.T) {
	key, spare := m.draw(t)
	m.h.give(slotEntry, spare)
	hash, old := collidingHash(&key), m.model[key]
	if old != nil {
		if !m.set.remove(m.h, hash, &key, old) || m.set.remove(m.h, hash, &key, old) {
			t.Fatalf("remove %v: want it to work once", key)
		}
		delete(m.model, key)
	}
	if got := m.set.get(hash, &key); got != nil {
		t.Fatalf("get %v after its removal: want nil, got %p", key, got)
	}
}

func TestSetModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		table, err := New(Options{Capacity: 64, Reserve: 1000, ExtensionBytes: 1, buckets: 1})
		if err != nil {
			t.Fatal(err)
		}
		defer table.Close()
		m := &setMachine{h: table.NewHandle(), set: &table.clients, model: map[Key]*node{}}
		m.h.Enter()
		t.Repeat(map[string]func(*rapid.T){
			"": m.check, "insert": m.insert, "replace": m.replace, "remove": m.remove,
			"enter": func(*rapid.T) { m.h.Enter() },
		})
		m.h.Close()
	})
}
