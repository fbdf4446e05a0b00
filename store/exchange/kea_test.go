package exchange

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/wire"
)

const (
	keaFirst = "address,duid,valid_lifetime,expire,subnet_id,pref_lifetime,lease_type,iaid,prefix_len,fqdn_fwd,fqdn_rev,hostname"
	keaThird = keaFirst + ",hwaddr,state,user_context"
	keaLast  = keaThird + ",hwtype,hwaddr_source,pool_id"
)

func readKea(t *testing.T, lines ...string) []string {
	t.Helper()
	return tell(t, NewKea(strings.NewReader(strings.Join(lines, "\n")), "f"))
}

// TestKeaVersions: Kea's files have more columns with each version, and what an old one hasn't isn't missed.
func TestKeaVersions(t *testing.T) {
	want(t, readKea(t, keaFirst, "2001:db8::1,00:03:00:01:02:00:00:00:00:01,100,1000000100,1,50,0,7,128,1,1,host.example."),
		"2: IA_NA 2001:db8::1/128 00:03:00:01:02:00:00:00:00:01 7 bound 50/100 1000000000..1000000100 host.example true true")
	want(t, readKea(t, keaLast, "2001:db8::1,00:03:00:01:02:00:00:00:00:01,100,1000000100,1,50,0,7,128,0,1,a&#x2cb,02:00:00:00:00:02,0,,1,8,5\r"),
		"2: IA_NA 2001:db8::1/128 00:03:00:01:02:00:00:00:00:01 7 bound 50/100 1000000000..1000000100 a,b false true 5=0001020000000002")
	want(t, readKea(t, "subnet_id,"+strings.Replace(keaFirst, "subnet_id,", "", 1), "9,2001:db8::,00:03:00:01:02:00:00:00:00:01,4294967295,5294967295,50,2,7,56,0,0,"),
		"2: IA_PD 2001:db8::/56 00:03:00:01:02:00:00:00:00:01 7 bound 50/4294967295 1000000000..never")
	want(t, readKea(t, byteOrderMark+keaFirst, "2001:db8::1,00:03:00:01:02:00:00:00:00:01,100,1000000100,1,50,0,7,128,0,0,\r"),
		"2: IA_NA 2001:db8::1/128 00:03:00:01:02:00:00:00:00:01 7 bound 50/100 1000000000..1000000100")
	want(t, readKea(t, "address,hwaddr", "192.0.2.1,"), "end: f isn't Kea's: its first line has no column duid; kea-leases6.csv begins with one of column names")
	want(t, readKea(t))
}

// TestKeaStates: declined addresses are nobody's; a line of no lifetime deletes a lease, and so do states of what is over; what can't be
// a binding is told with its line.
func TestKeaStates(t *testing.T) {
	line := func(valid, kind, length, duid, state string) string {
		return "2001:db8::," + duid + "," + valid + ",1000000100,1,50," + kind + ",7," + length + ",0,0,,," + state + ","
	}
	const duid = "00:03:00:01:02:00:00:00:00:01"
	long := "2001:db8::," + strings.Repeat("x", maxLine)
	want(t, readKea(t, keaThird,
		line("100", "0", "128", "00:00:00", "1"), line("0", "0", "128", duid, "0"), line("100", "2", "56", duid, "2"), line("100", "2", "56", duid, "3"),
		line("100", "1", "128", duid, "0"), line("100", "0", "128", duid, "4"), line("100", "0", "128", duid, "5"), line("x", "0", "128", duid, "0"),
		line("100", "2", "0", duid, "0"), line("100", "2", "16", duid, "0"), line("100", "0", "128", "00", "0"), "", "one,two", long, line("100", "3", "128", duid, "0"),
		line("100", "0", "128", duid, "0")),
		"2: IA_NA 2001:db8::/128  7 declined 50/100 1000000000..1000000100",
		"3: IA_NA 2001:db8::/128 "+duid+" 7 released 50/0 1000000100..1000000100",
		"4: IA_PD 2001:db8::/56 "+duid+" 7 released 50/100 1000000000..1000000100",
		"5: IA_PD 2001:db8::/56 "+duid+" 7 released 50/100 1000000000..1000000100",
		"6: not representable: 2001:db8:: is a temporary address (IA_TA), which isn't served",
		"7: not representable: 2001:db8:: is registered: its client made it itself",
		"8: malformed: state: 5 isn't one of 0 to 4",
		`9: malformed: valid_lifetime: "x" isn't a number of 32 bits`,
		"10: malformed: a prefix has the length 0",
		"11: malformed: 2001:db8::/16 isn't a prefix: there are bits behind its length",
		"12: malformed: the client's DUID has 1 octets, 3 to 130 are possible",
		"14: malformed: 2 columns, and the first line names 12",
		"15: malformed: longer than 1 MiB",
		"16: malformed: lease_type: 3 isn't 0, 1 or 2",
		"17: IA_NA 2001:db8::/128 "+duid+" 7 bound 50/100 1000000000..1000000100",
	)
}

