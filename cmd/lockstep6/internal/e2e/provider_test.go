package e2e

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/iana"
)

// The provider of examples/provider.yaml: three nodes; a CMTS and the BNGs of two makers, each with customers' gateways behind it, which run
// clients of Debian's packages; modems, and machines that boot.

// provider's customers by their lines: the Remote-ID that a BNG gives them.
var lines = map[string]string{"home": "home-0001", "office": "biz-0017", "branch": "biz-0042"}

// A customer is a gateway behind a relay, and what it should get.
type customer struct {
	gatewayHost
	addresses netip.Prefix
	prefixes  netip.Prefix
	length    int
	dns       string
}

// served tells whether the customer has one address and one prefix, those that it should.
func (c *customer) served() bool {
	addresses, got := c.GlobalAddresses("eth0"), c.client.Got(c.Host)
	prefixes := slices.Compact(got.Prefixes) // some clients tell of each Renew
	return len(addresses) == 1 && c.addresses.Contains(addresses[0]) && len(prefixes) == 1 &&
		c.prefixes.Contains(prefixes[0].Addr()) && prefixes[0].Bits() == c.length && slices.Contains(got.DNS, netip.MustParseAddr(c.dns))
}

// A provider is the cluster with what its relays are plugged into.
type provider struct {
	*Cluster
	relays    int
	customers []*customer
}

func newProvider(t *testing.T) *provider {
	t.Helper()
	example, err := os.ReadFile("../../../../examples/provider.yaml")
	if err != nil {
		t.Fatal(err)
	}
	file := string(example)
	for _, change := range [][2]string{
		{"env:LOCKSTEP6_KEY", strings.Repeat("0123456789abcdef", 4)},
		{"2001:db8:f::", "2001:db8:ffff::"},
		{"lifetimes: {preferred: 1d, valid: 2d, renew: 6h, rebind: 18h}", "lifetimes: {preferred: 50s, valid: 90s, renew: 6s, rebind: 15s}"},
	} {
		if !strings.Contains(file, change[0]) {
			t.Fatalf("the example has no %s", change[0])
		}
		file = strings.ReplaceAll(file, change[0], change[1])
	}
	return &provider{Cluster: NewLab(t).newCluster([]string{"north", "south", "west"}, func(int) string { return file })}
}

// relay makes a host that relays for what is plugged into its segment. Its agent says the same of our own clients.
func (p *provider) relay(name, link string, dress func(r *dhcpv6.RelayMessage, client net.HardwareAddr)) (*Segment, *Agent) {
	p.t.Helper()
	lan, h := p.Segment(name+"-lan"), p.Host(name)
	p.relays++
	h.Plug(lan, "eth0", link+"/64")
	h.Plug(p.core, "eth1", fmt.Sprintf("2001:db8:ffff::10%d/64", p.relays))
	h.Gateway(Gateway{Link: netip.MustParseAddr(link), Dress: dress}, p.addresses()...)
	var servers []string
	for _, n := range p.Nodes {
		servers = append(servers, "["+n.Address+"]:547")
	}
	agent := h.Agent(servers...)
	agent.dress = func(r *dhcpv6.RelayMessage, client net.HardwareAddr) {
		dress(r, client)
		r.AddOption(dhcpv6.OptRelayPort(0))
	}
	return lan, agent
}

// customer plugs a gateway in.
func (p *provider) customer(lan *Segment, name string, client Client, addresses, prefixes string, length int, dns string) *customer {
	p.t.Helper()
	h := p.Host(name)
	h.Plug(lan, "eth0")
	c := &customer{gatewayHost{h, client}, netip.MustParsePrefix(addresses), netip.MustParsePrefix(prefixes), length, dns}
	p.customers = append(p.customers, c)
	return c
}

const dnsOfAll, dnsOfBusiness = "2001:db8:53::1", "2001:db8:53::b"

// byCMTS adds what a cable modem termination system does: the modem's address (CableLabs' option 1026) and the channel.
func byCMTS(r *dhcpv6.RelayMessage, client net.HardwareAddr) {
	r.AddOption(dhcpv6.OptInterfaceID([]byte("cable 5/0/1")))
	r.AddOption(&dhcpv6.OptVendorOpts{EnterpriseNumber: 4491, VendorOpts: dhcpv6.Options{
		&dhcpv6.OptionGeneric{OptionCode: 1026, OptionData: client},
	}})
}

