package wire_test

import (
	"bytes"
	"testing"

	"github.com/lockstep6/lockstep6/core/wire"
)

// TestPeek: of what Parse takes Peek finds the same client and first IA, and of any cut or changed datagram nothing that
// lies outside of it.
func TestPeek(t *testing.T) {
	message := wire.AppendHeader(nil, wire.Renew, [3]byte{1, 2, 3})
	message = wire.AppendOption(message, wire.OptionElapsedTime, []byte{0, 0})
	message, mark := wire.OpenIA(message, wire.IAPD, 77)
	message = wire.CloseOption(message, mark)
	message, mark = wire.OpenIA(message, wire.IANA, 5)
	message = wire.CloseOption(message, mark)
	message = wire.AppendOption(message, wire.OptionClientID, []byte{0, 3, 0, 1, 2, 0, 0, 0, 0, 9})
	relayed := message
	for range 3 {
		outer := append([]byte{byte(wire.RelayForward), 0}, make([]byte, 32)...)
		outer = wire.AppendOption(outer, wire.OptionInterfaceID, []byte("ge-0/0/1"))
		relayed = wire.AppendOption(outer, wire.OptionRelayMessage, relayed)
	}
	var p wire.Packet
	for _, b := range [][]byte{message, relayed} {
		if drop := p.Parse(b); drop != wire.DropNone {
			t.Fatal(drop)
		}
		duid, kind, iaid, ok := wire.Peek(b)
		if !ok || !bytes.Equal(duid, p.Message.ClientID) || kind != wire.IAPD || iaid != 77 {
			t.Errorf("%x, kind %v, IAID %d, %v", duid, kind, iaid, ok)
		}
	}
	for end := range relayed {
		if _, _, _, ok := wire.Peek(relayed[:end:end]); ok {
			t.Errorf("a client is found in %d of %d octets", end, len(relayed))
		}
	}
	for at := range relayed {
		b := bytes.Clone(relayed)
		for value := range 256 {
			b[at] = byte(value)
			wire.Peek(b)
		}
	}
	deep := message
	for range wire.MaxRelays + 1 {
		deep = wire.AppendOption(append([]byte{byte(wire.RelayForward), 0}, make([]byte, 32)...), wire.OptionRelayMessage, deep)
	}
	if _, _, _, ok := wire.Peek(deep); ok {
		t.Error("a client is found below more relays than there may be")
	}
}

// TestClientPeer: the peer of a Relay-forward is a client only where no relay has passed it on.
func TestClientPeer(t *testing.T) {
	b := make([]byte, 34)
	b[0], b[18], b[33] = byte(wire.RelayForward), 0xfe, 7
	if peer, ok := wire.ClientPeer(b); !ok || peer != [16]byte{0: 0xfe, 15: 7} {
		t.Errorf("%x, %t", peer, ok)
	}
	direct, passed := append([]byte{byte(wire.Solicit)}, b[1:]...), append([]byte{b[0], 1}, b[2:]...)
	for name, b := range map[string][]byte{"cut short": b[:33], "a client's own": direct, "passed on": passed, "nothing": nil} {
		if peer, ok := wire.ClientPeer(b); ok || peer != [16]byte{} {
			t.Errorf("%s: %x", name, peer)
		}
	}
}
