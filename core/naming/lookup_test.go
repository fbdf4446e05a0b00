package naming_test

import (
	"testing"

	"github.com/lockstep6/lockstep6/core/naming"
)

func TestParseReverse(t *testing.T) {
	addr := [16]byte{0x20, 0x01, 0x0d, 0xb8, 0, 0x5f, 15: 0x7a}
	whole := naming.AppendReverse(nil, &addr)
	if got, bits, wildcard, ok := naming.ParseReverse(whole); got != addr || bits != 128 || wildcard || !ok {
		t.Errorf("%v: %x/%d, wildcard %v, %v", whole, got, bits, wildcard, ok)
	}
	for bits := uint8(4); bits <= 124; bits += 4 {
		for i, name := range append(naming.Wildcards(addr, bits), naming.ReverseZone(&addr, bits)) {
			got, n, wildcard, ok := naming.ParseReverse(name)
			if again := naming.ReverseZone(&got, n); !ok || n != bits || wildcard != (i == 0) || string(again) != string(naming.ReverseZone(&addr, bits)) {
				t.Errorf("%v: %x/%d, wildcard %v, %v", name, got, n, wildcard, ok)
			}
		}
	}
	for _, text := range []string{
		"ip6.example", "x.ip6.arpa", "10.ip6.arpa", "1.*.ip6.arpa", "a.b.example.net", "in-addr.arpa",
		"1." + whole.String(), "xip6.arpa",
	} {
		name, err := naming.ParseName(text)
		if err != nil {
			t.Fatal(err)
		}
		if got, bits, _, ok := naming.ParseReverse(name); ok {
			t.Errorf("%s: %x/%d", text, got, bits)
		}
	}
}
