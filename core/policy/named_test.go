package policy

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/core/wire"
)

// called is a configuration in which relays name pools.
const called = `
listen: {interfaces: [eth0]}
relays: {named-pools: {preset: nokia, options: [{option: 37, enterprise: 9}, {option: interface-id, tells: prefix-length}, {option: 17, enterprise: 9, suboption: 4, relay: 1, tells: prefix-pool}]}}
links:
  - name: bng
    match: {link-addresses: ["2001:db8:1::/64", "2001:db8:2::/64"]}
    addresses:
      - {pool: "2001:db8:1::/64"}
      - {pool: "2001:db8:2::/64", name: gold, named-only: true}
    prefixes:
      - {pool: "2001:db8:8000::/40", length: 56, name: gold}
      - {pool: "2001:db8:9000::/40", length: 48, name: silver, named-only: true}
  - name: unnumbered
    match: {pool-names: [residential, gold]}
    addresses: [{pool: "2001:db8:20::/64", name: residential}]
    prefixes: [{pool: "2001:db8:b000::/40", length: 56, name: gold}]
`

// vendorOption is a Vendor-specific Information option: an enterprise number, and suboptions by turns of code and data.
func vendorOption(enterprise uint32, suboptions ...any) []byte {
	data := binary.BigEndian.AppendUint32(nil, enterprise)
	for i := 0; i < len(suboptions); i += 2 {
		data = wire.AppendOption(data, wire.OptionCode(suboptions[i].(int)), []byte(suboptions[i+1].(string)))
	}
	return wire.AppendOption(nil, wire.OptionVendorInformation, data)
}

func relayOf(options ...[]byte) wire.Relay {
	var all []byte
	for _, o := range options {
		all = append(all, o...)
	}
	return wire.Relay{Options: all}
}

func TestPoolRequest(t *testing.T) {
	p := compile(t, called, "")
	plain := func(code wire.OptionCode, data string) []byte { return wire.AppendOption(nil, code, []byte(data)) }
	many := make([]any, 0, 2*maxSuboptions+2)
	for range maxSuboptions {
		many = append(many, 9, "")
	}
	cut := vendorOption(6527, 1, "gold")
	binary.BigEndian.PutUint16(cut[4+4+2:], 5) // the suboption's length
	for _, tt := range []struct {
		name                string
		pkt                 *wire.Packet
		addresses, prefixes string
		length              uint8
	}{
		{"a client's own message", relayed(), "", "", 0},
		{"no option", relayed(relayOf()), "", "", 0},
		{"Nokia's", relayed(relayOf(vendorOption(6527, 1, "wan", 2, "pfx", 3, "\x38"))), "wan", "pfx", 56},
		{"another enterprise beside it", relayed(relayOf(vendorOption(6528, 1, "no"), vendorOption(6527, 1, "wan"), vendorOption(6526, 1, "no"))), "wan", "", 0},
		{"in two options", relayed(relayOf(vendorOption(6527, 1, "wan"), vendorOption(6527, 2, "pfx", 1, "no"))), "wan", "pfx", 0},
		{"the suboption twice", relayed(relayOf(vendorOption(6527, 1, "", 1, "wan", 1, "no"))), "wan", "", 0},
		{"NULs behind it", relayed(relayOf(vendorOption(6527, 1, "wan\x00\x00", 2, "\x00"))), "wan", "", 0},
		{"a suboption that runs past the end", relayed(relayOf(cut)), "", "", 0},
		{"a suboption that is cut in its header", relayed(relayOf(plain(17, "\x00\x00\x19\x7f\x00\x01\x00"))), "", "", 0},
		{"no enterprise number", relayed(relayOf(plain(17, "\x00\x00\x19"), plain(37, "\x00"))), "", "", 0},
		{"an enterprise number alone", relayed(relayOf(plain(17, "\x00\x00\x19\x7f"), plain(37, "\x00\x00\x00\x09"))), "", "", 0},
		{"one suboption too many", relayed(relayOf(vendorOption(6527, append(many, 1, "far")...))), "", "", 0},
		{"the last one that is looked at", relayed(relayOf(vendorOption(6527, append(many[2:len(many):len(many)], 1, "near")...))), "near", "", 0},
		{"the nearer relay", relayed(relayOf(vendorOption(6527, 1, "in")), relayOf(vendorOption(6527, 1, "out", 2, "pfx"))), "in", "pfx", 0},
		{"the nearer relay has another enterprise's", relayed(relayOf(vendorOption(9, 1, "no")), relayOf(vendorOption(6527, 1, "out"))), "out", "", 0},
		{"the nearer relay has an empty name", relayed(relayOf(vendorOption(6527, 1, "")), relayOf(vendorOption(6527, 1, "out"))), "out", "", 0},
		{"a Remote-ID for both kinds", relayed(relayOf(plain(37, "\x00\x00\x00\x09both"))), "both", "both", 0},
		{"another's Remote-ID", relayed(relayOf(plain(37, "\x00\x00\x00\x08both"))), "", "", 0},
		{"the first option in the file's order", relayed(relayOf(plain(37, "\x00\x00\x00\x09both"), vendorOption(6527, 1, "wan"))), "wan", "both", 0},
		{"the second relay alone", relayed(relayOf(vendorOption(9, 4, "in")), relayOf(vendorOption(9, 4, "out"))), "", "out", 0},
		{"a length in an Interface-ID", relayed(relayOf(plain(18, "48"))), "", "", 48},
		{"a length in the preset's first", relayed(relayOf(plain(18, "48"), vendorOption(6527, 3, "\x00"), vendorOption(6527, 3, "\x00\x00\x00\x3c"))), "", "", 60},
	} {
		r := p.PoolRequest(tt.pkt)
		if got := [2]string{string(r.Name(wire.IANA)), string(r.Name(wire.IAPD))}; got != [2]string{tt.addresses, tt.prefixes} || r.Length != tt.length {
			t.Errorf("%s: got %q and length %d", tt.name, got, r.Length)
		}
	}
	if r := compile(t, classed, "").PoolRequest(relayed(relayOf(vendorOption(6527, 1, "wan")))); r.Names[0] != nil {
		t.Errorf("without named-pools: %q", r.Names)
	}
}