// byNokia adds what a Nokia BNG does, of its enterprise's options: the customer's pools, and the length of its prefix.
func byNokia(r *dhcpv6.RelayMessage, name string) {
	const wanPool, prefixPool, prefixLength = 1, 2, 3
	kind, length := "homes", byte(56)
	switch name {
	case "flat":
		length = 60
	case "factory":
		kind, length = "business", 48
	}
	r.AddOption(dhcpv6.OptInterfaceID([]byte("1/1/3:200.17")))
	r.AddOption(&dhcpv6.OptVendorOpts{EnterpriseNumber: 6527, VendorOpts: dhcpv6.Options{
		&dhcpv6.OptionGeneric{OptionCode: wanPool, OptionData: []byte(kind + "-wan")},
		&dhcpv6.OptionGeneric{OptionCode: prefixPool, OptionData: []byte(kind + "-pd")},
		&dhcpv6.OptionGeneric{OptionCode: prefixLength, OptionData: []byte{length}},
	}})
}

func TestProvider(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	cable, modems := p.relay("cmts", "2001:db8:40::1", byCMTS)
	p.customer(cable, "surfer", Dhcpcd{}, "2001:db8:40:1::/64", "2001:db8:4000::/36", 56, dnsOfAll)
	p.customer(cable, "gamer", Dibbler{}, "2001:db8:40:1::/64", "2001:db8:4000::/36", 56, dnsOfAll)

	names := map[string]string{} // of customers by hardware address
	first, _ := p.relay("bng1", "2001:db8:10::1", func(r *dhcpv6.RelayMessage, client net.HardwareAddr) {
		r.AddOption(dhcpv6.OptInterfaceID([]byte("ge-0/0/1.100:17")))
		r.AddOption(&dhcpv6.OptRemoteID{EnterpriseNumber: 2636, RemoteID: []byte(lines[names[client.String()]])})
		r.AddOption(&dhcpv6.OptionGeneric{OptionCode: dhcpv6.OptionClientLinkLayerAddr, OptionData: append([]byte{0, 1}, client...)})
	})
	p.customer(first, "home", Dhcpcd{}, "2001:db8:10::/64", "2001:db8:8000::/36", 56, dnsOfAll)
	p.customer(first, "office", Dhclient{}, "2001:db8:10::17/128", "2001:db8:9000::/48", 48, dnsOfBusiness)
	p.customer(first, "branch", Dibbler{}, "2001:db8:10::/64", "2001:db8:9000::/36", 48, dnsOfBusiness)
	second, _ := p.relay("bng2", "2001:db8:20::1", func(r *dhcpv6.RelayMessage, client net.HardwareAddr) { byNokia(r, names[client.String()]) })
	p.customer(second, "flat", Dhclient{}, "2001:db8:20::/64", "2001:db8:b000::/36", 60, dnsOfAll)
	p.customer(second, "house", Dibbler{}, "2001:db8:20::/64", "2001:db8:a000::/36", 56, dnsOfAll)
	p.customer(second, "factory", Dhcpcd{}, "2001:db8:20:1::/64", "2001:db8:c000::/36", 48, dnsOfAll)
	for _, c := range p.customers {
		names[c.MAC("eth0")] = c.Name
	}
	for _, c := range p.customers {
		c.client.Start(c.Host, Wish{Addresses: 1, Prefixes: 1})
	}
	for _, c := range p.customers {
		c.eventually("what is for it", c.served)
	}
	wantModem(t, modems)
	_, machines := p.relay("router", "2001:db8:70::1", func(r *dhcpv6.RelayMessage, client net.HardwareAddr) {
		r.AddOption(&dhcpv6.OptionGeneric{OptionCode: dhcpv6.OptionClientLinkLayerAddr, OptionData: append([]byte{0, 1}, client...)})
	})
	wantBoot(t, machines)
	p.dies(p.customers[0])
}

// dies kills the node that serves a customer, which goes on at another one with what it has, and so do all others.
func (p *provider) dies(c *customer) {
	t := p.t
	t.Helper()
	var by *Node
	c.eventually("its last Reply in a recording", func() bool { by, _ = p.lastReply(c, time.Time{}); return by != nil })
	had := map[string][]netip.Addr{}
	for _, c := range p.customers {
		had[c.Name] = c.GlobalAddresses("eth0")
	}
	killed := time.Now()
	by.Kill()
	c.eventually("an answer of another node", func() bool {
		other, _ := p.lastReply(c, killed)
		return other != nil && other != by
	})
	for _, c := range p.customers {
		if now := c.GlobalAddresses("eth0"); !slices.Equal(now, had[c.Name]) || !c.served() {
			t.Errorf("%s had %v and has %v; prefixes %v", c.Name, had[c.Name], now, c.client.Got(c.Host).Prefixes)
		}
	}
}

