package binding

import (
	"testing"

	"pgregory.net/rapid"
)

// TestSetModel works on one list with hashes that collide as no test with real hashes would: equal tags for many
// keys, in an order that isn't the keys'.
func TestSetModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		table, err := New(Options{Capacity: 64, Reserve: 1000, ExtensionBytes: 1, buckets: 1})
		if err != nil {
			t.Fatal(err)
		}
		defer table.Close()
		h, s := table.NewHandle(), &table.clients
		model := map[Key]*node{}
		var key Key
		var hash uint64
		var fresh uint32
		draw := func(t *rapid.T) {
			key = numberedKey(rapid.Uint64Range(1, 9).Draw(t, "key"))
			key.Length -= uint8(key.Address[15] % 2)
			hash = uint64(key.Address[15]%3) * 0x2aaaaaaa // three tags, the largest above most of the space
			slot, ok := h.take(slotEntry)
			if !ok {
				t.Fatal("no slot")
			}
			fresh = slot
			n := s.node(slot)
			n.address = key.Address
			n.stamp.Store(uint64(key.Length))
		}
		h.Enter()
		t.Repeat(map[string]func(*rapid.T){
			"": func(t *rapid.T) {
				for key, want := range model {
					if got := s.get(uint64(key.Address[15]%3)*0x2aaaaaaa, &key); got != want {
						t.Fatalf("get %v: want %p, got %p", key, want, got)
					}
				}
				count := 0
				for word := s.heads[0].Load(); uint32(word) != 0; word = s.node(uint32(word)).next.Load() {
					count++
				}
				if count != len(model) {
					t.Fatalf("want %d nodes in the list, got %d", len(model), count)
				}
			},
			"insert": func(t *rapid.T) {
				draw(t)
				want := model[key] == nil
				if got := s.insert(h, hash, &key, fresh); got != want {
					t.Fatalf("insert %v: want %v, got %v", key, want, got)
				}
				if want {
					model[key] = s.node(fresh)
				} else {
					h.give(slotEntry, fresh)
				}
			},
			"replace": func(t *rapid.T) {
				draw(t)
				old := model[key]
				if old == nil {
					h.give(slotEntry, fresh)
					return
				}
				if !s.replace(h, hash, &key, old, fresh) || s.replace(h, hash, &key, old, fresh) || s.remove(h, hash, &key, old) {
					t.Fatalf("replace %v: want it to work once, and nothing on the old node after", key)
				}
				model[key] = s.node(fresh)
			},
			"remove": func(t *rapid.T) {
				draw(t)
				h.give(slotEntry, fresh)
				if old := model[key]; old != nil {
					if !s.remove(h, hash, &key, old) || s.remove(h, hash, &key, old) {
						t.Fatalf("remove %v: want it to work once", key)
					}
					delete(model, key)
				}
				if got := s.get(hash, &key); got != nil {
					t.Fatalf("get %v after its removal: want nil, got %p", key, got)
				}
			},
			"enter": func(*rapid.T) { h.Enter() },
		})
		h.Close()
	})
}