func TestPrefixLength(t *testing.T) {
	for value, want := range map[string]uint8{
		"\x38": 56, "\x80": 128, "\x81": 0, "\x00": 0, "": 0, "\x00\x38": 56, "\x01\x38": 0, "\x00\x00\x00\x30": 48, "\x01\x00\x00\x30": 0,
		"56": 56, "09": 9, "128": 128, "129": 0, "256": 0, "/56": 0, "+56": 0, "5 ": 0, "00": 0, "1234": 0, "\x00\x00\x00\x00\x38": 0,
	} {
		if got := prefixLength([]byte(value)); got != want {
			t.Errorf("%q: got %d, want %d", value, got, want)
		}
	}
}

// TestPoolChoice: which pools of a link are left, by their order in it.
func TestPoolChoice(t *testing.T) {
	for _, tt := range []struct {
		name                string
		addresses, prefixes string
		length              uint8
		refuse, ignore      string
	}{
		{"nothing", "", "", 0, "a0 p0", "a0 p0"},
		{"names", "gold", "silver", 0, "a1 p1", "a1 p1"},
		{"a name that pools of the other kind have alone", "silver", "gold", 0, "p0", "a0 p0"},
		{"a name that no pool has", "bronze", "bronze", 0, "", "a0 p0"},
		{"a name of another link", "residential", "", 0, "p0", "a0 p0"},
		{"a length", "", "", 56, "a0 p0", "a0 p0"},
		{"a length of named pools alone", "", "", 48, "a0", "a0 p0"},
		{"a name with its length", "", "silver", 48, "a0 p1", "a0 p1"},
		{"a name with another's length", "", "silver", 56, "a0", "a0 p1"},
		{"an unknown name with a length", "", "bronze", 56, "a0", "a0 p0"},
		{"a length that no pool has", "gold", "gold", 60, "a1", "a1 p0"},
	} {
		for unknown, want := range map[string]string{"refuse": tt.refuse, "ignore": tt.ignore} {
			p := compile(t, strings.Replace(called, "preset: nokia", "preset: nokia, unknown: "+unknown, 1), "")
			l := &p.Links[0]
			c := p.PoolChoice(l, &PoolRequest{[2][]byte{[]byte(tt.addresses), []byte(tt.prefixes)}, tt.length})
			var left []string
			for kind, pools := range map[string][]*Pool{"a": l.Addresses, "p": l.Prefixes} {
				for i, pool := range pools {
					if c.Allows(pool) {
						left = append(left, kind+string(rune('0'+i)))
					}
				}
			}
			if diff := cmp.Diff(sortedParts(want), sortedParts(strings.Join(left, " "))); diff != "" {
				t.Errorf("%s, %s (-want +got):\n%s", tt.name, unknown, diff)
			}
		}
	}
}

