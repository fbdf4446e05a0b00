package class_test

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/lockstep6/lockstep6/core/class"
	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/wire"
)

// classesOf are the classes of a file's field classes, with the links pop1 and pop2.
func classesOf(t testing.TB, text string) []config.Class {
	t.Helper()
	file := "listen: {interfaces: [eth0]}\nlinks:\n" +
		"  - {name: pop1, match: {interface: eth0}, addresses: [{pool: \"2001:db8:1::/64\"}]}\n" +
		"  - {name: pop2, match: {link-addresses: [\"2001:db8:2::/64\"]}}\nclasses:\n" + text
	cfg, errs := config.Parse("class.yaml", []byte(file))
	if errs != nil {
		t.Fatalf("%v\n%s", errs, file)
	}
	return cfg.Classes
}

func setOf(t testing.TB, conditions ...string) *class.Set {
	t.Helper()
	var b strings.Builder
	for i, c := range conditions {
		fmt.Fprintf(&b, "  - {name: c%d, deny: true, match: %s}\n", i, c)
	}
	return class.Compile(classesOf(t, b.String()))
}

func octets(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func option(code wire.OptionCode, data []byte) []byte { return wire.AppendOption(nil, code, data) }

// items are texts each behind its length, as Vendor Class and User Class have them.
func items(texts ...string) (out []byte) {
	for _, text := range texts {
		out = append(binary.BigEndian.AppendUint16(out, uint16(len(text))), text...)
	}
	return out
}

func enterprise(number uint32, data []byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, number), data...)
}

// packetOf is a Solicit of a DUID with options, behind relays of which the outermost comes first.
func packetOf(t testing.TB, duid []byte, options []byte, relays ...[]byte) *wire.Packet {
	t.Helper()
	m := wire.AppendHeader(nil, wire.Solicit, [3]byte{1, 2, 3})
	m = append(wire.AppendOption(m, wire.OptionClientID, duid), options...)
	for i := len(relays) - 1; i >= 0; i-- {
		outer := append([]byte{byte(wire.RelayForward), 0}, make([]byte, 32)...)
		link := netip.MustParseAddr("2001:db8:2::1").As16()
		if i == 0 {
			copy(outer[2:], link[:])
		}
		m = append(append(outer, relays[i]...), option(wire.OptionRelayMessage, m)...)
	}
	p := new(wire.Packet)
	if drop := p.Parse(m); drop != wire.DropNone {
		t.Fatal(drop)
	}
	return p
}

// modem is a cable modem behind two relays.
func modem(t testing.TB) *wire.Packet {
	t.Helper()
	var o []byte
	o = append(o, option(wire.OptionVendorClass, enterprise(9, items("other")))...)
	o = append(o, option(wire.OptionVendorClass, enterprise(4491, items("docsis3.0", "eRouter1.0")))...)
	o = append(o, option(wire.OptionUserClass, items("iPXE", "lab"))...)
	o = append(o, option(wire.OptionClientArchitecture, octets(t, "0009 0007"))...)
	o = append(o, option(wire.OptionVendorInformation, enterprise(4491, append(option(2, []byte("ECM")), option(2, []byte("EDVA"))...)))...)
	o = append(o, option(wire.OptionORO, octets(t, "0017 003b"))...)
	o = append(o, option(60001, []byte("one"))...)
	o = append(o, option(60001, []byte("two"))...)
	o = append(o, option(60002, nil)...)
	outer := append(option(wire.OptionRemoteID, enterprise(9, []byte("outer"))), option(wire.OptionSubscriberID, []byte("jones"))...)
	outer = append(outer, option(wire.OptionRelayID, octets(t, "0003 0001 020000000077"))...)
	outer = append(outer, option(17, enterprise(6527, []byte("gold")))...)
	inner := append(option(wire.OptionRemoteID, enterprise(4491, []byte("business-17"))), option(wire.OptionInterfaceID, []byte("ge-0/0/1"))...)
	inner = append(inner, option(wire.OptionClientLinkLayer, octets(t, "0001 02005e000001"))...)
	return packetOf(t, octets(t, "0003 0001 020000000009"), o, outer, inner)
}

