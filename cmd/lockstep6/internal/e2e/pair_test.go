package e2e

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
)

// keaPair is what each of two Keas runs with, in hot standby: they speak to each other without an agent between them.
const keaPair = `{ "Dhcp6": {
  "interfaces-config": { "interfaces": [ "eth0" ] },
  "data-directory": "@DIR@/kea",
  "control-socket": { "socket-type": "unix", "socket-name": "@DIR@/kea/socket" },
  "multi-threading": { "enable-multi-threading": true, "thread-pool-size": 2, "packet-queue-size": 64 },
  "lease-database": { "type": "memfile", "persist": true, "name": "@DIR@/kea/leases6.csv", "lfc-interval": 0 },
  "preferred-lifetime": 240, "valid-lifetime": 360, "renew-timer": 6, "rebind-timer": 150,
  "option-data": [ { "name": "dns-servers", "data": "2001:db8:53::1, 2001:db8:53::2" } ],
  "hooks-libraries": [
    { "library": "@HOOKS@/libdhcp_lease_cmds.so" },
    { "library": "@HOOKS@/libdhcp_ha.so", "parameters": { "high-availability": [ {
      "this-server-name": "@NAME@", "mode": "hot-standby",
      "heartbeat-delay": 1000, "max-response-delay": 2000, "max-ack-delay": 1000, "max-unacked-clients": 0,
      "multi-threading": { "enable-multi-threading": true, "http-dedicated-listener": true, "http-listener-threads": 1, "http-client-threads": 1 },
      "peers": [
        { "name": "a", "url": "http://[2001:db8:1::1]:8100/", "role": "primary" },
        { "name": "b", "url": "http://[2001:db8:1::2]:8100/", "role": "standby" }
      ]
    } ] } }
  ],
  "subnet6": [ {
    "id": 1, "subnet": "2001:db8:1::/64", "interface": "eth0",
    "pools": [ { "pool": "2001:db8:1::1000-2001:db8:1::103f" } ],
    "pd-pools": [ { "prefix": "2001:db8:8000::", "prefix-len": 50, "delegated-len": 56 } ],
    "option-data": [ { "name": "domain-search", "data": "example.net" } ]
  } ]
} }
`

// A pair is two Keas, a and b, on their way to two nodes.
type pair struct {
	*move
	hosts [2]*Host
	keas  [2]*Process
	nodes [2]*Server
}

var pairNames = [2]string{"a", "b"}

// TestMovePair: two Keas in hot standby have clients of the first one, and of the second one, which served while the first was away. Both are
// stopped, and two nodes take their places: each client renews with the node that has its server's DUID. The Keas go on with what a node exports.
func TestMovePair(t *testing.T) {
	t.Parallel()
	// dhcpcd is the second Kea's: started anew, it asks whoever is there.
	guests := []Guest{{Dhclient{}, false}, {Dibbler{}, false}, {Dhcpcd{}, false}}
	p := &pair{move: newMove(t, Predecessor{
		Name: "kea", Guests: guests, Wish: Wish{Addresses: 1, Prefixes: 1},
		Leases: func(h *Host) string { return h.File("kea/leases6.csv") },
		Config: func(h *Host) string { return h.File("kea/kea-dhcp6.conf") },
	})}
	partner := p.Host("partner")
	partner.Plug(p.lan, "eth0", "2001:db8:1::2/64")
	p.taps = append(p.taps[:1], partner.Capture("eth0"))
	p.hosts = [2]*Host{p.server, partner}
	p.fillBoth()
	before := p.toldBefore()
	var owners map[netip.Prefix]string
	p.server.eventually("a recording of whose each lease is", func() bool { owners = p.owners(); return len(owners) == len(p.had) })
	p.convertPair()
	p.importPair()
	since := time.Now()
	for i, h := range p.hosts {
		p.nodes[i] = &Server{host: h, config: h.File("lockstep6.yaml"), extra: []string{"--node", pairNames[i]}}
		p.nodes[i].Start()
	}
	p.owned(owners)
	p.keeps()
	p.toldAgain(before, since)
	p.newcomers("[2001:db8:1::1]:547", "[2001:db8:1::2]:547")
	p.goBack()
}

// start starts one Kea.
func (p *pair) start(i int) {
	p.t.Helper()
	hooks, err := filepath.Glob("/usr/lib/*/kea/hooks")
	if err != nil || len(hooks) != 1 {
		p.t.Fatalf("where Debian's package kea-common has its hooks: %v, %v", hooks, err)
	}
	h := p.hosts[i]
	p.keas[i] = runKea(h, strings.NewReplacer("@DIR@", h.Dir, "@HOOKS@", hooks[0], "@NAME@", pairNames[i]).Replace(keaPair))
}

// state waits until a Kea has come to a state for the nth time.
func (p *pair) state(i int, state string, n int) {
	p.t.Helper()
	p.hosts[i].eventually(fmt.Sprintf("Kea to be %s, time %d", state, n), func() bool {
		return strings.Count(p.hosts[i].read("kea.log"), " to "+state+" state") >= n
	})
}

