package ddns

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/lockstep6/lockstep6/core/naming"
	"github.com/lockstep6/lockstep6/core/upkeep"
	"github.com/lockstep6/lockstep6/io/ddns/dnstest"
)

// short and long are limits of one try: for those that run out, and for those that don't.
const (
	short = 150 * time.Millisecond
	long  = 20 * time.Second
)

// unhurried tries something that needs limits to run out, with longer and longer ones, until all is well: a server that stands still for a moment isn't
// silent. What goes wrong however long it may take is told.
func unhurried(t *testing.T, try func(timeout time.Duration) error) {
	t.Helper()
	for timeout := short; ; timeout *= 4 {
		err := try(timeout)
		if err == nil {
			return
		}
		if timeout > long {
			t.Error(err)
			return
		}
	}
}

var testSecret = []byte("secret of a test, thirty-two oct")

func testKey(t testing.TB, algorithm string) (*Key, dnstest.Key) {
	t.Helper()
	key := &Key{Name: name(t, "dhcp.example"), Algorithm: algorithm, Secret: testSecret}
	return key, dnstest.Key{Name: "dhcp.example.", Algorithm: algorithm + ".", Secret: base64.StdEncoding.EncodeToString(testSecret)}
}

// clientOf is a client of one zone, example.com.
func clientOf(t testing.TB, key *Key, timeout time.Duration, servers ...netip.AddrPort) *Client {
	t.Helper()
	return NewClient([]Zone{{Name: name(t, "example.com"), Servers: servers, Key: key}}, timeout)
}

func address(t testing.TB, text string) []byte {
	t.Helper()
	a := netip.MustParseAddr(text).As16()
	return a[:]
}

// addition is an update as a new name needs it (RFC 4703, Section 5.3.1).
func addition(t testing.TB, host naming.Name) *upkeep.Update {
	t.Helper()
	dhcid := naming.DHCID([]byte("\x00\x03\x00\x01\x02\x00\x5e\x00\x53\x01"), host)
	return &upkeep.Update{
		Requires: []upkeep.Prerequisite{{Name: host, Kind: upkeep.NameUnused}},
		Changes: []upkeep.Change{
			{Name: host, Kind: upkeep.AddRecord, Type: upkeep.TypeAAAA, TTL: 600, Data: address(t, "2001:db8::1")},
			{Name: host, Kind: upkeep.AddRecord, Type: upkeep.TypeDHCID, TTL: 600, Data: dhcid[:]},
		},
	}
}

func TestUpdateOnTheWire(t *testing.T) {
	host := name(t, "Host.example.com")
	u := &upkeep.Update{
		Requires: []upkeep.Prerequisite{
			{Name: host, Kind: upkeep.NameUnused},
			{Name: host, Kind: upkeep.NameUsed},
			{Name: host, Kind: upkeep.Exists, Type: upkeep.TypeDHCID},
			{Name: host, Kind: upkeep.Exists, Type: upkeep.TypeAAAA, Data: address(t, "2001:db8::1")},
			{Name: host, Kind: upkeep.Absent, Type: upkeep.TypeA},
		},
		Changes: []upkeep.Change{
			{Name: host, Kind: upkeep.AddRecord, Type: upkeep.TypePTR, TTL: 600, Data: host},
			{Name: host, Kind: upkeep.DeleteRRset, Type: upkeep.TypeAAAA},
			{Name: host, Kind: upkeep.DeleteName},
			{Name: host, Kind: upkeep.DeleteRecord, Type: upkeep.TypeAAAA, Data: address(t, "2001:db8::2")},
		},
	}
	wire, err := updateMessage(name(t, "example.com"), u).Pack()
	if err != nil {
		t.Fatal(err)
	}
	owner := "04 686f7374 07 6578616d706c65 03 636f6d 00" // host.example.com
	want := strings.Join([]string{
		"0000 2800 0001 0005 0004 0000", // opcode 5
		"07 6578616d706c65 03 636f6d 00 0006 0001",
		owner, "00ff 00fe 00000000 0000", // type ANY, class NONE: RFC 2136, Section 2.4.5
		owner, "00ff 00ff 00000000 0000",
		owner, "0031 00ff 00000000 0000",
		owner, "001c 0001 00000000 0010 20010db8000000000000000000000001",
		owner, "0001 00fe 00000000 0000",
		owner, "000c 0001 00000258 0012", owner,
		owner, "001c 00ff 00000000 0000",
		owner, "00ff 00ff 00000000 0000",
		owner, "001c 00fe 00000000 0010 20010db8000000000000000000000002",
	}, "")
	if got := hex.EncodeToString(wire); got != strings.ReplaceAll(want, " ", "") {
		t.Errorf("want %s\ngot  %s", strings.ReplaceAll(want, " ", ""), got)
	}
}

