package wire_test

import (
	"bytes"
	"encoding/hex"
	"math/big"
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/core/wire"
)

// What the encoder appends, as the standard draws it.
func TestAppend(t *testing.T) {
	address, prefix := addr("2001:db8::5"), addr("2001:db8:5::")
	for _, test := range []struct {
		name string
		got  []byte
		want []byte
	}{
		{"header", wire.AppendHeader(nil, wire.Advertise, [3]byte{1, 2, 3}), []byte{2, 1, 2, 3}},
		{"option", wire.AppendOption(nil, 0x1234, []byte("abc")), []byte{0x12, 0x34, 0, 3, 'a', 'b', 'c'}},
		{"empty option", wire.AppendOption(nil, wire.OptionRapidCommit, nil), []byte{0, 14, 0, 0}},
		{"long option", wire.AppendOption(nil, 1, make([]byte, 65535)), append([]byte{0, 1, 255, 255}, make([]byte, 65535)...)},
		{"Preference", wire.AppendUint8Option(nil, wire.OptionPreference, 255), []byte{0, 7, 0, 1, 255}},
		{"Elapsed Time", wire.AppendUint16Option(nil, wire.OptionElapsedTime, 0x102), []byte{0, 8, 0, 2, 1, 2}},
		{"SOL_MAX_RT", wire.AppendUint32Option(nil, wire.OptionSOLMaxRT, 0x15180), []byte{0, 82, 0, 4, 0, 1, 0x51, 0x80}},
		{"Status Code", wire.AppendStatus(nil, wire.StatusNoBinding, "gone"), []byte{0, 13, 0, 6, 0, 3, 'g', 'o', 'n', 'e'}},
		{"Status Code without text", wire.AppendStatus(nil, wire.StatusSuccess, ""), []byte{0, 13, 0, 2, 0, 0}},
		{"IA Address", wire.AppendIAAddress(nil, &address, 0x01020304, wire.Infinity), rows(
			[]byte{0, 5, 0, 24},        // OPTION_IAADDR | 24
			octets("2001:db8::5"),      // IPv6-address
			[]byte{1, 2, 3, 4},         // preferred-lifetime
			[]byte{255, 255, 255, 255}, // valid-lifetime
		)},
		{"IA Prefix", wire.AppendIAPrefix(nil, &prefix, 48, 0x01020304, 0x05060708, nil), rows(
			[]byte{0, 26, 0, 25},   // OPTION_IAPREFIX | 25
			[]byte{1, 2, 3, 4},     // preferred-lifetime
			[]byte{5, 6, 7, 8},     // valid-lifetime
			[]byte{48},             // prefix-length
			octets("2001:db8:5::"), // IPv6-prefix
		)},
		{"IA Prefix with Prefix Exclude", wire.AppendIAPrefix(nil, &prefix, 48, 1, 2, []byte{64, 0, 1}), rows(
			[]byte{0, 26, 0, 32}, []byte{0, 0, 0, 1}, []byte{0, 0, 0, 2}, []byte{48}, octets("2001:db8:5::"),
			[]byte{0, 67, 0, 3}, []byte{64, 0, 1}, // OPTION_PD_EXCLUDE | 3 | prefix-len | subnet ID
		)},
		{"DUID-UUID", wire.AppendDUIDUUID(nil, [16]byte{1, 15: 2}), rows([]byte{0, 4, 1}, make([]byte, 14), []byte{2})},
	} {
		if !bytes.Equal(test.got, test.want) {
			t.Errorf("%s: %x, want %x", test.name, test.got, test.want)
		}
	}
}

