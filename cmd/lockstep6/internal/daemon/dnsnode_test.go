package daemon

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/naming"
	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/core/worker"
	"github.com/lockstep6/lockstep6/io/admin"
	"github.com/lockstep6/lockstep6/io/ddns/dnstest"
)

const (
	forwardZone = "example.net"
	reverseZone = "0.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"
)

var dnsKey = dnstest.Key{Name: "updates.", Algorithm: "hmac-sha256.", Secret: "c2VjcmV0IG9mIGEgdGVzdA=="}

// A zoneServer is a DNS server with its zones.
type zoneServer struct {
	dnstest.Server
	zones *dnstest.Zones
	addr  netip.AddrPort
}

func startZones(t *testing.T) *zoneServer {
	t.Helper()
	s := &zoneServer{zones: dnstest.NewZones(forwardZone+".", reverseZone+".")}
	s.Key, s.Handle = dnsKey, s.zones.Handle
	s.addr = s.Start(t)
	return s
}

// A naming node keeps DNS.
type namingNode struct {
	*reloading
	folder string
	server *zoneServer
	config string
}

// dnsSection is dns of a configuration, with a server for both zones.
func dnsSection(server netip.AddrPort) string {
	return fmt.Sprintf(`dns:
  domain: %[1]s
  zones:
    - {zone: %[1]s, servers: ["%[3]s"], key: updates}
    - {zone: %[2]s, servers: ["%[3]s"], key: updates}
  keys: [{name: updates, secret: "file:dns.key"}]
  timeout: 10s
`, forwardZone, reverseZone, server)
}

func startNaming(t *testing.T) *namingNode {
	t.Helper()
	n := &namingNode{folder: t.TempDir(), server: startZones(t)}
	if err := os.WriteFile(filepath.Join(n.folder, "dns.key"), []byte(dnsKey.Secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	n.config = reloadFile + dnsSection(n.server.addr)
	n.reloading = startNode(t, n.folder, "", n.config)
	return n
}

// restart ends the node, and starts one in its folder.
func (n *namingNode) restart() {
	n.t.Helper()
	n.end()
	n.reloading = startNode(n.t, n.folder, "", n.config)
}

// reload puts another configuration in force.
func (n *namingNode) reload(config string) {
	n.t.Helper()
	n.write(config)
	if _, err := n.Reload(n.t.Context(), admin.ReloadRequest{Force: true}); err != nil {
		n.t.Fatal(err)
	}
	n.config = config
}

// settled waits until nothing is left to be done, and holds what the zones have against what is wanted.
func (n *namingNode) settled(server *zoneServer, want ...[]string) {
	n.t.Helper()
	n.until("the queue is empty", func() bool { return n.store.TaskStats().Waiting == 0 })
	all := append([]string{}, slices.Concat(want...)...)
	slices.Sort(all)
	if diff := cmp.Diff(all, server.zones.Texts()); diff != "" {
		n.t.Errorf("the zones hold (-want +got):\n%s\nthe log:\n%s", diff, n.log)
	}
}

// waiting waits until so many tasks wait.
func (n *namingNode) waiting(tasks int) {
	n.t.Helper()
	n.until(fmt.Sprintf("%d tasks wait", tasks), func() bool { return n.store.TaskStats().Waiting == tasks })
}

// fqdn is a Client FQDN option that wants the server to keep the AAAA record of a name without domain, and the request for the one of the
// Reply (RFC 4704, Section 6).
func fqdn(host string) []byte {
	asked := wire.AppendOption(nil, wire.OptionORO, []byte{0, byte(wire.OptionClientFQDN)})
	return wire.AppendOption(asked, wire.OptionClientFQDN, append([]byte{byte(naming.FlagS), byte(len(host))}, host...))
}

// acquireNamed gets an address under a name.
func (c *client) acquireNamed(host string) netip.Prefix {
	c.t.Helper()
	c.send(wire.Solicit, append(ia(nil, wire.IANA), fqdn(host)...), false)
	offered := c.receive()
	if len(offered) != 1 {
		c.t.Fatalf("offered %v, want an address", offered)
	}
	return c.say(wire.Request, offered[0].prefix, host)
}

// say sends a message about an address, with a name; without one where that is empty. It returns the address of the Reply, which has the name.
func (c *client) say(m wire.MessageType, address netip.Prefix, host string) netip.Prefix {
	c.t.Helper()
	options := ia(nil, wire.IANA, address)
	if host == "" {
		c.send(m, options, true)
		c.receive()
		return netip.Prefix{}
	}
	c.send(m, append(options, fqdn(host)...), true)
	got := c.receive()
	if len(got) != 1 || got[0].valid == 0 {
		c.t.Fatalf("got %v, want an address", got)
	}
	if want := append([]byte{byte(naming.FlagS)}, wireName(c.t, host+"."+forwardZone)...); !bytes.Equal(c.fqdn, want) {
		c.t.Errorf("the Reply's Client FQDN option has %q, want %q", c.fqdn, want)
	}
	return got[0].prefix
}

func wireName(t *testing.T, text string) naming.Name {
	t.Helper()
	name, err := naming.ParseName(text)
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// records are what the zones shall have of an address under a name.
func (c *client) records(host string, address netip.Prefix) []string {
	c.t.Helper()
	name, a := wireName(c.t, host+"."+forwardZone), address.Addr().As16()
	dhcid := naming.DHCID(c.duid, name)
	whole := host + "." + forwardZone + "."
	return []string{
		whole + " AAAA " + address.Addr().String(),
		whole + " DHCID " + base64.StdEncoding.EncodeToString(dhcid[:]),
		naming.AppendReverse(nil, &a).String() + " PTR " + whole,
	}
}

// expire reclaims what ends within the next days.
func (n *namingNode) expire() {
	n.t.Helper()
	h := n.table.NewHandle()
	defer h.Close()
	n.changing.sweeping.Lock()
	changes, count := engine.NewSweeper(h, n.marks).Sweep(n.site.Load(), n.second()+1e6, sweepGrace, sweepBudget, nil)
	n.changing.sweeping.Unlock()
	if count == 0 {
		n.t.Fatal("nothing ends")
	}
	done := make(chan *worker.Write, 1)
	n.store.Append(&worker.Write{Changes: changes, Count: count, Done: done})
	<-done
}

// in128 is an address as leases have it.
func in128(text string) netip.Prefix { return netip.PrefixFrom(netip.MustParseAddr(text), 128) }
