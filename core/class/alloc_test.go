//go:build !race

package class_test

import (
	"testing"

	"github.com/lockstep6/lockstep6/core/class"
)

// every is a condition on each field.
var every = []string{
	`{vendor-class: {enterprise: 4491, starts: nothing}}`, `{user-class: [no, nobody]}`, `{duid: {type: en, starts: "0002"}}`,
	`{hardware-address: {starts: ["00:00:01", "00:00:02"]}}`, `{architecture: 1}`, `{remote-id: {ends: nothing}}`, `{subscriber-id: {contains: nothing}}`,
	`{interface-id: no}`, `{relay-id: {starts: "0004"}}`, `{enterprise: 3}`, `{option: {code: 60001, starts: x}}`, `{relay-option: {code: 17, equals: x}}`,
	`{vendor-option: {enterprise: 4491, code: 2, equals: x}}`, `{link-addresses: ["2001:db8:7::/64", "2001:db8:8::/64"]}`, `{requests: [99]}`,
	`{reserved: true}`, `{class: [c0, c1]}`, `{not: {all: [{class: c2}, {class: c3}]}}`, `{any: [{class: c4}, {link: pop1}]}`, `{option: {code: 61, starts: "0x00"}, link: pop1}`,
}

// TestNothingIsAllocated evaluates a class of each kind. Not under the race detector, which allocates by itself.
func TestNothingIsAllocated(t *testing.T) {
	set, packet := setOf(t, every...), modem(t)
	var v class.Evaluator
	members := 0
	got := testing.AllocsPerRun(300, func() {
		v.Begin(set, packet, 1, false)
		for i := range set.Len() {
			if v.Is(i) {
				members++
			}
		}
	})
	if got != 0 || members != 301 {
		t.Errorf("%v allocations, %d members", got, members)
	}
}

// BenchmarkTwenty evaluates 20 classes of which the message is in one.
func BenchmarkTwenty(b *testing.B) {
	set, packet := setOf(b, every...), modem(b)
	var v class.Evaluator
	b.ReportAllocs()
	for b.Loop() {
		v.Begin(set, packet, 1, false)
		for i := range set.Len() {
			v.Is(i)
		}
	}
}
