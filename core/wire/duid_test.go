package wire_test

import (
	"testing"

	"github.com/lockstep6/lockstep6/core/wire"
)

func TestHardwareAddress(t *testing.T) {
	for _, test := range []struct {
		name   string
		duid   string
		hwtype uint16
		addr   string
		ok     bool
	}{
		{"DUID-LL", "\x00\x03\x00\x01abcdef", 1, "abcdef", true},
		{"DUID-LLT", "\x00\x01\x00\x06timeabcdefgh", 6, "abcdefgh", true},
		{"InfiniBand", "\x00\x03\x00\x20abcdefghijklmnopqrst", 32, "abcdefghijklmnopqrst", true},
		{"DUID-EN", "\x00\x02\x00\x00\x00\x09abcdef", 0, "", false},
		{"DUID-UUID", "\x00\x04abcdefghijklmnop", 0, "", false},
		{"another type whose low octet is 3", "\x01\x03\x00\x01abcdef", 0, "", false},
		{"DUID-LL without address", "\x00\x03\x00\x01", 0, "", false},
		{"DUID-LL without type", "\x00\x03\x00", 0, "", false},
		{"DUID-LLT without address", "\x00\x01\x00\x01time", 0, "", false},
		{"DUID-LLT without time", "\x00\x01\x00\x01ti", 0, "", false},
		{"empty", "", 0, "", false},
	} {
		hwtype, addr, ok := wire.HardwareAddress([]byte(test.duid))
		if hwtype != test.hwtype || string(addr) != test.addr || ok != test.ok {
			t.Errorf("%s: %d, %q, %v; want %d, %q, %v", test.name, hwtype, addr, ok, test.hwtype, test.addr, test.ok)
		}
	}
}

func TestFormatDUID(t *testing.T) {
	for duid, want := range map[string]string{"": "", "\x0a": "0a", "\x00\x03\xff": "00:03:ff"} {
		if got := wire.FormatDUID([]byte(duid)); got != want {
			t.Errorf("FormatDUID(%q) = %q, want %q", duid, got, want)
		}
	}
}
