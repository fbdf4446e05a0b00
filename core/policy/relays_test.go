package policy

import (
	"testing"

	"github.com/lockstep6/lockstep6/core/wire"
)

// TestAllows: whoever sent a Relay-forward must be allowed, and each relay that it heard one of; the client's address, which the innermost one
// tells, needn't be. Prefixes may be nested, and the bounds of each are in it.
func TestAllows(t *testing.T) {
	const file = "listen: {interfaces: [eth0]}" + pop1
	p := compile(t, `relays: {allow: ["2001:db8:1::/48", "2001:db8:1:5::/64", "2001:db8:2::9", "2001:db8:1::/48", "ffff:ffff:ffff:ffff::/64"]}`+"\n"+file, "")
	peer := func(address string) wire.Relay { return wire.Relay{PeerAddress: at(address)} }
	client, good, bad := peer("fe80::c"), peer("2001:db8:1::2"), peer("2001:db8:3::2")
	for _, tt := range []struct {
		name   string
		pkt    *wire.Packet
		source string
		want   bool
	}{
		{"no relay", &wire.Packet{}, "fe80::c", true},
		{"a relay", relayed(client), "2001:db8:1::1", true},
		{"the first address", relayed(client), "2001:db8:1::", true},
		{"the last address", relayed(client), "2001:db8:1:ffff:ffff:ffff:ffff:ffff", true},
		{"before the first", relayed(client), "2001:db8:0:ffff:ffff:ffff:ffff:ffff", false},
		{"behind the last", relayed(client), "2001:db8:2::", false},
		{"behind a nested prefix", relayed(client), "2001:db8:1:6::", true},
		{"one address", relayed(client), "2001:db8:2::9", true},
		{"the next one", relayed(client), "2001:db8:2::a", false},
		{"the last address that there is", relayed(client), "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", true},
		{"link-local", relayed(client), "fe80::1", false},
		{"two", relayed(client, good), "2001:db8:1::1", true},
		{"a client's behind an honest one", relayed(client, bad), "2001:db8:1::1", false},
		{"a client's that sends from its link-local address", relayed(client, client), "2001:db8:1::1", false},
		{"one of many", relayed(client, good, bad, good), "2001:db8:1::1", false},
		{"all of many", relayed(client, good, good, good), "2001:db8:1::1", true},
	} {
		source := at(tt.source)
		if got := p.Allows(tt.pkt, &source); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
	anywhere := at("2001:db8:77::1")
	if !compile(t, file, "").Allows(relayed(client, bad), &anywhere) {
		t.Error("without relays.allow a relay is refused")
	}
}
