//go:build !race

package policy

import (
	"fmt"
	"strings"
	"testing"

	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/wire"
)

// TestNothingIsAllocatedPerPacket asks all that the engine asks per packet.
// Not under the race detector, which allocates by itself.
func TestNothingIsAllocatedPerPacket(t *testing.T) {
	p := compile(t, fmt.Sprintf(cluster, "model: split\n  "+twoNodes)+pop1+`
      - {remote-id: line, addresses: ["2001:db8:1::20"]}
      - {hardware: "02:00:00:00:00:09", prefixes: ["2001:db8:80ff::/56"]}
      - {subscriber-id: smith, addresses: ["2001:db8:1::21"]}
`, "a")
	p.supplied[1] |= 1 << 1
	q := compile(t, strings.Replace(called, "pool-names: [", `relay-ids: ["00:04:77"], pool-names: [`, 1), "")
	request := q.PoolRequest(relayed(relayOf(vendorOption(6527, 1, "gold", 2, "silver", 3, "\x30"))))
	unnumbered := relayed(relayOf(vendorOption(6527, 1, "residential")))
	unnumbered.Relays[0].RelayID, unnumbered.Relays[0].InterfaceID = []byte{0, 4, 0x78}, []byte("port")
	if l := q.SelectLink(unnumbered, 1); l == nil || request.Length != 48 {
		t.Fatal("no link, or no length")
	}
	l := &p.Links[0]
	own := set(t, []config.Option{opt(23, false, 1), opt(24, true, 1), opt(56, false, 1)}, Options{})
	pkt := relayed(
		wire.Relay{LinkAddress: at("2001:db8:1::1"), InterfaceID: []byte("port"), RemoteID: []byte("\x00\x00\x00\x09other"),
			SubscriberID: []byte("jones"), RSOO: opt(65, false, 1).Encoded},
		wire.Relay{})
	pkt.Message = wire.Message{Type: wire.Request, ClientID: []byte("\x00\x03\x00\x01\x02\x00\x00\x00\x00\x07"), ORO: oro(23, 24, 56, 65)}
	addr, prefix := at("2001:db8:1::5"), at("2001:db8:8000::")
	dst := make([]byte, 0, 256)
	l.Prefixes[0].Cut = &config.Cut{Length: 64, ID: 1}
	allowing := compile(t, "relays: {allow: [\"2001:db8::/32\"]}\nlisten: {interfaces: [eth0]}"+pop1, "")
	for name, ask := range map[string]func(){
		"SelectLink":        func() { p.SelectLink(pkt, 1) },
		"Reservation":       func() { l.Reservation(pkt) },
		"Reserved":          func() { l.Reserved(&addr, 128); l.Reserved(&prefix, 56) },
		"Append":            func() { dst = own.Append(dst[:0], &pkt.Message) },
		"AppendSupplied":    func() { dst = p.AppendSupplied(dst[:0], Layers{&own}, pkt) },
		"Appropriate":       func() { l.Appropriate(&addr) },
		"AppropriatePrefix": func() { l.AppropriatePrefix(&prefix, 56) },
		"OwnPool":           func() { l.OwnPool(wire.IANA, &addr, 128) },
		"SiblingPool":       func() { l.SiblingPool(wire.IAPD, &prefix, 56) },
		"PoolOf":            func() { p.PoolOf(wire.IAPD, &prefix, 56) },
		"ExcludeData":       func() { dst = l.Prefixes[0].ExcludeData(dst[:0], &prefix) },
		"NodeOf":            func() { p.NodeOf(pkt.Message.ClientID) },
		"PoolRequest":       func() { q.PoolRequest(unnumbered) },
		"PoolChoice":        func() { q.PoolChoice(&q.Links[0], &request) },
		"linkNamed":         func() { q.SelectLink(unnumbered, 1) },
		"Allows":            func() { allowing.Allows(unnumbered, &addr) },
		"Favoured":          func() { p.Favoured(pkt.Message.ClientID) },
	} {
		if got := testing.AllocsPerRun(200, ask); got != 0 {
			t.Errorf("%s: %v allocations", name, got)
		}
	}
	if len(dst) == 0 {
		t.Error("nothing was appended")
	}
}