func TestConditions(t *testing.T) {
	long := strings.Repeat("x", 30)
	for _, tt := range []struct {
		condition string
		want      bool
	}{
		{`{vendor-class: docsis3.0}`, true},
		{`{vendor-class: eRouter1.0}`, true},
		{`{vendor-class: docsis}`, false},
		{`{vendor-class: [nothing, other]}`, true},
		{`{vendor-class: {enterprise: 4491, starts: docsis}}`, true},
		{`{vendor-class: {enterprise: 4491, starts: docsis, ends: "1.0"}}`, false}, // of one and the same item
		{`{vendor-class: {enterprise: 4491, starts: [zz, e], ends: "1.0", contains: [Router]}}`, true},
		{`{vendor-class: {enterprise: 4491, equals: other}}`, false},
		{`{vendor-class: {enterprise: 9}}`, true},
		{`{vendor-class: {enterprise: 10}}`, false},
		{`{vendor-class: {enterprise: 10, present: false}}`, true},
		{`{vendor-class: {present: false}}`, false},
		{`{user-class: lab}`, true},
		{`{user-class: {contains: PX}}`, true},
		{`{user-class: {contains: px}}`, false},
		{`{user-class: {present: false}}`, false},
		{`{user-class: {present: true}}`, true},
		{`{duid: "00:03:00:01:02:00:00:00:00:09"}`, true},
		{`{duid: "00:03:00:01:02:00:00:00:00:08"}`, false},
		{`{duid: {starts: ["00:02", "00030001"]}}`, true},
		{`{duid: {type: ll}}`, true},
		{`{duid: {type: [llt, en, uuid]}}`, false},
		{`{duid: {type: ll, ends: "08"}}`, false},
		{`{hardware-address: {starts: "02:00:5e"}}`, true}, // as the relay saw it, not as the DUID has it
		{`{hardware-address: "02-00-00-00-00-09"}`, false},
		{`{architecture: 7}`, true},
		{`{architecture: [0, 6]}`, false},
		{`{remote-id: business-17}`, true},
		{`{remote-id: outer}`, false}, // the nearest relay's counts
		{`{remote-id: {enterprise: 9, equals: outer}}`, true},
		{`{remote-id: {enterprise: 4491, starts: business-}}`, true},
		{`{remote-id: {enterprise: 8, present: false}}`, true},
		{`{subscriber-id: jones}`, true},
		{`{subscriber-id: "0x6a6f6e6573"}`, true},
		{`{interface-id: {starts: ge-0/0/, ends: "1"}}`, true},
		{`{relay-id: {ends: "77"}}`, true},
		{`{enterprise: 4491}`, true},
		{`{enterprise: [1, 2]}`, false},
		{`{option: {code: 60001}}`, true},
		{`{option: {code: 60001, equals: one}}`, true},
		{`{option: {code: 60001, equals: two}}`, false}, // the first one counts
		{`{option: {code: 60002}}`, true},
		{`{option: {code: 60002, equals: ""}}`, true},
		{`{option: {code: 60002, starts: a}}`, false},
		{`{option: {code: 60003, present: false}}`, true},
		{`{option: {code: client-arch-type, starts: "0x0009"}}`, true},
		{`{option: {code: clientid, ends: "0x09"}}`, true},
		{`{relay-option: {code: 17, contains: gold}}`, true},
		{`{relay-option: {code: 17, relay: 0}}`, false},
		{`{relay-option: {code: 17, relay: 1}}`, true},
		{`{relay-option: {code: 17, relay: 5, present: false}}`, true},
		{`{relay-option: {code: 37, relay: 1, ends: outer}}`, true},
		{`{vendor-option: {enterprise: 4491, code: 2, equals: EDVA}}`, true},
		{`{vendor-option: {enterprise: 4491, code: 3}}`, false},
		{`{vendor-option: {enterprise: 4491, code: 3, present: false}}`, true},
		{`{vendor-option: {enterprise: 9, code: 2}}`, false},
		{`{link: pop2}`, true},
		{`{link: [pop1]}`, false},
		{`{link-addresses: ["2001:db8:1::/64", "2001:db8::/40"]}`, true},
		{`{link-addresses: "2001:db8:3::/64"}`, false},
		{`{requests: boot-file-url}`, true},
		{`{requests: [24, 25]}`, false},
		{`{reserved: true}`, false},
		{`{reserved: false}`, true},
		{`{vendor-class: docsis3.0, link: pop1}`, false},
		{`[{link: pop1}, {vendor-class: docsis3.0}]`, true},
		{`{any: [{link: pop1}, {architecture: 1}]}`, false},
		{`{all: [{option: {code: 60001}}, {option: {code: 60002}}]}`, true},
		{`{all: [{option: {code: 60001}}, {option: {code: 60003}}]}`, false},
		{`{not: {link: pop1}}`, true},
		{`{not: [{link: pop1}, {link: pop2}]}`, false},
		{`{link: pop2, not: {any: [{user-class: nobody}, {all: [{enterprise: 9}, {enterprise: 5}]}]}}`, true},
		{`{vendor-class: {contains: ` + long + `}}`, false},
	} {
		var v class.Evaluator
		set := setOf(t, tt.condition)
		v.Begin(set, modem(t), 1, false)
		if got := v.Is(0); got != tt.want || v.Is(0) != tt.want {
			t.Errorf("%s: %t, want %t", tt.condition, got, tt.want)
		}
	}
}

