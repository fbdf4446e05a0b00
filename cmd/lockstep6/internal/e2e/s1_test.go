package e2e

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/insomniacslk/dhcp/dhcpv6"
)

// Scenario S1: a host on the link gets an address by Solicit/Advertise/Request/Reply and by Rapid Commit, renews,
// rebinds, confirms, declines and releases; options asked for arrive.

// clients are all that can hold a lease.
var clients = []Client{Dhclient{}, Dhcpcd{}, Dibbler{}, Wide{}, Networkd{}}

// onLink is a single node for directly connected clients.
const onLink = `
listen: {interfaces: [eth0]}
options:
  dns-servers: ["2001:db8::53", "2001:db8::54"]
  domain-search: [example.net, example.org]
links:
  - name: lan
    match: {interface: eth0}
    addresses: [{pool: 2001:db8:1::/64}]
    prefixes: [{pool: "2001:db8:8000::/40", length: 56}]
`

// Lifetimes: calm ones never run out during a test, brisk ones let a client renew within seconds and leave a minute
// between T2 and the end, since a Rebind is repeated only after ten seconds.
const (
	calm  = "lifetimes: {preferred: 50m, valid: 80m, renew: 25m, rebind: 40m}\n"
	brisk = "lifetimes: {preferred: 60s, valid: 90s, renew: 5s, rebind: 12s}\n"
	// networkd lets its timers slip by up to ten seconds, and would go from T1 to T2 without a Renew.
	slower = "lifetimes: {preferred: 100s, valid: 150s, renew: 12s, rebind: 36s}\n"
)

var (
	wantDNS    = []netip.Addr{netip.MustParseAddr("2001:db8::53"), netip.MustParseAddr("2001:db8::54")}
	wantSearch = []string{"example.net", "example.org"}
	pool       = netip.MustParsePrefix("2001:db8:1::/64")
	delegated  = netip.MustParsePrefix("2001:db8:8000::/40")
)

// A bench is the smallest lab: a server and a client on one link.
type bench struct {
	*Lab
	lan    *Segment
	server *Server
	tap    *Capture
	client *Host
}

func newBench(t *testing.T, config string) *bench {
	t.Helper()
	b := &bench{Lab: NewLab(t)}
	b.lan = b.Segment("lan")
	host := b.Host("server")
	host.Plug(b.lan, "eth0", "2001:db8:1::1/64")
	b.tap = host.Capture("eth0")
	b.server = host.Serve(config)
	b.client = b.Host("client")
	b.client.Plug(b.lan, "eth0")
	return b
}

// address waits for the client's one address.
func (b *bench) address() netip.Addr {
	b.t.Helper()
	var got []netip.Addr
	b.client.eventually("an address from the pool", func() bool {
		got = b.client.GlobalAddresses("eth0")
		return len(got) == 1 && pool.Contains(got[0])
	})
	return got[0]
}

// wantAddress fails the test unless a Reply grants exactly this address.
func wantAddress(t *testing.T, p *Packet, want netip.Addr) {
	t.Helper()
	if diff := cmp.Diff([]netip.Addr{want}, granted(p), byString); diff != "" {
		t.Errorf("addresses of the Reply (-want +got)\n%s", diff)
	}
}

// byString compares addresses and prefixes as they are written.
var byString = cmp.Options{
	cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
	cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
}

// wantOptions waits until the client reports the DNS servers and the search list.
func wantOptions(t *testing.T, c Client, h *Host) {
	t.Helper()
	h.eventually("the DNS servers and the search list", func() bool {
		got := c.Got(h)
		return slices.Equal(got.DNS, wantDNS) && slices.Equal(got.Search, wantSearch)
	})
}

func TestS1Lease(t *testing.T) {
	for _, c := range clients {
		t.Run(c.Name(), func(t *testing.T) {
			t.Parallel()
			lifetimes := brisk
			if c == (Networkd{}) {
				lifetimes = slower
			}
			b := newBench(t, lifetimes+onLink)
			start := time.Now()
			running := c.Start(b.client, Wish{Addresses: 1})
			address := b.address()
			b.tap.Answered(dhcpv6.MessageTypeSolicit, dhcpv6.MessageTypeAdvertise, start)
			_, reply := b.tap.Answered(dhcpv6.MessageTypeRequest, dhcpv6.MessageTypeReply, start)
			wantAddress(t, reply, address)
			wantOptions(t, c, b.client)

			_, reply = b.tap.Answered(dhcpv6.MessageTypeRenew, dhcpv6.MessageTypeReply, start)
			wantAddress(t, reply, address)

			// Without a server the client passes T2 and rebinds; the server that returns knows the binding.
			b.server.Stop()
			b.tap.Seen(dhcpv6.MessageTypeRebind, start)
			b.server.Start()
			_, reply = b.tap.Answered(dhcpv6.MessageTypeRebind, dhcpv6.MessageTypeReply, start)
			wantAddress(t, reply, address)

			leaving := time.Now()
			c.Release(running)
			if c == (Networkd{}) {
				b.tap.Judge() // this networkd gives nothing back when it ends
				return
			}
			_, reply = b.tap.Answered(dhcpv6.MessageTypeRelease, dhcpv6.MessageTypeReply, leaving)
			wantSuccess(t, reply)
			b.tap.Judge()
		})
	}
}

