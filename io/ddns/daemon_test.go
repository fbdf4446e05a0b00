package ddns

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/core/naming"
	"github.com/lockstep6/lockstep6/core/upkeep"
	"github.com/lockstep6/lockstep6/io/ddns/dnstest"
)

const reverseZone = "8.b.d.0.1.0.0.2.ip6.arpa."

// withDaemons runs a test with each make of servers, which has example.com and the reverse zone of 2001:db8::/32.
func withDaemons(t *testing.T, extra string, test func(t *testing.T, d *dnstest.Daemon, c *Client)) {
	for _, kind := range dnstest.Kinds() {
		t.Run(kind.Name, func(t *testing.T) {
			key, theirs := testKey(t, "hmac-sha256")
			d := &dnstest.Daemon{Zones: []string{"example.com.", reverseZone}, Key: theirs, Extra: extra}
			d.Start(t, kind)
			test(t, d, daemonClient(t, d, key))
		})
	}
}

func daemonClient(t testing.TB, d *dnstest.Daemon, key *Key) *Client {
	t.Helper()
	servers := []netip.AddrPort{d.Addr}
	return NewClient([]Zone{{name(t, "example.com"), servers, key}, {name(t, reverseZone), servers, key}}, long)
}

func wantAnswer(t testing.TB, c *Client, u *upkeep.Update, want upkeep.Answer) {
	t.Helper()
	got, err := c.Exchange(t.Context(), u)
	if err != nil {
		t.Fatal(err)
	}
	if got != want {
		t.Errorf("want RCODE %d, got %d", want, got)
	}
}