// fillBoth has both Keas give leases, hear of the other's, and end.
func (p *pair) fillBoth() {
	p.t.Helper()
	p.start(0)
	p.start(1)
	p.state(0, "HOT-STANDBY", 1)
	p.state(1, "HOT-STANDBY", 1)
	p.fill(0, 2)
	if err := p.keas[0].Stop(syscall.SIGTERM); err != nil {
		p.t.Logf("Kea a ended with %v", err)
	}
	p.state(1, "PARTNER-DOWN", 1)
	p.fill(2, 3)
	p.start(0)
	p.state(0, "HOT-STANDBY", 2)
	p.state(1, "HOT-STANDBY", 2)
	for _, h := range p.hosts {
		h.eventually("Kea to know all leases", func() bool { return len(readKea(p.t, p.old.Leases(h))) == len(p.had) })
	}
	p.keas[0].Signal(syscall.SIGTERM)
	p.keas[1].Signal(syscall.SIGTERM)
	for i := range p.keas {
		if err := p.keas[i].Wait(patience); err != nil {
			p.t.Logf("Kea %s ended with %v", pairNames[i], err)
		}
	}
}

// owners tells which server each lease is of, by the last Reply that named it.
func (p *pair) owners() map[netip.Prefix]string {
	all, last := map[netip.Prefix]string{}, map[netip.Prefix]time.Time{}
	for i, tap := range p.taps {
		for _, packet := range tap.Packets() {
			if !packet.Own || packet.Inner == nil || packet.Inner.MessageType != dhcpv6.MessageTypeReply {
				continue
			}
			leases := delegations(&packet)
			for _, a := range granted(&packet) {
				leases = append(leases, netip.PrefixFrom(a, 128))
			}
			for _, l := range leases {
				if packet.Time.After(last[l]) {
					all[l], last[l] = pairNames[i], packet.Time
				}
			}
		}
	}
	return all
}

// convertPair makes the file of both nodes: what is converted, without the allocation that nodes with the same pools can't have, and with a cluster.
func (p *pair) convertPair() {
	p.t.Helper()
	config := p.server.File("lockstep6.yaml")
	text := p.server.command("convert", "kea", "--in", p.old.Config(p.server), "--out", config)
	if !strings.Contains(text, "hook library libdhcp_ha.so") {
		p.t.Errorf("the conversion doesn't tell of the pair:\n%s", text)
	}
	converted := p.server.read("lockstep6.yaml")
	single := strings.Replace(converted, "\nallocation: sequential\n", "\n", 1)
	if single == converted {
		p.t.Fatalf("Kea's allocation isn't in\n%s", converted)
	}
	cluster := p.server.command("key") + "  nodes: [{name: a, preference: 255}, {name: b}]\n"
	p.server.Write("lockstep6.yaml", single+"\n"+cluster, 0o644)
}

// importPair has each node take its Kea's place; the file goes to b with a's DUID, and back with b's too.
func (p *pair) importPair() {
	p.t.Helper()
	for i, h := range p.hosts {
		if i > 0 {
			h.Write("lockstep6.yaml", p.hosts[0].read("lockstep6.yaml"), 0o644)
		}
		text := h.command("import", "kea", p.old.Leases(h), "--config", h.File("lockstep6.yaml"), "--data", h.File("data"),
			"--node", pairNames[i], "--successor", pairNames[i], "--write")
		if want := fmt.Sprintf("%10d taken, own", len(p.had)); !strings.Contains(text, want) {
			p.t.Fatalf("want %q of the import at %s, got\n%s", want, pairNames[i], text)
		}
	}
	p.hosts[0].Write("lockstep6.yaml", p.hosts[1].read("lockstep6.yaml"), 0o644)
}

// owned waits until all clients have renewed, each with the node that has its server's DUID, and the other node has heard of it.
func (p *pair) owned(owners map[netip.Prefix]string) {
	p.t.Helper()
	if first, last := owners[p.had[0]], len(owners); last != len(p.had) || !slices.ContainsFunc(p.had, func(l netip.Prefix) bool { return owners[l] != first }) {
		p.t.Fatalf("want %d leases, some of each Kea, got %v", len(p.had), owners)
	}
	for i, n := range p.nodes {
		var wrong string
		p.hosts[i].eventually("the node to know whose each lease is", func() bool {
			listed := n.listed()
			wrong = ""
			for l, owner := range owners {
				want := owner
				if owner == pairNames[i] {
					want = ""
				}
				if h, there := listed[l]; !there || h.Owner != want {
					wrong += fmt.Sprintf("%v: %v, want %q\n", l, h, want)
				}
			}
			return wrong == ""
		})
	}
}

// goBack has the Keas go on with what the first node exports.
func (p *pair) goBack() {
	p.t.Helper()
	for _, n := range p.nodes {
		n.Stop()
	}
	file := p.old.Leases(p.server)
	p.server.command("export", "kea", "--config", p.nodes[0].config, "--data", p.nodes[0].Data(), "--out", file)
	data, err := os.ReadFile(file)
	if err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(p.old.Leases(p.hosts[1]), data, 0o644); err != nil {
		p.t.Fatal(err)
	}
	began := time.Now()
	p.start(0)
	p.start(1)
	p.running[2].Kill() // a client of b, which stands by, rebinds at T2, or when it is started again
	p.running[2] = p.old.Guests[2].Start(p.clients[2], p.old.Wish)
	p.server.eventually("all clients to renew at Kea", func() bool {
		heard := readKea(p.t, file)
		return !slices.ContainsFunc(p.had, func(l netip.Prefix) bool { return heard[l].Before(began.Truncate(time.Second)) })
	})
	p.keeps()
}