// wantSuccess fails the test where a Reply to a Release or Decline says otherwise. RFC 9915, Section 18.3.7: the
// status stands at the top; an IA that is unknown would carry NoBinding.
func wantSuccess(t *testing.T, p *Packet) {
	t.Helper()
	if s := p.Inner.Options.Status(); s != nil && s.StatusCode != 0 {
		t.Errorf("status of the Reply: %v", s)
	}
	for _, ia := range p.Inner.Options.IANA() {
		if s := ia.Options.Status(); s != nil && s.StatusCode != 0 {
			t.Errorf("status in the Reply's IA_NA: %v", s)
		}
	}
}

func TestS1RapidCommit(t *testing.T) {
	for _, c := range clients {
		t.Run(c.Name(), func(t *testing.T) {
			t.Parallel()
			b := newBench(t, calm+"rapid-commit: all\n"+onLink)
			start := time.Now()
			c.Start(b.client, Wish{Addresses: 1, Rapid: true})
			address := b.address()
			_, reply := b.tap.Answered(dhcpv6.MessageTypeSolicit, dhcpv6.MessageTypeReply, start)
			wantAddress(t, reply, address)
			if reply.Inner.GetOneOption(dhcpv6.OptionRapidCommit) == nil {
				t.Error("the Reply carries no Rapid Commit option")
			}
			if n := b.tap.Count(dhcpv6.MessageTypeRequest, false, start); n != 0 {
				t.Errorf("the client sent %d Requests after a Rapid Commit", n)
			}
			wantOptions(t, c, b.client)
			b.tap.Judge()
		})
	}
}

// Clients that remember their lease ask after a restart whether they are still on the link. The WIDE client and
// networkd forget, so they take no part.
func TestS1Confirm(t *testing.T) {
	for _, c := range []Client{Dhclient{}, Dhcpcd{}, Dibbler{}} {
		t.Run(c.Name(), func(t *testing.T) {
			t.Parallel()
			b := newBench(t, calm+onLink)
			running := c.Start(b.client, Wish{Addresses: 1})
			address := b.address()
			wantOptions(t, c, b.client)
			running.Kill()
			b.run("ip", "-n", b.client.ns, "addr", "flush", "dev", "eth0", "scope", "global")

			again := time.Now()
			c.Start(b.client, Wish{Addresses: 1})
			_, reply := b.tap.Answered(dhcpv6.MessageTypeConfirm, dhcpv6.MessageTypeReply, again)
			if s := reply.Inner.Options.Status(); s != nil && s.StatusCode != 0 {
				t.Errorf("status of the Reply: %v", s)
			}
			if got := b.address(); got != address {
				t.Errorf("after the Confirm the client has %v, had %v", got, address)
			}
			b.tap.Judge()
		})
	}
}

// A client that finds its address in use declines it and gets another. The server gives a client that returns the
// same address again, so the test knows beforehand which address another host has to occupy.
// Of the real clients only dhclient can take part: the kernel removes an address that failed detection; dibbler takes
// that for "inconclusive" and keeps the lease, dhcpcd 9.4 for the deed of somebody else, and the others never decline.
func TestS1Decline(t *testing.T) {
	for _, c := range []Client{Dhclient{}} {
		t.Run(c.Name(), func(t *testing.T) {
			t.Parallel()
			b := newBench(t, calm+onLink)
			start := time.Now()
			running := c.Start(b.client, Wish{Addresses: 1})
			taken := b.address()
			wantOptions(t, c, b.client)
			c.Release(running)
			b.tap.Answered(dhcpv6.MessageTypeRelease, dhcpv6.MessageTypeReply, start)

			squatter := b.Host("squatter")
			squatter.Plug(b.lan, "eth0", taken.String()+"/64")
			again := time.Now()
			c.Start(b.client, Wish{Addresses: 1})
			decline, reply := b.tap.Answered(dhcpv6.MessageTypeDecline, dhcpv6.MessageTypeReply, again)
			if got := named(decline); !slices.Equal(got, []netip.Addr{taken}) {
				t.Errorf("the client declined %v, had %v", got, taken)
			}
			wantSuccess(t, reply)
			if got := b.address(); got == taken {
				t.Errorf("the client got the declined %v again", taken)
			}
			b.tap.Judge()
		})
	}
}
