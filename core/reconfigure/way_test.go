package reconfigure

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/wire"
)

// relayed makes a Relay-forward, one level for each pair of header and options in hexadecimal, outermost first.
func relayed(t *testing.T, message []byte, levels ...string) []byte {
	t.Helper()
	for i := len(levels) - 1; i >= 0; i-- {
		message = wire.AppendOption(unhex(t, levels[i]), wire.OptionRelayMessage, message)
	}
	return message
}

const (
	hop0     = "0c00" + "20010db8000100000000000000000001" + "fe800000000000000000000000000001" // of the client's relay
	hop1     = "0c01" + "00000000000000000000000000000000" + "20010db80001000000000000000000fe"
	portID   = "00120004" + "706f7274"
	echo     = "002b0002" + "0025" // ERO: give the Remote-ID back
	remoteID = "00250006" + "000000090102"
)

// keep makes what an engine keeps with a binding.
func keep(p *wire.Packet, source *[16]byte, port uint16) binding.Extension {
	e := binding.AppendExtension(nil, binding.ExtPeerAddress, p.Innermost().PeerAddress[:])
	e = binding.AppendExtension(e, binding.ExtLinkAddress, p.Innermost().LinkAddress[:])
	if id := p.Innermost().InterfaceID; len(id) > 0 {
		e = binding.AppendExtension(e, binding.ExtInterfaceID, id)
	}
	return binding.AppendExtension(e, binding.ExtReturn, AppendReturn(nil, source, port, p, e))
}

// TestWayBack: a message goes through the relays that the client's came through, in headers like those of a reply to it.
func TestWayBack(t *testing.T) {
	source := [16]byte{0x20, 1, 0xd, 0xb8, 15: 0xfe}
	reply := []byte{0x0a, 0, 0, 0, 0, 19, 0, 1, 5}
	for name, test := range map[string]struct {
		levels []string
		port   uint16
		kept   int // octets
	}{
		"one relay":                  {[]string{hop0}, wire.ServerPort, 16},
		"one relay with its port":    {[]string{hop0 + portID}, wire.ServerPort, 16},
		"one relay that wants echo":  {[]string{hop0 + remoteID + echo}, wire.ServerPort, 66},
		"one relay at another port":  {[]string{hop0 + "00870002" + "0000"}, 1547, 62},
		"an empty interface-id":      {[]string{hop0 + "00120000"}, wire.ServerPort, 60},
		"two relays":                 {[]string{hop1, hop0 + portID}, wire.ServerPort, 102},
		"two relays that want echos": {[]string{hop1 + remoteID + echo, hop0 + portID}, wire.ServerPort, 112},
	} {
		var p wire.Packet
		if drop := p.Parse(relayed(t, []byte{5, 1, 2, 3}, test.levels...)); drop != wire.DropNone {
			t.Fatalf("%s: %s", name, drop)
		}
		kept := keep(&p, &source, 1547)
		if back, _ := kept.Find(binding.ExtReturn); len(back) != test.kept {
			t.Errorf("%s: %d octets are kept, want %d", name, len(back), test.kept)
		}
		want, marks := wire.OpenRelays(nil, &p)
		want = wire.CloseRelays(append(want, reply...), marks)
		way, got, ok := WayTo(nil, kept, reply)
		if diff := cmp.Diff(Way{Destination: source, Port: test.port}, way); diff != "" || !ok {
			t.Errorf("%s: %v, way (-want +got):\n%s", name, ok, diff)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: datagram (-want +got):\n%s", name, diff)
		}
	}
}

// TestWayDirect: to the client itself, and nowhere where the way isn't known.
func TestWayDirect(t *testing.T) {
	own := binding.AppendExtension(nil, binding.ExtPeerAddress, peer[:])
	way, got, ok := WayTo([]byte{1}, binding.AppendExtension(own, binding.ExtInterface, []byte("eth1")), []byte{2})
	want := Way{Destination: peer, Port: 546, Interface: "eth1"}
	if diff := cmp.Diff(want, way); diff != "" || !ok || string(got) != "\x01\x02" {
		t.Errorf("%v %x, way (-want +got):\n%s", ok, got, diff)
	}
	behind := binding.AppendExtension(binding.AppendExtension(own, binding.ExtLinkAddress, peer[:]), binding.ExtReturn, peer[:])
	way, _, ok = WayTo(nil, binding.AppendExtension(behind, binding.ExtReturnInterface, []byte("eth2")), nil)
	if diff := cmp.Diff(Way{Destination: peer, Port: 547, Interface: "eth2"}, way); diff != "" || !ok {
		t.Errorf("a relay on the link: %v, way (-want +got):\n%s", ok, diff)
	}
	for name, kept := range map[string]binding.Extension{
		"nothing":         nil,
		"no peer":         binding.AppendExtension(nil, binding.ExtReturn, peer[:]),
		"an unkept relay": binding.AppendExtension(own, binding.ExtLinkAddress, peer[:]),
		"no link":         binding.AppendExtension(own, binding.ExtReturn, peer[:]),
		"damage":          binding.AppendExtension(own, binding.ExtReturn, peer[:5]),
	} {
		if way, _, ok := WayTo(nil, kept, nil); ok {
			t.Errorf("%s: %v", name, way)
		}
	}
}