func TestNamesOnTheWire(t *testing.T) {
	longest := strings.Repeat(strings.Repeat(`\000`, 63)+".", 3) + strings.Repeat("a", 61) + "."
	for _, text := range []string{`a\.b\\c\"\;\@\(\$.example.`, `\000\255\032.example.`, "*.example.", "xn--bcher-kva.example.", longest, "."} {
		n := name(t, text)
		m := updateMessage(n, &upkeep.Update{Changes: []upkeep.Change{{Name: n, Kind: upkeep.AddRecord, Type: upkeep.TypePTR, Data: n}}})
		wire, err := m.Pack()
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if got := wire[12 : 12+len(n)]; string(got) != string(n) {
			t.Errorf("%s: zone is %x", text, got)
		}
		var back dns.Msg
		if err := back.Unpack(wire); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		r, err := readRecord(back.Ns[0])
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if string(r.Name) != string(n) || string(r.Data) != string(n) {
			t.Errorf("%s: comes back as %s with data %x", text, r.Name, r.Data)
		}
	}
}

func TestUpdateIsAnswered(t *testing.T) {
	for _, algorithm := range []string{"", "hmac-sha256", "hmac-sha384", "hmac-sha512"} {
		for _, rcode := range []int{dns.RcodeSuccess, dns.RcodeYXDomain, dns.RcodeNXRrset, dns.RcodeRefused, dns.RcodeNotAuth, dns.RcodeNotZone} {
			var key *Key
			server := &dnstest.Server{Handle: func(r *dns.Msg) *dns.Msg { return new(dns.Msg).SetRcode(r, rcode) }}
			if algorithm != "" {
				key, server.Key = testKey(t, algorithm)
			}
			c := clientOf(t, key, long, server.Start(t))
			answer, err := c.Exchange(t.Context(), addition(t, name(t, "host.example.com")))
			if err != nil || int(answer) != rcode {
				t.Errorf("%q: want %d, got %d, %v", algorithm, rcode, answer, err)
			}
			if server.Requests("tcp") != 0 {
				t.Errorf("%q: TCP was used", algorithm)
			}
		}
	}
}