// TestBareMessage asks everything of a message that says next to nothing, by an evaluator that has seen more.
func TestBareMessage(t *testing.T) {
	set := setOf(t,
		`{vendor-class: {present: true}}`, `{user-class: {present: true}}`, `{option: {code: 60001}}`, `{vendor-option: {enterprise: 4491, code: 2}}`,
		`{architecture: 7}`, `{requests: 59}`, `{remote-id: {present: true}}`, `{relay-option: {code: 17}}`, `{link: [pop1, pop2]}`,
		`{link-addresses: "::/0"}`, `{enterprise: 4491}`, `{hardware-address: {present: true}}`)
	var v class.Evaluator
	v.Begin(set, modem(t), 0, true)
	for i := range set.Len() {
		if !v.Is(i) {
			t.Errorf("class %d doesn't have the modem", i)
		}
	}
	v.Begin(set, packetOf(t, octets(t, "0004 00112233445566778899aabbccddeeff"), nil), -1, false)
	for i := range set.Len() {
		if v.Is(i) {
			t.Errorf("class %d has the bare message", i)
		}
	}
}

// TestClassOfClasses builds on earlier classes, and on the DUID's enterprise number.
func TestClassOfClasses(t *testing.T) {
	set := setOf(t, `{enterprise: 4491}`, `{class: c0, not: {reserved: true}}`, `{class: [c0, c1], duid: {type: en}}`)
	var v class.Evaluator
	v.Begin(set, packetOf(t, octets(t, "0002 0000118b 0102"), nil), -1, true)
	if !v.Is(2) || v.Is(1) || !v.Is(0) {
		t.Errorf("%t %t %t", v.Is(0), v.Is(1), v.Is(2))
	}
	for _, tt := range []struct {
		gate config.Gate
		want bool
	}{
		{config.Gate{}, true}, {config.Gate{Only: []int{1}}, false}, {config.Gate{Only: []int{1, 2}}, true},
		{config.Gate{Except: []int{1}}, true}, {config.Gate{Only: []int{0}, Except: []int{2}}, false},
	} {
		if got := v.Passes(&tt.gate); got != tt.want {
			t.Errorf("%+v: %t", tt.gate, got)
		}
	}
}

// TestBrokenItems: what a vendor put behind its enterprise number needn't be items or suboptions.
func TestBrokenItems(t *testing.T) {
	set := setOf(t, `{vendor-class: x}`, `{vendor-class: {enterprise: 1}}`, `{vendor-option: {enterprise: 1, code: 1}}`, `{vendor-class: {contains: x, enterprise: 1}}`)
	for _, data := range []string{"", "00", "0001", "0002 78", "ffff 78", "0001 0003 78"} {
		o := append(option(wire.OptionVendorClass, enterprise(1, octets(t, data))), option(wire.OptionVendorInformation, enterprise(1, octets(t, data)))...)
		var v class.Evaluator
		v.Begin(set, packetOf(t, octets(t, "0004 00"), o), -1, false)
		if v.Is(0) || !v.Is(1) || v.Is(2) || v.Is(3) {
			t.Errorf("%q: %t %t %t %t", data, v.Is(0), v.Is(1), v.Is(2), v.Is(3))
		}
	}
}

// TestBounds: items behind the 64th, and instances behind the 8th, aren't looked at.
func TestBounds(t *testing.T) {
	set := setOf(t, `{user-class: last}`, `{enterprise: 99}`)
	for _, tt := range []struct {
		items, instances int
		want             [2]bool
	}{{63, 7, [2]bool{true, true}}, {64, 8, [2]bool{}}} {
		texts := append(strings.Split(strings.Repeat("a", tt.items), ""), "last")
		o := option(wire.OptionUserClass, items(texts...))
		for range tt.instances {
			o = append(o, option(wire.OptionVendorClass, enterprise(1, nil))...)
		}
		o = append(o, option(wire.OptionVendorClass, enterprise(99, nil))...)
		var v class.Evaluator
		v.Begin(set, packetOf(t, octets(t, "0004 00"), o), -1, false)
		if got := [2]bool{v.Is(0), v.Is(1)}; got != tt.want {
			t.Errorf("%d items, %d instances: %v", tt.items, tt.instances, got)
		}
	}
}
