package binding

import (
	"testing"

	"github.com/lockstep6/lockstep6/core/wire"
)

// A registered address is stored and read back, is no lease of the client's IA_NA with the IAID 0, and counts for its client while
// it lives.
func TestRegistered(t *testing.T) {
	table := newTable(t, Options{Capacity: 16})
	h := table.NewHandle()
	h.Enter()
	defer h.Close()
	duid := []byte{0, 3, 0, 1, 2, 0, 0, 0, 0, 1}
	for n := range byte(3) {
		d := Draft{
			Key: Key{Address: [16]byte{0x20, 1, 15: n}, Length: 128}, Kind: wire.Registered, DUID: duid, State: Bound,
			Preferred: 50, Valid: 100, LastTransaction: 900, Expires: 1000 + Time(n), Since: 800,
		}
		r, outcome := h.Publish(nil, &d)
		if outcome != Published || !r.Registered() || r.Belongs(duid, wire.IANA, 0) {
			t.Fatalf("%v, %+v", outcome, r)
		}
		key, value, _, err := NextChange(AppendChange(nil, r))
		if err != nil {
			t.Fatal(err)
		}
		got, err := DecodeValue(key, value)
		if err != nil || got.Kind != wire.Registered || got.Key != d.Key || got.Expires != d.Expires || string(got.DUID) != string(duid) {
			t.Errorf("%+v, %v", got, err)
		}
	}
	for now, want := range map[Time]int{999: 3, 1000: 2, 1001: 1, 1002: 0} {
		if live, all := h.Registrations(duid, now); live != want || all != 3 {
			t.Errorf("at %d: %d of %d live, want %d of 3", now, live, all, want)
		}
	}
	if _, all := h.Registrations([]byte{0, 3, 0, 1, 2, 0, 0, 0, 0, 2}, 999); all != 0 {
		t.Errorf("another client has %d", all)
	}
	prefix := Draft{Key: Key{Address: [16]byte{0x20, 2}, Length: 64}, Kind: wire.Registered, DUID: duid, State: Bound, Expires: 2000}
	if _, outcome := h.Publish(nil, &prefix); outcome != Invalid {
		t.Errorf("a registered prefix: %v", outcome)
	}
}
