package binding

import (
	"encoding/binary"
	"testing"

	"github.com/lockstep6/lockstep6/core/wire"
)

// TestAhead looks ahead at clients with and without leases, in a table whose lists are long, and finds what it found before.
func TestAhead(t *testing.T) {
	table := newTable(t, Options{Capacity: 4096, buckets: 64})
	h := table.NewHandle()
	defer h.Close()
	var clients []Client
	for i := range 2000 {
		duid := binary.BigEndian.AppendUint32([]byte{0, 3, 0, 1}, uint32(i))
		clients = append(clients, Client{DUID: duid, Kind: wire.IANA, IAID: 7})
		if i%3 == 0 {
			continue
		}
		d := Draft{Key: Key{Length: 128}, Kind: wire.IANA, IAID: 7, DUID: duid, State: Bound, Expires: 1000}
		binary.BigEndian.PutUint32(d.Key.Address[12:], uint32(i))
		h.Enter()
		if _, outcome := h.Publish(nil, &d); outcome != Published {
			t.Fatal(outcome)
		}
		h.Leave()
	}
	clients[0].DUID = make([]byte, MaxDUID+1) // too long: no client's
	for first := 0; first < len(clients); first += 50 {
		h.Enter()
		h.Ahead(clients[first : first+50]) // more than MaxAhead
		for i, c := range clients[first : first+50] {
			if got := len(h.FindClient(c.DUID, c.Kind, c.IAID, nil)); got != 1 && (first+i)%3 != 0 || got != 0 && (first+i)%3 == 0 {
				t.Errorf("client %d has %d leases", first+i, got)
			}
		}
		h.Leave()
	}
	h.Enter()
	defer h.Leave()
	if allocs := testing.AllocsPerRun(10, func() { h.Ahead(clients[100:132]) }); allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
	if h.Pays() {
		t.Error("looking ahead pays in a table of some thousand")
	}
}
