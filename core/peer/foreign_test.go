package peer_test

import (
	"encoding/binary"
	"testing"
)

// TestForeignServers: servers are counted by link; of too many the first ones stay, until they weren't named for a day.
func TestForeignServers(t *testing.T) {
	v := newView(2, 1000)
	v.Foreign.Heard([]byte("kea"), 0, begin)
	v.Foreign.Heard([]byte("kea"), 0, begin+9)
	v.Foreign.Heard([]byte("kea"), 1, begin)
	s := v.Foreign.Servers()
	if len(s) != 2 || s[0].Messages != 2 || s[0].Last != begin+9 || s[1].Link != 1 || v.Foreign.Total() != 3 {
		t.Errorf("got %+v", s)
	}
	for i := range uint32(300) {
		v.Foreign.Heard(binary.BigEndian.AppendUint32(nil, i), 0, begin+100)
	}
	if n := len(v.Foreign.Servers()); n != 256 || v.Foreign.Total() != 303 {
		t.Errorf("want 256 of 303, got %d of %d", n, v.Foreign.Total())
	}
	v.Foreign.Heard([]byte("new"), 0, begin+100_000)
	for _, s := range v.Foreign.Servers() {
		if string(s.ServerID) == "new" && s.Messages == 1 {
			return
		}
	}
	t.Error("a new server finds no place though none was named for a day")
}
