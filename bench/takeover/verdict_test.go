package takeover

import (
	"net/netip"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
)

var had = [kinds]netip.Prefix{netip.MustParsePrefix("2001:db8:1::5/128"), netip.MustParsePrefix("2001:db8:8000:500::/56")}

// reply is a Reply whose IAs have leases with these valid lifetimes; an IA that is nil is left out. Any goroutine may call
// it; with a fault it returns nil.
func reply(t *testing.T, addresses, prefixes map[string]time.Duration) *dhcpv6.Message {
	t.Helper()
	m, err := dhcpv6.NewMessage()
	if err != nil {
		t.Error(err)
		return nil
	}
	m.MessageType = dhcpv6.MessageTypeReply
	if addresses != nil {
		na := &dhcpv6.OptIANA{IaId: iaids[anAddress]}
		for a, valid := range addresses {
			na.Options.Add(&dhcpv6.OptIAAddress{IPv6Addr: netip.MustParseAddr(a).AsSlice(), ValidLifetime: valid})
		}
		m.AddOption(na)
	}
	if prefixes != nil {
		pd := &dhcpv6.OptIAPD{IaId: iaids[aPrefix]}
		for p, valid := range prefixes {
			pd.Options.Add(&dhcpv6.OptIAPrefix{Prefix: ipNet(netip.MustParsePrefix(p)), ValidLifetime: valid})
		}
		m.AddOption(pd)
	}
	// What arrives is what was parsed.
	parsed, err := dhcpv6.FromBytes(m.ToBytes())
	if err != nil {
		t.Error(err)
		return nil
	}
	return parsed.(*dhcpv6.Message)
}

func TestJudge(t *testing.T) {
	type leases = map[string]time.Duration
	keepAddress, keepPrefix := leases{"2001:db8:1::5": time.Hour}, leases{"2001:db8:8000:500::/56": time.Hour}
	for _, test := range []struct {
		name                string
		addresses, prefixes leases
		want                string
	}{
		{"both", keepAddress, keepPrefix, "address kept; prefix kept"},
		{"no prefix", keepAddress, nil, "address kept; prefix left out"},
		{"an empty IA", leases{}, keepPrefix, "address left out; prefix kept"},
		{"withdrawn", leases{"2001:db8:1::5": 0}, keepPrefix, "address withdrawn with lifetimes 0; prefix kept"},
		{
			"renumbered", leases{"2001:db8:1::5": 0, "2001:db8:1::6": time.Hour}, leases{"2001:db8:8000:600::/56": time.Hour},
			"address withdrawn with lifetimes 0, another one given; prefix another one given",
		},
		{"another length", keepAddress, leases{"2001:db8:8000:500::/60": time.Hour}, "address kept; prefix another one given"},
		{"a stranger's", keepAddress, leases{"2001:db8:8000:500::/56": time.Hour, "2001:db8:8000:600::/56": 0}, "address kept; prefix kept"},
	} {
		if got := judge(reply(t, test.addresses, test.prefixes), 1, had).String(); got != test.want {
			t.Errorf("%s: want %q, got %q", test.name, test.want, got)
		}
	}
	if got := judge(nil, 4, had); !got.Silent || got.String() != "no answer" {
		t.Errorf("no Reply: got %+v", got)
	}
}

func TestJudgeTellsStatus(t *testing.T) {
	m := reply(t, nil, nil)
	na := &dhcpv6.OptIANA{IaId: iaids[anAddress]}
	na.Options.Add(&dhcpv6.OptStatusCode{StatusCode: 3, StatusMessage: "no such binding"})
	m.AddOption(na)
	if got, want := judge(m, 1, had).String(), "address NoBinding; prefix left out"; got != want {
		t.Errorf("want %q, got %q", want, got)
	}
}

// TestTable: every client stands in each column that is true of it, once.
func TestTable(t *testing.T) {
	kept, zero := Fate{Kept: true}, Fate{Withdrawn: true, Other: true}
	row := Row{
		Contender: Contender{Server: Kea, Pools: "split"},
		Tally: count([]Verdict{
			{Sent: 2, Leases: [kinds]Fate{kept, kept}},
			{Sent: 1, Leases: [kinds]Fate{zero, zero}},
			{Sent: 3, Leases: [kinds]Fate{kept, {}}},
			{Sent: 3, Leases: [kinds]Fate{kept, {Status: "NoBinding"}}},
			{Silent: true},
			{Sent: 2, Leases: [kinds]Fate{kept, kept}},
		}),
	}
	const want = `## Rebind

| servers | pools | address and prefix kept | address kept | prefix kept | lifetimes 0 | another lease given | left out | no answer | Rebinds sent |
|---|---|---|---|---|---|---|---|---|---|
| Kea | split | **2 of 6** | 4 | 2 | 1 | 1 | 2 | 1 | 1 to 3 |

Kea, split:

- 2: address kept; prefix kept
- 1: address withdrawn with lifetimes 0, another one given; prefix withdrawn with lifetimes 0, another one given
- 1: address kept; prefix left out
- 1: address kept; prefix NoBinding
- 1: no answer

`
	if got := Markdown(&Event{Title: "Rebind"}, []Row{row}); got != want {
		t.Errorf("want\n%s\ngot\n%s", want, got)
	}
}