func TestOpenAndClose(t *testing.T) {
	prefix := addr("2001:db8:5::")
	b := []byte("before")
	b, first := wire.OpenIA(b, wire.IANA, 0x01020304)
	b = wire.AppendStatus(b, wire.StatusNoAddrsAvail, "")
	b = wire.CloseOption(b, first)
	b, second := wire.OpenIA(b, wire.IAPD, 5)
	wire.SetTimes(b, second, 7, 8) // before it is closed
	b = wire.AppendIAPrefix(b, &prefix, 56, 9, 10, nil)
	b = wire.CloseOption(b, second)
	wire.SetTimes(b, first, 0xfffffffe, wire.Infinity) // after it was closed
	b, vendor := wire.OpenOption(b, wire.OptionVendorInformation)
	b = append(b, 0, 0, 0, 9)
	b, inside := wire.OpenOption(b, 1)
	b = wire.CloseOption(append(b, "x"...), inside)
	b = wire.CloseOption(b, vendor)
	want := rows([]byte("before"),
		[]byte{0, 3, 0, 18}, []byte{1, 2, 3, 4}, []byte{255, 255, 255, 254}, []byte{255, 255, 255, 255}, []byte{0, 13, 0, 2, 0, 2},
		[]byte{0, 25, 0, 41}, []byte{0, 0, 0, 5}, []byte{0, 0, 0, 7}, []byte{0, 0, 0, 8},
		[]byte{0, 26, 0, 25}, []byte{0, 0, 0, 9}, []byte{0, 0, 0, 10}, []byte{56}, octets("2001:db8:5::"),
		[]byte{0, 17, 0, 9}, []byte{0, 0, 0, 9}, []byte{0, 1, 0, 1, 'x'})
	if diff := cmp.Diff(hex.EncodeToString(want), hex.EncodeToString(b)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestPrefixExclude(t *testing.T) {
	for _, test := range []struct{ delegated, excluded, want string }{
		{"2001:db8:dead:bee0::/59", "2001:db8:dead:beef::/64", "4078"}, // RFC 6603, Section 4.2's method by hand: 01111 and three zeros
		{"2001:db8::/48", "2001:db8:0:1::/64", "400001"},
		{"2001:db8::/56", "2001:db8:0:ff::/64", "40ff"},
		{"2001:db8::/56", "2001:db8:0:80::/57", "3980"},
		{"2001:db8::/63", "2001:db8:0:1::/64", "4080"},
		{"::/0", "8000::/1", "0180"},
		{"::/0", "2001:db8::1/128", "8020010db8000000000000000000000001"},
		{"2001:db8::/127", "2001:db8::1/128", "8080"},
		{"2001:db8::/60", "2001:db8:0:f:8000::/65", "41f8"},
		// Nothing to write: not longer, and not inside.
		{"2001:db8::/64", "2001:db8::/64", ""},
		{"2001:db8::/64", "2001:db8::/48", ""},
		{"2001:db8::/48", "2001:db8:1::/64", ""},
		{"2001:db8:dead:bee0::/59", "2001:db8:dead:bec0::/64", ""},
	} {
		d, e := netip.MustParsePrefix(test.delegated), netip.MustParsePrefix(test.excluded)
		got := wire.PrefixExclude(nil, d.Addr().As16(), uint8(d.Bits()), e.Addr().As16(), uint8(e.Bits()))
		if hex.EncodeToString(got) != test.want {
			t.Errorf("%s excluding %s: %x, want %s", test.delegated, test.excluded, got, test.want)
		}
	}
	if got := wire.PrefixExclude(nil, [16]byte{}, 64, [16]byte{}, 129); got != nil {
		t.Errorf("a prefix of 129 bits: %x, want nothing", got)
	}
}

// RFC 6603, Section 4.2 gives the encoding as arithmetic on 128-bit numbers; so does this test.
func TestPrefixExcludeAgainstArithmetic(t *testing.T) {
	const seed = 6603
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for a := range 128 {
		for b := a + 1; b <= 128; b++ {
			var delegated, excluded [16]byte
			for i := range excluded {
				excluded[i] = byte(random.Uint32())
			}
			p2 := new(big.Int).SetBytes(excluded[:])
			p2.Rsh(p2, uint(128-b)).Lsh(p2, uint(128-b))
			p2.FillBytes(excluded[:])
			p1 := new(big.Int).Rsh(p2, uint(128-a))
			p1.Lsh(p1, uint(128-a)).FillBytes(delegated[:])

			d := (b-a-1)/8 + 1
			shifted := new(big.Int).Lsh(p2, uint(a))
			shifted.And(shifted, new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 128), big.NewInt(1)))
			want := append([]byte{byte(b)}, shifted.FillBytes(make([]byte, 16))[:d]...)

			if got := wire.PrefixExclude(nil, delegated, uint8(a), excluded, uint8(b)); !bytes.Equal(got, want) {
				t.Fatalf("/%d excluding %x/%d: %x, want %x", a, excluded, b, got, want)
			}
		}
	}
}
