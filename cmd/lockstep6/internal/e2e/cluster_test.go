package e2e

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"

	"github.com/insomniacslk/dhcp/dhcpv6"
)

// A Shared is the file that all nodes of a cluster share: three nodes with one link of clients.
type Shared struct {
	ID, Key   string
	Hash      string
	Model     string
	Favour    string
	Nodes     [3]uint8 // preferences of the nodes a, b and c
	Lifetimes string   // the line in the file
	Listen    string   // what stands beside the interface
	Sync      string   // whether grants wait for the disk
	Addresses string   // the pool, as YAML: one for all nodes, or a map of them
	Prefixes  string   // likewise
	DNS       string   // the section dns, if there is one
}

// models are the three of RFC 6853, Section 6.
var models = []string{"identical", "split", "unique"}

// preferred is a cluster whose first node every client should take.
func preferred(model string) Shared {
	s := Shared{
		ID: "5b0e4ad8-3c1f-4f0e-9a57-0d6c2f1b7a11", Key: strings.Repeat("0123456789abcdef", 4), Hash: "xxh64",
		Model: model, Favour: "preference", Sync: "always", Nodes: [3]uint8{255, 0, 100}, Lifetimes: calm,
		Addresses: "2001:db8:1::/64", Prefixes: "3fff::/32",
	}
	if model == "unique" {
		s.Addresses = `{a: "2001:db8:1:a::/64", b: "2001:db8:1:b::/64", c: "2001:db8:1:c::/64"}`
		s.Prefixes = `{a: "3fff::/34", b: "3fff:0:4000::/34", c: "3fff:0:8000::/34"}`
	}
	return s
}

// Pools of all nodes and all models lie in these.
var (
	clusterAddresses = netip.MustParsePrefix("2001:db8:1::/48")
	clusterPrefixes  = netip.MustParsePrefix("3fff::/32")
)

// YAML is the file.
func (s *Shared) YAML() string {
	return fmt.Sprintf(`
cluster:
  id: %s
  key: %s
  hash: %s
  model: %s
  favour: %s
  nodes: [{name: a, preference: %d}, {name: b, preference: %d}, {name: c, preference: %d}]
listen: {interfaces: [eth0]%s}
store: {sync: %s}
log: {leases: false}
%soptions:
  dns-servers: ["2001:db8::53", "2001:db8::54"]
  domain-search: [example.net, example.org]
links:
  - name: home
    match: {interface: eth0, link-addresses: ["2001:db8:1::/48"]}
    addresses: [{pool: %s}]
    prefixes: [{pool: %s, length: 56}]
%s`, s.ID, s.Key, s.Hash, s.Model, s.Favour, s.Nodes[0], s.Nodes[1], s.Nodes[2], s.Listen, s.Sync, s.Lifetimes, s.Addresses, s.Prefixes, s.DNS)
}

// A Node is one of a cluster's servers.
type Node struct {
	*Server
	Name    string
	Address string // where relays reach it
	DUID    dhcpv6.DUID
	tap     *Capture
}

// A Cluster is three nodes on a segment, and hosts beside them.
type Cluster struct {
	*Lab
	core  *Segment
	lan   *Segment // where clients are; the core unless Relay made another
	Nodes []*Node
}

// NewCluster starts the three nodes; each may be given a file of its own.
func (l *Lab) NewCluster(files ...Shared) *Cluster {
	l.t.Helper()
	return l.newCluster([]string{"a", "b", "c"}, func(i int) string { return files[min(i, len(files)-1)].YAML() })
}

// newCluster starts nodes, of which each has a file.
func (l *Lab) newCluster(names []string, file func(i int) string) *Cluster {
	l.t.Helper()
	c := &Cluster{Lab: l, core: l.Segment("core")}
	c.lan = c.core
	for i, name := range names {
		host := l.Host(name)
		n := &Node{Name: name, Address: fmt.Sprintf("2001:db8:ffff::%d", i+1)}
		host.Plug(c.core, "eth0", n.Address+"/64")
		n.tap = host.Capture("eth0")
		n.Server = host.Serve(file(i), "--node", name)
		n.DUID = n.planned(i)
		c.Nodes = append(c.Nodes, n)
	}
	return c
}

// planned is the DUID that the program says that the node has.
func (n *Node) planned(i int) dhcpv6.DUID {
	t := n.host.lab.t
	t.Helper()
	var plan struct{ Nodes []struct{ DUID string } }
	n.host.lab.decode([]byte(n.Command("plan", "--config", n.config, "--format", "json")), &plan)
	data, err := hex.DecodeString(plan.Nodes[i].DUID)
	if err != nil {
		t.Fatal(err)
	}
	duid, err := dhcpv6.DUIDFromBytes(data)
	if err != nil {
		t.Fatal(err)
	}
	return duid
}

// addresses of all nodes.
func (c *Cluster) addresses() (all []string) {
	for _, n := range c.Nodes {
		all = append(all, n.Address)
	}
	return all
}

// Relay puts clients behind a relay that is told of all nodes.
func (c *Cluster) Relay(r Relay) {
	c.t.Helper()
	c.lan = c.Segment("lan")
	h := c.Host("relay")
	h.Plug(c.lan, "eth0", linkAddress+"/64")
	h.Plug(c.core, "eth1", "2001:db8:ffff::fffe/64")
	r.Start(h, c.addresses()...)
}

// Client plugs a host for a client program in.
func (c *Cluster) Client(name string) *Host {
	c.t.Helper()
	h := c.Host(name)
	h.Plug(c.lan, "eth0")
	return h
}

// Crowd makes a host whose agent copies to all nodes what its clients send.
func (c *Cluster) Crowd() *Crowd {
	c.t.Helper()
	h := c.Host("access")
	h.Plug(c.core, "eth0", "2001:db8:ffff::100/64")
	var servers []string
	for _, n := range c.Nodes {
		servers = append(servers, "["+n.Address+"]:547")
	}
	return NewCrowd(c.t, h.Agent(servers...), linkAddress, c.Nodes)
}

// A LogLine is what a server wrote to its log.
type LogLine map[string]any

// logged returns the lines of the server's log with an identifier, and with attributes whose values begin so: names and values in turns.
func (s *Server) logged(id string, with ...string) (all []LogLine) {
	s.host.lab.t.Helper()
	for line := range strings.Lines(s.host.read("server.log")) {
		var l LogLine
		if json.Unmarshal([]byte(line), &l) != nil {
			continue // the line is being written
		}
		matches := l["id"] == id
		for i := 0; i < len(with); i += 2 {
			matches = matches && strings.HasPrefix(fmt.Sprint(l[with[i]]), with[i+1])
		}
		if matches {
			all = append(all, l)
		}
	}
	return all
}