// TestKeaPlace: what relays said is kept, the one's closest to the client first, in both forms that Kea has used.
func TestKeaPlace(t *testing.T) {
	for _, list := range []string{"relay-info", "relays"} {
		context := `{ "ISC": { "` + list + `": [ { "hop": 1, "link": "2001:db8::9", "options": "0x002500050000000962", "peer": "fe80::9" }, ` +
			`{ "hop": 0, "link": "2001:db8::8", "options": "0x0012000170", "peer": "fe80::8" } ] } }`
		want(t, readKea(t, keaThird, "2001:db8::1,00:04:01,100,1000000100,1,50,0,7,128,0,0,,,0,"+strings.ReplaceAll(context, ",", "&#x2c")),
			"2: IA_NA 2001:db8::1/128 00:04:01 7 bound 50/100 1000000000..1000000100"+
				" 6=fe800000000000000000000000000008 7=20010db8000000000000000000000008 4=70 1=0000000962")
	}
	want(t, readKea(t, keaThird, `2001:db8::1,00:04:01,100,1000000100,1,50,0,7,128,0,0,,,0,{ "relay": `),
		"2: IA_NA 2001:db8::1/128 00:04:01 7 bound 50/100 1000000000..1000000100")
}

// TestKeaFiles: the files of a cleanup count in the order in which Kea loads them.
func TestKeaFiles(t *testing.T) {
	for _, c := range []struct{ there, want string }{
		{"", ""}, {".2 .1 .output ", ".2 .1 "}, {".completed .2 .1 .output ", ".completed "}, {".1 ", ".1 "}, {".2", ".2 "}, {".completed", ".completed"},
	} {
		there := map[string]bool{"f": c.there != ".completed" && c.there != ""}
		for s := range strings.FieldsSeq(c.there) {
			there["f"+s] = true
		}
		var want []string
		for s := range strings.FieldsSeq(c.want) {
			want = append(want, "f"+s)
		}
		if there["f"] || len(want) == 0 {
			want = append(want, "f")
		}
		if diff := cmp.Diff(want, keaFiles("f", func(n string) bool { return there[n] })); diff != "" {
			t.Errorf("with%s (-want +got)\n%s", c.there, diff)
		}
	}
	if _, err := Open(Kea, filepath.Join(t.TempDir(), "none"), Options{}); err == nil {
		t.Error("a file that isn't there is opened")
	}
}

// A drawn lease is one that a Kea's file can say.
func drawLease(t *rapid.T) Lease {
	octets := func(name string, least, most int) []byte {
		return rapid.SliceOfN(rapid.Byte(), least, most).Draw(t, name)
	}
	l := Lease{Kind: wire.IANA, IAID: rapid.Uint32().Draw(t, "IAID"), DUID: octets("DUID", 3, 40), State: binding.Bound}
	copy(l.Key.Address[:], append([]byte{0x20, 1}, octets("address", 14, 14)...))
	if l.Key.Length = 128; rapid.Bool().Draw(t, "prefix") {
		l.Kind, l.Key.Length = wire.IAPD, uint8(rapid.IntRange(16, 64).Draw(t, "length"))
		for bit := int(l.Key.Length); bit < 128; bit++ {
			l.Key.Address[bit/8] &^= 0x80 >> (bit % 8)
		}
	}
	l.Last = binding.Time(rapid.Uint32Range(0, 1<<31).Draw(t, "last"))
	if l.Valid = rapid.Uint32Range(1, 1<<30).Draw(t, "valid"); rapid.Bool().Draw(t, "for ever") {
		l.Valid = wire.Infinity
	}
	l.Expires = l.Last.Add(l.Valid)
	l.Preferred = rapid.Uint32Range(0, l.Valid).Draw(t, "preferred")
	l.Name = rapid.StringMatching(`[a-z,&#x0-9-]{0,20}[a-z]`).Draw(t, "name")
	l.Forward, l.Reverse = rapid.Bool().Draw(t, "forward"), rapid.Bool().Draw(t, "reverse")
	if rapid.Bool().Draw(t, "relayed") {
		l.Extension = binding.AppendExtension(nil, binding.ExtPeerAddress, append([]byte{0xfe, 0x80}, octets("peer", 14, 14)...))
		l.Extension = binding.AppendExtension(l.Extension, binding.ExtLinkAddress, append([]byte{0x20, 1}, octets("link", 14, 14)...))
		l.Extension = binding.AppendExtension(l.Extension, binding.ExtRemoteID, octets("remote", 4, 30))
		l.Extension = binding.AppendExtension(l.Extension, binding.ExtInterfaceID, octets("interface", 1, 30))
	}
	return l
}

// TestKeaRoundTrip: what is written is read back.
func TestKeaRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		leases := rapid.SliceOf(rapid.Custom(drawLease)).Draw(t, "leases")
		var b bytes.Buffer
		w := NewKeaWriter(&b, func(*Lease) uint32 { return 1 })
		for i := range leases {
			if err := w.Write(&leases[i]); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		r := NewKea(&b, "f")
		for i := range leases {
			var got Lease
			if err := r.Next(&got); err != nil {
				t.Fatal(err)
			}
			got.File, got.Line = "", 0
			if diff := cmp.Diff(leases[i], got); diff != "" {
				t.Fatalf("lease %d (-want +got)\n%s", i, diff)
			}
		}
	})
}