func TestFaults(t *testing.T) {
	for what, c := range map[string]struct {
		udp, tcp dnstest.Fault
		failure  Failure
		want     string // of the error; empty: an answer
	}{
		"UDP lost":           {udp: dnstest.Ignore},
		"UDP's answer lost":  {udp: dnstest.LoseReply},
		"cut off":            {udp: dnstest.Truncate},
		"forged":             {udp: dnstest.ForgedFirst},
		"UDP garbage":        {udp: dnstest.Garbage},
		"silent":             {dnstest.Ignore, dnstest.Ignore, NoAnswer, "127.0.0.1:PORT: no answer within TIMEOUT"},
		"other id":           {dnstest.WrongID, dnstest.WrongID, Malformed, "isn't an answer to what was asked"},
		"other zone":         {dnstest.WrongZone, dnstest.WrongZone, Malformed, "isn't an answer to what was asked"},
		"other opcode":       {dnstest.OtherOpcode, dnstest.OtherOpcode, Malformed, "isn't an answer to what was asked"},
		"garbage":            {dnstest.Garbage, dnstest.Garbage, Malformed, "can't be read"},
		"cut off everywhere": {dnstest.Truncate, dnstest.Truncate, Malformed, "cut off, though it came by TCP"},
		"unsigned":           {dnstest.Unsigned, dnstest.Unsigned, NotTrusted, "isn't signed"},
		"other secret":       {dnstest.OtherSecret, dnstest.OtherSecret, NotTrusted, "isn't one of key dhcp.example."},
		"other key":          {dnstest.OtherKey, dnstest.OtherKey, NotTrusted, "signed with key other.dhcp.example."},
		"old":                {dnstest.OldSignature, dnstest.OldSignature, NotTrusted, "1h0m0s apart, and a signature allows 300 s; set the clocks"},
		"bad time":           {dnstest.BadTime, dnstest.BadTime, NotTrusted, "BADTIME: the server's clock says"},
		"bad key":            {dnstest.BadKey, dnstest.BadKey, NotTrusted, "BADKEY: the server doesn't know key dhcp.example."},
		"bad signature":      {dnstest.BadSignature, dnstest.BadSignature, NotTrusted, "BADSIG: the server has another secret"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			key, theirs := testKey(t, "hmac-sha256")
			server := &dnstest.Server{Key: theirs, Fault: func(_ *dns.Msg, network string) dnstest.Fault {
				if network == "udp" {
					return c.udp
				}
				return c.tcp
			}}
			addr := server.Start(t)
			unhurried(t, func(timeout time.Duration) error {
				answer, err := clientOf(t, key, timeout, addr).Exchange(t.Context(), addition(t, name(t, "host.example.com")))
				var failed *Error
				switch {
				case c.want == "" && (err != nil || answer != upkeep.NoError):
					return fmt.Errorf("want an answer, got %d, %w", answer, err)
				case c.want == "":
					return nil
				case !errors.As(err, &failed):
					return fmt.Errorf("want an Error, got %d, %w", answer, err)
				}
				want := strings.NewReplacer("127.0.0.1:PORT", addr.String(), "TIMEOUT", timeout.String()).Replace(c.want)
				if failed.Failure != c.failure || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "zone example.com.: "+addr.String()) {
					return fmt.Errorf("want %v, %q; got %v, %w", c.failure, want, failed.Failure, err)
				}
				return nil
			})
		})
	}
}

// One datagram may get lost without anything else being tried.
func TestUDPIsTriedTwice(t *testing.T) {
	seen := map[uint16]bool{}
	server := &dnstest.Server{Fault: func(r *dns.Msg, network string) dnstest.Fault {
		switch {
		case network == "tcp":
			return dnstest.Refuse
		case !seen[r.Id]:
			seen[r.Id] = true
			return dnstest.LoseReply
		}
		return dnstest.None
	}}
	addr := server.Start(t)
	unhurried(t, func(timeout time.Duration) error {
		answer, err := clientOf(t, nil, timeout, addr).Exchange(t.Context(), addition(t, name(t, "host.example.com")))
		if err != nil || answer != upkeep.NoError {
			return fmt.Errorf("got %d, %w", answer, err)
		}
		return nil
	})
}

func TestWrongSecretHere(t *testing.T) {
	key, theirs := testKey(t, "hmac-sha256")
	key.Secret = []byte("something else")
	server := &dnstest.Server{Key: theirs}
	addr := server.Start(t)
	unhurried(t, func(timeout time.Duration) error {
		_, err := clientOf(t, key, timeout, addr).Exchange(t.Context(), addition(t, name(t, "host.example.com")))
		var failed *Error
		if !errors.As(err, &failed) || failed.Failure != NotTrusted {
			return fmt.Errorf("want an answer that isn't trusted, got %w", err)
		}
		return nil
	})
}