// lastReply is the node that gave a customer its last Reply since a moment, if one did.
func (p *provider) lastReply(c *customer, since time.Time) (by *Node, reply *Packet) {
	for _, n := range p.Nodes {
		for _, packet := range n.tap.Packets() {
			if packet.Own && packet.Inner != nil && packet.Inner.MessageType == dhcpv6.MessageTypeReply && clientOf(&packet) == c.duid() &&
				packet.Time.After(since) && (reply == nil || packet.Time.After(reply.Time)) {
				by, reply = n, &packet
			}
		}
	}
	return by, reply
}

// wantModem lets a cable modem begin: it gets an address of the operator's network and where its configuration is, and no prefix.
func wantModem(t *testing.T, agent *Agent) {
	t.Helper()
	modem := agent.Client("2001:db8:40::1", 1)
	modem.host = true
	modem.more = []dhcpv6.Option{
		&dhcpv6.OptVendorClass{EnterpriseNumber: 4491, Data: [][]byte{[]byte("docsis3.1:000102")}},
		dhcpv6.OptRequestedOption(dhcpv6.OptionVendorOpts),
	}
	l, err := modem.Acquire(patience)
	if err != nil {
		t.Fatal(err)
	}
	reply, err := modem.Send(dhcpv6.MessageTypeRenew, l, patience)
	if err != nil {
		t.Fatal(err)
	}
	ia := reply.Options.OneIANA()
	if !netip.MustParsePrefix("2001:db8:40::/64").Contains(l.Address) || ia == nil || ia.T1.Hours() != 48 {
		t.Errorf("a modem got %v, and\n%s", l.Address, reply.Summary())
	}
	said := reply.Options.VendorOpts()
	if len(said) != 1 || said[0].EnterpriseNumber != 4491 || said[0].VendorOpts.GetOne(33) == nil || string(said[0].VendorOpts.GetOne(33).ToBytes()) != "modem.cfg" {
		t.Errorf("a modem is told\n%s", reply.Summary())
	}
	modem.host = false // asks for a prefix too
	if m, err := modem.Send(dhcpv6.MessageTypeSolicit, Lease{}, 2*offersWithin); err == nil {
		if pd := m.Options.OneIAPD(); pd == nil || status(pd.Options.Status()) != iana.StatusNoPrefixAvail {
			t.Errorf("a modem that asks for a prefix is offered\n%s", m.Summary())
		}
	}
}

// wantBoot lets a machine begin in stages, each of which has a DUID of its own: the firmware, iPXE, and the system. It has one address in all
// of them, and boot files by what it is at the moment.
func wantBoot(t *testing.T, agent *Agent) {
	t.Helper()
	asks := dhcpv6.OptRequestedOption(dhcpv6.OptionBootfileURL)
	iPXE := &dhcpv6.OptUserClass{UserClasses: [][]byte{[]byte("iPXE")}}
	uefi := dhcpv6.OptClientArchType(iana.EFI_X86_64)
	http := dhcpv6.OptClientArchType(iana.EFI_X86_64_HTTP, iana.EFI_X86_64)
	asksHTTP := &dhcpv6.OptVendorClass{EnterpriseNumber: 343, Data: [][]byte{[]byte("HTTPClient:Arch:00016:UNDI:003001")}}
	var has netip.Addr
	for number, stage := range []struct {
		name string
		more []dhcpv6.Option
		url  string
	}{
		{"firmware", []dhcpv6.Option{asks, uefi}, "tftp://[2001:db8:69::1]/ipxe.efi"},
		{"firmware by HTTP", []dhcpv6.Option{asks, http, asksHTTP}, "http://[2001:db8:69::1]/boot.efi"},
		{"iPXE", []dhcpv6.Option{asks, uefi, iPXE}, "http://[2001:db8:69::1]/install.ipxe"},
		{"system", nil, ""},
	} {
		machine := agent.Client("2001:db8:70::1", 1)
		machine.host, machine.more = true, stage.more
		machine.duid = &dhcpv6.DUIDUUID{UUID: [16]byte{15: byte(number)}}
		l, err := machine.Acquire(patience)
		if err != nil {
			t.Fatalf("%s: %v", stage.name, err)
		}
		reply, err := machine.Send(dhcpv6.MessageTypeRenew, l, patience)
		if err != nil {
			t.Fatalf("%s: %v", stage.name, err)
		}
		if url := reply.Options.BootFileURL(); url != stage.url || number > 0 && l.Address != has {
			t.Errorf("%s has %v, and %q to boot; want %v, %q", stage.name, l.Address, url, has, stage.url)
		}
		has = l.Address
	}
}