func TestDaemonTakesUpdates(t *testing.T) {
	withDaemons(t, "", func(t *testing.T, d *dnstest.Daemon, c *Client) {
		host := name(t, "Host.example.com")
		add := addition(t, host)
		wantAnswer(t, c, add, upkeep.NoError)
		wantAnswer(t, c, add, upkeep.YXDomain)
		other := naming.DHCID([]byte("\x00\x03another"), host)
		wantAnswer(t, c, &upkeep.Update{
			Requires: []upkeep.Prerequisite{{Name: host, Kind: upkeep.Exists, Type: upkeep.TypeDHCID, Data: other[:]}},
			Changes:  []upkeep.Change{{Name: host, Kind: upkeep.DeleteName}},
		}, upkeep.NXRRSet)
		wantAnswer(t, c, &upkeep.Update{Zone: 1, Changes: []upkeep.Change{{
			Name: name(t, "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0."+reverseZone), Kind: upkeep.AddRecord, Type: upkeep.TypePTR, TTL: 600, Data: host,
		}}}, upkeep.NoError)
		wantAnswer(t, c, &upkeep.Update{Changes: []upkeep.Change{{
			Name: name(t, "host.example.org"), Kind: upkeep.DeleteName,
		}}}, upkeep.NotZone)
		got := append(d.Zone(t, "example.com."), d.Zone(t, reverseZone)...)
		want := []string{
			"host.example.com. AAAA 2001:db8::1",
			"host.example.com. DHCID " + got[slices.IndexFunc(got, func(s string) bool { return strings.Contains(s, "DHCID") })][len("host.example.com. DHCID "):],
			"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0." + reverseZone + " PTR host.example.com.",
		}
		slices.Sort(got)
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

// An update without changes asks whether its prerequisites hold.
func TestDaemonTakesUpdatesWithoutChanges(t *testing.T) {
	withDaemons(t, "", func(t *testing.T, d *dnstest.Daemon, c *Client) {
		host := name(t, "host.example.com")
		own, other := naming.DHCID([]byte("\x00\x03one"), host), naming.DHCID([]byte("\x00\x03another"), host)
		unused := &upkeep.Update{Requires: []upkeep.Prerequisite{{Name: host, Kind: upkeep.NameUnused}}}
		owned := func(dhcid [naming.DHCIDSize]byte) *upkeep.Update {
			return &upkeep.Update{Requires: []upkeep.Prerequisite{
				{Name: host, Kind: upkeep.NameUsed}, {Name: host, Kind: upkeep.Exists, Type: upkeep.TypeDHCID, Data: dhcid[:]},
			}}
		}
		wantAnswer(t, c, unused, upkeep.NoError)
		wantAnswer(t, c, owned(own), upkeep.NXDomain)
		wantAnswer(t, c, &upkeep.Update{Changes: []upkeep.Change{{Name: host, Type: upkeep.TypeDHCID, TTL: 600, Data: own[:]}}}, upkeep.NoError)
		before := d.Zone(t, "example.com.")
		wantAnswer(t, c, unused, upkeep.YXDomain)
		wantAnswer(t, c, owned(own), upkeep.NoError)
		wantAnswer(t, c, owned(other), upkeep.NXRRSet)
		if diff := cmp.Diff(before, d.Zone(t, "example.com.")); diff != "" {
			t.Errorf("asking changed the zone: %s", diff)
		}
	})
}

// Names that a zone file could hardly hold. BIND's check-names refuses most of them as hosts, unless it is told not to.
func TestDaemonTakesStrangeNames(t *testing.T) {
	withDaemons(t, "check-names ignore;", func(t *testing.T, d *dnstest.Daemon, c *Client) {
		longest := strings.Repeat(strings.Repeat("a", 63)+".", 3) + strings.Repeat("b", 49) + ".example.com"
		for _, text := range []string{
			`a\.b.example.com`, `\000\255\032.example.com`, `\"\\\;\@\(\$.example.com`, "under_score.example.com", "-.example.com",
			"xn--bcher-kva.example.com", "*.sub.example.com", "UPPER.example.com", longest, "example.com",
		} {
			host := name(t, text)
			add := addition(t, host)
			if text == "example.com" {
				add.Requires = nil // the zone's own name is used by its SOA record
			}
			wantAnswer(t, c, add, upkeep.NoError)
			for kind, want := range map[upkeep.RRType][]byte{upkeep.TypeAAAA: add.Changes[0].Data, upkeep.TypeDHCID: add.Changes[1].Data} {
				got, err := c.Query(t.Context(), 0, host, kind)
				if err != nil {
					t.Fatalf("%s: %v\n%s", text, err, d.Output())
				}
				if diff := cmp.Diff([]Record{{host, kind, 600, want}}, got); diff != "" {
					t.Errorf("%s: %s", text, diff)
				}
			}
			wantAnswer(t, c, &upkeep.Update{
				Requires: []upkeep.Prerequisite{{Name: host, Kind: upkeep.Exists, Type: upkeep.TypeDHCID, Data: add.Changes[1].Data}},
				Changes:  []upkeep.Change{{Name: host, Kind: upkeep.DeleteName}},
			}, upkeep.NoError)
		}
		if left := d.Zone(t, "example.com."); len(left) > 0 {
			t.Errorf("left are %q", left)
		}
	})
}

func TestDaemonTransfers(t *testing.T) {
	withDaemons(t, "", func(t *testing.T, d *dnstest.Daemon, c *Client) {
		var want []string
		for batch := range 40 { // two thousand names: a transfer of several messages
			u := &upkeep.Update{}
			for i := range 50 {
				host := name(t, fmt.Sprintf("host-%d-%d.example.com", batch, i))
				u.Changes = append(u.Changes, addition(t, host).Changes...)
				want = append(want, host.String()+" 28", host.String()+" 49")
			}
			wantAnswer(t, c, u, upkeep.NoError)
		}
		var got []string
		err := c.Transfer(t.Context(), 0, func(r *Record) error {
			if r.Type == upkeep.TypeAAAA || r.Type == upkeep.TypeDHCID {
				got = append(got, fmt.Sprintf("%s %d", r.Name, r.Type))
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(want)
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		enough := errors.New("enough")
		if err := c.Transfer(t.Context(), 0, func(*Record) error { return enough }); !errors.Is(err, enough) {
			t.Errorf("want the caller's error, got %v", err)
		}
	})
}

func TestDaemonRefuses(t *testing.T) {
	withDaemons(t, "", func(t *testing.T, d *dnstest.Daemon, _ *Client) {
		unsigned := daemonClient(t, d, nil)
		answer, err := unsigned.Exchange(t.Context(), addition(t, name(t, "host.example.com")))
		if err != nil || answer != upkeep.Refused && answer != upkeep.NotAuth {
			t.Errorf("an update without a key: %d, %v", answer, err)
		}
		var refused *RefusedError
		err = unsigned.Transfer(t.Context(), 0, func(*Record) error { return nil })
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), "does it allow this host, or this key, to read the zone?") {
			t.Errorf("a transfer without a key: %v", err)
		}
		for what, change := range map[string]func(k *Key){
			"BADSIG": func(k *Key) { k.Secret = []byte("another secret of thirty-two oct") },
			"BADKEY": func(k *Key) { k.Name = name(t, "other.example") },
		} {
			key, _ := testKey(t, "hmac-sha256")
			change(key)
			unhurried(t, func(timeout time.Duration) error {
				c := daemonClient(t, d, key)
				c.timeout = timeout
				_, err := c.Exchange(t.Context(), addition(t, name(t, "host.example.com")))
				var failed *Error
				if !errors.As(err, &failed) || failed.Failure != NotTrusted || !strings.Contains(err.Error(), what) {
					return fmt.Errorf("%s: got %w", what, err)
				}
				if err := c.Transfer(t.Context(), 0, func(*Record) error { return nil }); err == nil || !strings.Contains(err.Error(), what) {
					return fmt.Errorf("%s: transfer: %w", what, err)
				}
				return nil
			})
		}
	})
}

// The clocks are an hour apart: the one that signs here is wrong.
func TestDaemonSaysWhoseClock(t *testing.T) {
	withDaemons(t, "", func(t *testing.T, d *dnstest.Daemon, c *Client) {
		real := c.now
		c.now = func() time.Time { return real().Add(-time.Hour) }
		unhurried(t, func(timeout time.Duration) error {
			c.timeout = timeout
			_, err := c.Exchange(t.Context(), addition(t, name(t, "host.example.com")))
			if err == nil || !strings.Contains(err.Error(), "BADTIME: the server's clock says") {
				return fmt.Errorf("got %w", err)
			}
			return nil
		})
	})
}

// Where a key may update and query but not transfer, the names that bindings have are asked for one by one.
func TestDaemonRefusesTransfers(t *testing.T) {
	withDaemons(t, "", func(t *testing.T, d *dnstest.Daemon, c *Client) {
		host, other := name(t, "host.example.com"), name(t, "other.example.com")
		wantAnswer(t, c, addition(t, host), upkeep.NoError)
		wantAnswer(t, c, &upkeep.Update{Changes: []upkeep.Change{{Name: other, Type: upkeep.TypeCNAME, TTL: 600, Data: host}}}, upkeep.NoError)
		read := func(c *Client) (whole bool, got []string) {
			t.Helper()
			names := slices.Values([]naming.Name{host, other, name(t, "nobody.example.com")})
			whole, err := c.Read(t.Context(), 0, names, []upkeep.RRType{upkeep.TypeAAAA, upkeep.TypeA, upkeep.TypeDHCID}, func(r *Record) error {
				if r.Name.Under(name(t, "example.com")) && len(r.Name) > len(name(t, "example.com")) {
					got = append(got, fmt.Sprintf("%s %d %x", r.Name, r.Type, r.Data))
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			slices.Sort(got)
			return whole, got
		}
		whole, transferred := read(c)
		byName, asked := read(daemonClient(t, d, nil)) // without the key only queries are allowed
		if !whole || byName {
			t.Errorf("whole: %v with the key, %v without", whole, byName)
		}
		if diff := cmp.Diff(transferred, asked); diff != "" || len(asked) != 3 {
			t.Errorf("%q, %s", asked, diff)
		}
	})
}
