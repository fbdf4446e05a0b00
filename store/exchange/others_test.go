package exchange

import (
	"strings"
	"testing"
)

// TestDnsmasq: the leases of DHCPv4 stand in front of the server's DUID, those of DHCPv6 behind it.
func TestDnsmasq(t *testing.T) {
	got := tell(t, NewDnsmasq(strings.NewReader(`1577934245 02:00:00:00:00:01 192.0.2.1 host *
duid 00:04:01
1577934300 7 2001:db8::1 host.example 00:03:00:01:02:00:00:00:00:01
0 8 2001:db8::2 * 00:03:00:01:02:00:00:00:00:01
1577934200 8 2001:db8::3 * 00:04:01
1577934300 T9 2001:db8::4 * 00:04:01
1577934300 9 2001:db8::5 *
1577934300 9 192.0.2.5 * 00:04:01
1577934300 x 2001:db8::5 * 00:04:01
then 9 2001:db8::5 * 00:04:01
1577934300 9 2001:db8::5 * *
1577934300 9 2001:db8::5 * 00:04:01 again
253402300799 9 2001:db8::5 * 00:04:01
`), "f", 1577934245))
	want(t, got,
		"3: IA_NA 2001:db8::1/128 00:03:00:01:02:00:00:00:00:01 7 bound 55/55 1577934245..1577934300 host.example false false",
		"4: IA_NA 2001:db8::2/128 00:03:00:01:02:00:00:00:00:01 8 bound 4294967295/4294967295 1577934245..never",
		"5: IA_NA 2001:db8::3/128 00:04:01 8 bound 0/0 1577934200..1577934200",
		"6: not representable: 2001:db8::4 is a temporary address (IA_TA), which isn't served",
		"7: malformed: 4 words, and a lease has five: its end, IAID, address, name and DUID; correct the line, or take it out",
		`8: malformed: "192.0.2.5" isn't an IPv6 address`,
		`9: malformed: "x" isn't an IAID`,
		`10: malformed: "then" isn't a time`,
		`11: malformed: "*" isn't octets in hexadecimal`,
		"12: malformed: 6 words, and a lease has five: its end, IAID, address, name and DUID; correct the line, or take it out",
		"13: malformed: the lease ends in the year 9999, which no lifetime reaches; the first word is seconds since 1970, or 0 for a lease without end",
	)
}

// TestDibbler: names stand behind leases; what is wrong costs no more than it must, and behind what isn't XML nothing can be read.
func TestDibbler(t *testing.T) {
	got := tell(t, NewDibbler(strings.NewReader(`<AddrMgr>
<AddrClient><duid length="3">00:04:01</duid>
<AddrIA unicast="::" IAID="7"><duid length="3">00:04:01</duid>
<AddrAddr timestamp="1577934245" pref="5" valid="9" prefix="128">2001:db8::1</AddrAddr>
<AddrAddr timestamp="1577934245" pref="5" valid="4294967295">2001:db8::2</AddrAddr>
<AddrPrefix timestamp="1577934245" pref="5" valid="9" length="56">2001:db8::</AddrPrefix>
<AddrAddr timestamp="soon" pref="5" valid="9">2001:db8::3</AddrAddr>
<fqdnDnsServer>2001:db8::53</fqdnDnsServer><fqdn duid="00:04:01" used="TRUE">host.example.org</fqdn>
</AddrIA>
<AddrTA IAID="7"></AddrTA>
<AddrPD IAID="x"><AddrPrefix timestamp="1577934245" pref="5" valid="9" length="56">2001:db8::</AddrPrefix></AddrPD>
<AddrPD IAID="8"><AddrPrefix timestamp="1577934245" pref="5" valid="9">2001:db8::</AddrPrefix></AddrPD>
</AddrClient>
<AddrClient><duid>xyz</duid><AddrIA IAID="9"><AddrAddr timestamp="1577934245" pref="5" valid="9">2001:db8::4</AddrAddr></AddrIA></AddrClient>
<AddrClient><duid length="3">00:04:02</duid><AddrIA IAID="9"><AddrAddr timestamp="1577934245" pref="5" valid="9">2001:db8::5</AddrAddr></AddrIA></AddrClient>
<AddrClient <`), "f"))
	want(t, got,
		"6: malformed: 2001:db8::: AddrPrefix is in an IA of the other kind",
		`7: malformed: 2001:db8::3: timestamp isn't a number`,
		"4: IA_NA 2001:db8::1/128 00:04:01 7 bound 5/9 1577934245..1577934254 host.example.org true true",
		"5: IA_NA 2001:db8::2/128 00:04:01 7 bound 5/4294967295 1577934245..never host.example.org true true",
		"10: not representable: a temporary address (IA_TA), which isn't served",
		"11: malformed: AddrPD has no IAID",
		"12: malformed: a prefix has the length 0",
		`14: malformed: duid: "xyz" isn't octets in hexadecimal`,
		"14: malformed: 2001:db8::4: its client has no DUID",
		"15: IA_NA 2001:db8::5/128 00:04:02 9 bound 5/9 1577934245..1577934254",
		"16: malformed: expected attribute name in element; nothing behind it can be read",
	)
}
