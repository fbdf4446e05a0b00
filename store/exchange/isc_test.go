package exchange

import (
	"strings"
	"testing"
)

func readISC(t *testing.T, bigEndian bool, text string) []string {
	t.Helper()
	return tell(t, NewISC(strings.NewReader(text), "f", bigEndian))
}

// TestISCByteOrder: the IAID in a block's name is in the order of the machine that wrote it.
func TestISCByteOrder(t *testing.T) {
	const block = "ia-na \"\\001\\000\\000\\002\\000\\004\\\"\\\\x\" { cltt 0 2020/01/02 03:04:05; iaaddr 2001:db8::1 { binding state active; preferred-life 5; max-life 9; ends never; } }\n"
	const lease = "1: IA_NA 2001:db8::1/128 00:04:22:5c:78"
	for name, c := range map[string]struct {
		big        bool
		text, want string
	}{
		"little, by default": {false, block, " 33554433 "}, "big, by word": {true, block, " 16777218 "},
		"little, by the file": {true, "authoring-byte-order little-endian; " + block, " 33554433 "},
		"big, by the file":    {false, "authoring-byte-order big-endian; " + block, " 16777218 "},
	} {
		t.Run(name, func(t *testing.T) {
			want(t, readISC(t, c.big, c.text), lease+c.want+"bound 5/9 1577934245..never only 1")
		})
	}
}

// TestISCBlocks: a block may have several leases; what is unknown is passed over, and what is wrong costs no more than it must.
func TestISCBlocks(t *testing.T) {
	const name = `"\001\000\000\000\000\004\001"`
	got := readISC(t, false, `# a comment { "
lease 192.0.2.1 { starts 0 2020/01/01 00:00:00; on expiry { set x = "}"; } }
default-duid "\000\004\001";
ia-na `+name+` {
  iaaddr 2001:db8::1 {
    binding state active;
    preferred-life 5; max-life 9;
    ends epoch 1577934254; # Thu Jan  2 03:04:14 2020
    set ddns-fwd-name = "host.example.org.";
    set ddns-rev-name = "1.0.ip6.arpa.";
    on expiry { if exists x { set y = "}"; } }
  }
  iaaddr 2001:db8::2 { binding state released; max-life 9; ends 4 2020/01/02 03:04:14; }
  iaaddr 2001:db8::3 { binding state abandoned; ends never; }
  iaaddr 2001:db8::4 { binding state active; max-life 9; }
  cltt epoch 1577934245;
}
ia-ta `+name+` { iaaddr 2001:db8::5 { binding state active; } }
ia-pd `+name+` { cltt 4 2020/01/02 03:04:05 -0100; iaprefix 2001:db8::/56 { binding state active; max-life 9; } iaprefix 2001:db8::/x { } iaaddr 2001:db8::6 { } }
ia-na "\001" { iaaddr 2001:db8::7 { binding state active; } }
ia-na `+name+` { cltt soon; iaaddr 2001:db8::8 { binding state active; max-life many; } }
} ;
ia-na `+name+` { cltt epoch 1577934245; iaaddr 2001:db8::9 { binding state active; max-life 9; } }
ia-na `+name+` { cltt epoch 1577934245; iaaddr 2001:db8::a { binding`)
	const client = " 00:04:01 1 "
	want(t, got,
		"5: IA_NA 2001:db8::1/128"+client+"bound 5/9 1577934245..1577934254 host.example.org true true",
		"13: IA_NA 2001:db8::2/128"+client+"released 0/9 1577934245..1577934245",
		"14: IA_NA 2001:db8::3/128"+client+"declined 0/0 1577934245..never",
		"15: IA_NA 2001:db8::4/128"+client+"bound 0/9 1577934245..1577934254 only 4",
		"18: not representable: a temporary address (IA_TA), which isn't served",
		`19: malformed: "2001:db8::/x" isn't a prefix`,
		`19: malformed: "2001:db8::6" is in an IA of the other kind`,
		"19: IA_PD 2001:db8::/56"+client+"bound 0/9 1577937845..1577937854",
		"20: malformed: the name of an IA isn't its IAID and a client's DUID",
		`21: malformed: ["soon"] isn't a time as dhcpd writes it`,
		`21: malformed: "many" isn't a lifetime in seconds`,
		"23: IA_NA 2001:db8::9/128"+client+"bound 0/9 1577934245..1577934254 only 1",
		"24: malformed: the file ends within a statement",
	)
	want(t, readISC(t, false, `ia-na "abc`), "1: malformed: a quotation mark without a second one: unexpected EOF")
	want(t, readISC(t, false, strings.Repeat("x", maxToken+1)), "1: malformed: a word of more than 4096 octets; the rest of its statement isn't read")
}

// TestISCZeros: a run of zeros, which a crash of the machine leaves, or a text without end costs what it stands in, and not what comes behind.
func TestISCZeros(t *testing.T) {
	block := func(iaid, address string) string {
		return `ia-na "\00` + iaid + `\000\000\000\000\004\001" { cltt epoch 1577934245; iaaddr 2001:db8::` + address +
			" { binding state active; max-life 9; ends never; } }\n"
	}
	lease := func(line, iaid, address string) string {
		return line + ": IA_NA 2001:db8::" + address + "/128 00:04:01 " + iaid + " bound 0/9 1577934245..never only 1"
	}
	const long = "malformed: a word of more than 4096 octets; the rest of its statement isn't read"
	zeros := strings.Repeat("\x00", 9000) + "\n"
	want(t, readISC(t, false, block("1", "1")+zeros+"}\n"+block("2", "2")), lease("1", "1", "1"), "2: "+long, lease("4", "2", "2"))
	broken := block("1", "1")[:70]
	want(t, readISC(t, false, broken+zeros+block("2", "2")+block("3", "3")), "1: "+long, lease("2", "2", "2"), lease("3", "3", "3"))
}
