package policy

import (
	"testing"

	"github.com/lockstep6/lockstep6/core/wire"
)

// TestNames: links have their rules and reservations their names, and changes tell what they begin and end.
func TestNames(t *testing.T) {
	const links = `
listen: {interfaces: [eth0]}
links:
  - name: a
    match: {interface: eth0}
    addresses: [{pool: "2001:db8:1::/64"}]
    reservations: [{duid: "00010203", addresses: ["2001:db8:1::1"]}]
`
	p := compile(t, links, "")
	if p.Names || p.History || p.Links[0].Naming != nil {
		t.Errorf("without dns: names %v, history %v, rules %v", p.Names, p.History, p.Links[0].Naming)
	}
	p = compile(t, `
listen: {interfaces: [eth0]}
dns: {domain: example.net, zones: [{zone: example.net, servers: ["::1"]}]}
links:
  - name: a
    match: {interface: eth0}
    addresses: [{pool: "2001:db8:1::/64"}]
    reservations: [{duid: "00010203", hostname: printer}, {duid: "00010204", addresses: ["2001:db8:1::1"]}]
  - name: b
    match: {link-addresses: ["2001:db8:2::/64"]}
    dns: {domain: b.example.net}
    addresses: [{pool: "2001:db8:2::/64"}]
`, "")
	if !p.Names || !p.History {
		t.Errorf("names %v, history %v", p.Names, p.History)
	}
	for i, want := range []string{"example.net.", "b.example.net."} {
		if got := p.Links[i].Naming; got.Domain.String() != want || !got.Updates {
			t.Errorf("link %d: %+v", i, got)
		}
	}
	for duid, want := range map[string]string{"\x00\x01\x02\x03": "printer.example.net.", "\x00\x01\x02\x04": "."} {
		r := p.Links[0].Reservation(&wire.Packet{Message: wire.Message{ClientID: []byte(duid)}})
		if r == nil || r.Hostname.String() != want {
			t.Errorf("%x: %+v, want %s", duid, r, want)
		}
	}
}
