package class_test

import (
	"testing"

	"github.com/lockstep6/lockstep6/core/class"
	"github.com/lockstep6/lockstep6/core/wire"
)

// FuzzIs asks for every kind of class of any message that can be read. Nothing panics, and each answer is the same when it is asked
// for again, and by another evaluator in another order.
func FuzzIs(f *testing.F) {
	set := setOf(f,
		`{vendor-class: {enterprise: 4491, starts: docsis, ends: "1"}}`, `{user-class: [iPXE, ""]}`, `{duid: {type: en, starts: "0002"}}`,
		`{hardware-address: {starts: ["02", "0011"], contains: "5e"}}`, `{architecture: [7, 9]}`, `{remote-id: {enterprise: 9, ends: x}}`,
		`{subscriber-id: {contains: a}}`, `{interface-id: {present: false}}`, `{relay-id: {starts: "0004"}}`, `{enterprise: [1, 4491]}`,
		`{option: {code: 60001, starts: x}}`, `{option: {code: 39}}`, `{relay-option: {code: 17, relay: 1}}`, `{relay-option: {code: 37, present: false}}`,
		`{vendor-option: {enterprise: 4491, code: 2, equals: [ECM, ""]}}`, `{link-addresses: ["2001:db8::/32"]}`, `{requests: [23]}`, `{not: {class: [c0, c3]}}`)
	m := wire.AppendOption(wire.AppendHeader(nil, wire.Solicit, [3]byte{1, 2, 3}), wire.OptionClientID, []byte{0, 2, 0, 0, 0x11, 0x8b, 1})
	m = wire.AppendOption(m, wire.OptionVendorClass, enterprise(4491, items("docsis3.1", "")))
	m = wire.AppendOption(m, wire.OptionVendorInformation, enterprise(4491, option(2, []byte("ECM"))))
	m = wire.AppendOption(m, wire.OptionUserClass, items("iPXE"))
	m = wire.AppendOption(m, wire.OptionClientArchitecture, []byte{0, 7, 0})
	f.Add(m)
	f.Add(append(append([]byte{byte(wire.RelayForward), 0}, make([]byte, 32)...), option(wire.OptionRelayMessage, m)...))
	var used class.Evaluator
	f.Fuzz(func(t *testing.T, data []byte) {
		var p wire.Packet
		if p.Parse(data) != wire.DropNone {
			return
		}
		var fresh class.Evaluator
		used.Begin(set, &p, 0, false)
		fresh.Begin(set, &p, 0, false)
		for i := range set.Len() {
			other := set.Len() - 1 - i
			used.Is(i)
			fresh.Is(other)
		}
		for i := range set.Len() {
			if used.Is(i) != fresh.Is(i) {
				t.Errorf("class %d: %t and %t", i, used.Is(i), fresh.Is(i))
			}
		}
	})
}
