package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
)

// RFC 9915, Sections 18.3.11 and 20.4: a client of somebody else's verifies what the server asks it for, directly and through relays
// of somebody else's, and comes; over a restart of the server, and again. dhcpcd knows no Reconfigure that asks for a Rebind.
func TestReconfigure(t *testing.T) {
	const asked = "reconfigure: {}\n" + calm
	for name, lab := range map[string]func(t *testing.T) *bench{
		"direct":    func(t *testing.T) *bench { return newBench(t, asked+onLink) },
		"one relay": func(t *testing.T) *bench { return newRelayedWith(t, asked+behindRelays, IscRelay{}, nil) },
		"two relays": func(t *testing.T) *bench {
			return newRelayedWith(t, asked+behindRelays, DibblerRelay{InterfaceID: 7}, IscRelay{})
		},
	} {
		t.Run(strings.ReplaceAll(name, " ", "-"), func(t *testing.T) {
			t.Parallel()
			b, link := lab(t), "home"
			if name == "direct" {
				link = "lan"
			}
			Dhcpcd{}.Start(b.client, Wish{Addresses: 1, Prefixes: 1, Accept: true})
			address := b.address()
			b.server.Stop()
			b.server.Start()
			for _, whom := range [][]string{{"--link", link}, {"--client", dhcpcdDUID(b)}} {
				since := time.Now()
				said := b.server.Command(append([]string{"reconfigure", "--wait", "--data", b.server.Data()}, whom...)...)
				if !strings.Contains(said, "has ended: 1 client, 1 answered") {
					t.Errorf("the command says %s", said)
				}
				_, reply := b.tap.Answered(dhcpv6.MessageTypeRenew, dhcpv6.MessageTypeReply, since)
				wantAddress(t, reply, address)
			}
		})
	}
}

// dhcpcdDUID is the DUID-LL that dhcpcd is set to have.
func dhcpcdDUID(b *bench) string { return "00:03:00:01:" + b.client.MAC("eth0") }