// TestSelectLinkByName: a name finds the link where nothing nearer does.
func TestSelectLinkByName(t *testing.T) {
	p := compile(t, called, "")
	relay := func(link string, suboptions ...any) *wire.Packet {
		r := relayOf(vendorOption(6527, suboptions...))
		r.LinkAddress = at(link)
		return relayed(r)
	}
	for _, tt := range []struct {
		name string
		pkt  *wire.Packet
		want string
	}{
		{"no link-address", relay("::", 1, "residential"), "unnumbered"},
		{"a link-address that no link has", relay("2001:db8:77::1", 1, "gold"), "unnumbered"},
		{"a link-address", relay("2001:db8:1::1", 1, "residential"), "bng"},
		{"that of prefixes", relay("::", 1, "nobody's", 2, "gold"), "unnumbered"},
		{"a name that no link lists", relay("::", 1, "silver"), ""},
		{"no name", relay("::"), ""},
	} {
		got := ""
		if l := p.SelectLink(tt.pkt, 1); l != nil {
			got = l.Name
		}
		if got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestSelectLinkByRelayID: a Relay-ID alone, with an Interface-ID, and with a link-address.
func TestSelectLinkByRelayID(t *testing.T) {
	links := match("relay", "", "", "")
	links.RelayIDs = [][]byte{[]byte("olt1"), []byte("olt2"), []byte("olt1")}
	both := match("both", "", "", "1/1")
	both.RelayIDs = [][]byte{[]byte("olt2"), []byte("olt3")}
	far := match("far", "", "2001:db8:f::/64", "")
	far.RelayIDs = [][]byte{[]byte("olt4")}
	p := selecting(t, nil, links, both, far, match("port", "", "", "1/1"), match("address", "", "2001:db8:1::/64", ""))
	relay := func(link, relay, id string) wire.Relay {
		return wire.Relay{LinkAddress: at(link), InterfaceID: []byte(id), RelayID: []byte(relay)}
	}
	for _, tt := range []struct {
		name string
		pkt  *wire.Packet
		want string
	}{
		{"alone", relayed(relay("2001:db8:1::1", "olt1", "")), "relay"},
		{"with a port that no link has", relayed(relay("::", "olt2", "1/2")), "relay"},
		{"with a port of another link's", relayed(relay("::", "olt1", "1/1")), "port"},
		{"with its port", relayed(relay("::", "olt2", "1/1")), "both"},
		{"that wants a port", relayed(relay("2001:db8:1::1", "olt3", "")), "address"},
		{"from further out than the port", relayed(relay("::", "", "1/1"), relay("2001:db8:1::1", "olt3", "9")), "both"},
		{"the innermost", relayed(relay("::", "olt1", ""), relay("2001:db8:1::1", "olt4", "")), "relay"},
		{"with its link-address", relayed(relay("2001:db8:f::1", "olt4", "")), "far"},
		{"with another's link-address", relayed(relay("2001:db8:1::1", "olt4", "")), "address"},
		{"its link-address alone", relayed(relay("2001:db8:f::1", "", "")), ""},
		{"unknown", relayed(relay("2001:db8:1::1", "olt9", "")), "address"},
	} {
		got := ""
		if l := p.SelectLink(tt.pkt, 0); l != nil {
			got = l.Name
		}
		if got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestFingerprintOfNames: names and where relays have them decide, and nothing does where relays can't name pools.
func TestFingerprintOfNames(t *testing.T) {
	p := compile(t, called, "")
	text := p.FingerprintText()
	for _, line := range []string{
		"pool-names option 17 enterprise 6527 suboption 1 relay -1 address-pool\n", "pool-names option 37 enterprise 9 suboption 0 relay -1 pool\n",
		"pool-names option 18 relay -1 prefix-length\n", "pool-names option 17 enterprise 9 suboption 4 relay 1 prefix-pool\n",
		" name 676f6c64\n", " name 73696c766572 named-only\n", " pool-name 7265736964656e7469616c\n",
	} {
		if !strings.Contains(text, line) {
			t.Errorf("%q isn't in\n%s", line, text)
		}
	}
	for _, edit := range [][2]string{
		{"preset: nokia", "preset: nokia, unknown: ignore"}, {"preset: nokia, ", ""}, {"enterprise: 9}", "enterprise: 8}"}, {"suboption: 4", "suboption: 5"},
		{"relay: 1, ", ""}, {"tells: prefix-pool", "tells: address-pool"}, {"name: silver", "name: silber"}, {", named-only: true", ""},
		{"[residential, gold]", "[residential]"}, {"interface-id, tells", "subscriber-id, tells"},
	} {
		changed := compile(t, strings.Replace(called, edit[0], edit[1], 1), "")
		if changed.Fingerprint == p.Fingerprint {
			t.Errorf("%s -> %s: the same fingerprint", edit[0], edit[1])
		}
		if c := Compare(p, changed); len(c.Changes) == 0 {
			t.Errorf("%s -> %s: a comparison finds no change", edit[0], edit[1])
		}
	}
	named := strings.Replace(classed, `"2001:db8:1::/64",`, `"2001:db8:1::/64", name: gold,`, 1)
	if was, is := compile(t, classed, ""), compile(t, named, ""); was.Fingerprint != is.Fingerprint || strings.Contains(text, "unknown") {
		t.Error("a name that no relay can use decides something, or the default is told")
	} else if c := Compare(was, is); !cmp.Equal([]string{"names of pools"}, c.Rest) || len(c.Changes) > 0 {
		t.Errorf("a comparison finds %+v", c)
	}
}

// TestPlanOfNames: a plan has pools' names; who names none gets nothing from pools that are for those who do.
func TestPlanOfNames(t *testing.T) {
	plan, err := NewPlan(parse(t, called), input(""), 100)
	if err != nil {
		t.Fatal(err)
	}
	pools := plan.Nodes[0].Links[0].Pools
	if pools[0].Called != "" || pools[1].Called != "gold" || !pools[1].Named || pools[2].Called != "gold" || pools[2].Named {
		t.Errorf("pools are %+v", pools)
	}
	got := plan.WouldGet([]byte{0, 2, 0, 0, 0, 9, 1}, 1, wire.IAPD)
	if len(got) != 2 || got[0].Lease.Bits() != 56 || got[0].Link != "bng" || got[1].Link != "unnumbered" {
		t.Errorf("got %+v", got)
	}
}
