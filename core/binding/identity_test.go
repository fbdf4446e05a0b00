package binding

import (
	"encoding/binary"
	"testing"

	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/wire"
)

func derivedDraft(id *address.Identity, duid string, iaid uint32, last byte) Draft {
	extension := AppendExtension(nil, ExtRemoteID, []byte("port"))
	return Draft{
		Key:  Key{Address: [16]byte{0x20, 1, 15: last}, Length: 128},
		Kind: wire.IANA, IAID: iaid, DUID: []byte(duid), State: Bound, Flags: FlagDerived, Expires: 100,
		Extension: AppendExtension(extension, ExtIdentity, AppendIdentity(nil, id)),
	}
}

// A record of a derived identity is found by that, whatever DUID its client has, and shows the DUID; who has the identity's octets
// as DUID is somebody else.
func TestDerivedIdentity(t *testing.T) {
	h := newTable(t, Options{Capacity: 10}).NewHandle()
	defer h.Close()
	h.Enter()
	defer h.Leave()
	id := address.Identity{DUID: []byte{0xff, 0xff, 2, 1, 2, 3}, IAID: 1, Kind: wire.IANA, Derived: true}
	finds := func(want bool) *Record {
		t.Helper()
		found := h.FindIdentity(&id, nil)
		if (len(found) == 1) != want {
			t.Fatalf("%d records of the identity", len(found))
		}
		if len(found) == 0 {
			return nil
		}
		return found[0]
	}
	draft := derivedDraft(&id, "one", 7, 1)
	if h.HasDerived() {
		t.Fatal("an empty table has derived records")
	}
	if _, outcome := h.Publish(nil, &draft); outcome != Published || !h.HasDerived() {
		t.Fatal(outcome)
	}
	r := finds(true)
	if string(r.DUID()) != "one" || r.IAID() != 7 || !r.Says([]byte("one"), wire.IANA, 7) {
		t.Error("the record doesn't show what its client said")
	}
	for _, other := range []address.Identity{{DUID: id.DUID, IAID: 1, Kind: wire.IANA}, {DUID: []byte("one"), IAID: 7, Kind: wire.IANA}, {DUID: id.DUID, Kind: wire.IANA, Derived: true}, {DUID: id.DUID, IAID: 1, Kind: wire.IAPD, Derived: true}} {
		if r.BelongsTo(&other) || len(h.FindIdentity(&other, nil)) > 0 {
			t.Errorf("the record belongs to %v", other)
		}
	}
	if r.Belongs(id.DUID, wire.IANA, 1) || r.Belongs([]byte("one"), wire.IANA, 7) {
		t.Error("the record belongs to a DUID")
	}

	// Another stage of the client, with a DUID that doesn't fit the record.
	draft = derivedDraft(&id, "another one, which is a long DUID", 9, 1)
	if _, outcome := h.Publish(r, &draft); outcome != Published {
		t.Fatal(outcome)
	}
	if r = finds(true); r.IAID() != 9 || r.Says([]byte("one"), wire.IANA, 7) {
		t.Error("the record shows the DUID of an earlier stage")
	}

	// What it is in the store.
	change := AppendChange(nil, r)
	key, value, _, _ := NextChange(change)
	s, err := DecodeValue(key, value)
	if own := s.Identity(); err != nil || !own.Equal(&id) || s.IAID != 9 {
		t.Errorf("stored: %v, %v", own, err)
	}

	// It becomes a client of its DUID again.
	draft.Flags, draft.KeepExtension = 0, true
	r, outcome := h.Publish(r, &draft)
	if outcome != Published || h.HasDerived() {
		t.Fatal(outcome, h.HasDerived())
	}
	finds(false)
	if !r.Belongs(draft.DUID, wire.IANA, 9) || len(h.FindClient(draft.DUID, wire.IANA, 9, nil)) != 1 {
		t.Error("the record isn't found by its DUID")
	}
}

// A flag without an identity can't be published, and isn't accepted from the store.
func TestDerivedNeedsIdentity(t *testing.T) {
	h := newTable(t, Options{Capacity: 10}).NewHandle()
	defer h.Close()
	id := address.Identity{DUID: []byte{0xff, 0xff, 2, 1}, Kind: wire.IANA, Derived: true}
	good := derivedDraft(&id, "one", 7, 1)
	h.Enter()
	r, _ := h.Publish(nil, &good)
	for name, spoil := range map[string]func(*Draft){
		"no piece":    func(d *Draft) { d.Extension = nil },
		"short piece": func(d *Draft) { d.Extension = AppendExtension(nil, ExtIdentity, make([]byte, 4)) },
		"long piece":  func(d *Draft) { d.Extension = AppendExtension(nil, ExtIdentity, make([]byte, 28)) },
		"anonymous":   func(d *Draft) { d.Flags, d.IAID = d.Flags|FlagAnonymous, 0 },
		"nothing":     func(d *Draft) { d.Extension, d.KeepExtension, d.Key.Address[15] = nil, true, 2 },
	} {
		draft, old := derivedDraft(&id, "one", 7, 1), r
		spoil(&draft)
		if draft.KeepExtension {
			old = nil
		}
		if _, outcome := h.Publish(old, &draft); outcome != Invalid {
			t.Errorf("%s: %v", name, outcome)
		}
	}
	change := AppendChange(nil, r)
	h.Leave()
	key, value, _, _ := NextChange(change)
	value = append([]byte(nil), value...)
	at := len(value) - 8 // the piece's kind becomes another
	if binary.BigEndian.Uint16(value[at-2:]) != 8 {
		t.Fatal("the identity isn't the value's last piece")
	}
	value[at-3] = byte(ExtClientOptions)
	if _, err := DecodeValue(key, value); err == nil {
		t.Error("a derived record without identity was accepted")
	}
}
