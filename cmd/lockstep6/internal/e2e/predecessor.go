package e2e

import (
	"net/netip"
	"strings"
)

// A Predecessor is a server of another make, whose place a node takes.
type Predecessor struct {
	Name   string // as `lockstep6 import` calls it
	Guests []Guest
	Wish   Wish
	// Start starts it, with a reservation for the client with a MAC, where it has any.
	Start  func(h *Host, reserved string) *Process
	Leases func(h *Host) string // its lease file
	// Config is the file that it runs with, for `lockstep6 convert`; nil where that doesn't read it.
	Config   func(h *Host) string
	Reserved []netip.Prefix // what the first guest gets
	Unkept   bool           // its lease file doesn't have what is reserved
	Class    []netip.Prefix // in these the guest gets what it has that is in the class
}

// A Guest is a client of a predecessor.
type Guest struct {
	Client
	Yard bool // behind the server's second interface
}

// rich are the clients of the servers whose configurations have it all: the first one has a reservation, the third is in a class.
var rich = []Guest{{Dhcpcd{}, false}, {Dhclient{}, false}, {Dhclient{UserClass: "gateway"}, false}, {Dibbler{}, false}, {Wide{}, true}, {Dhcpcd{}, true}}

// The old servers' lifetimes let clients renew within seconds, and leave minutes in which nobody serves.
var predecessors = []Predecessor{
	{
		Name: "kea", Guests: rich, Wish: Wish{Addresses: 1, Prefixes: 1}, Start: startKea,
		Leases:   func(h *Host) string { return h.File("kea/leases6.csv") },
		Config:   func(h *Host) string { return h.File("kea/kea-dhcp6.conf") },
		Reserved: leases("2001:db8:1::1005/128", "2001:db8:8000:500::/56"), Class: leases("2001:db8:2::1000/116", "2001:db8:9000::/40"),
	},
	{
		Name: "isc", Guests: rich, Wish: Wish{Addresses: 1, Prefixes: 1}, Start: startDhcpd,
		Leases:   func(h *Host) string { return h.File("dhcpd6.leases") },
		Config:   func(h *Host) string { return h.File("dhcpd6.conf") },
		Reserved: leases("2001:db8:1::77/128", "2001:db8:7700::/56"), Unkept: true, Class: leases("2001:db8:2::1000/116", "2001:db8:9000::/40"),
	},
	// dnsmasq delegates no prefixes, and its T1 is a minute at least, so its clients are told to renew.
	{
		Name: "dnsmasq", Guests: []Guest{{Dhcpcd{}, false}, {Dhcpcd{}, false}}, Wish: Wish{Addresses: 1}, Start: startDnsmasq,
		Leases: func(h *Host) string { return h.File("dnsmasq.leases") },
	},
	{
		Name: "dibbler", Guests: []Guest{{Dhclient{}, false}, {Dhcpcd{}, false}, {Dibbler{}, false}}, Wish: Wish{Addresses: 1, Prefixes: 1}, Start: startDibbler,
		Leases: func(h *Host) string { return h.File("root/var/lib/dibbler/server-AddrMgr.xml") },
	},
}

// leases are addresses and prefixes.
func leases(all ...string) (out []netip.Prefix) {
	for _, l := range all {
		out = append(out, netip.MustParsePrefix(l))
	}
	return out
}

// An office: two subnets on the link eth0, of which one is for gateways only, and another one on eth1. The pools on eth0 are small, so that
// newcomers would get what others hold, were that not known.
const keaConfig = `// The office's servers run Kea.
{ "Dhcp6": {
  "interfaces-config": { "interfaces": [ "eth0", "eth1" ] },
  "data-directory": "@DIR@/kea",
  "lease-database": { "type": "memfile", "persist": true, "name": "@DIR@/kea/leases6.csv", "lfc-interval": 0 },
  "dhcp-ddns": { "enable-updates": false },
  "preferred-lifetime": 240, "valid-lifetime": 360, "renew-timer": 8, "rebind-timer": 150,
  "option-data": [
    { "name": "dns-servers", "data": "2001:db8:53::1, 2001:db8:53::2" },
    { "name": "domain-search", "data": "example.net" },
    { "name": "sntp-servers", "data": "2001:db8:123::1", "always-send": true }
  ],
  "client-classes": [
    { "name": "gateways", "test": "substring(option[15].hex, 2, 7) == 'gateway'",
      "option-data": [ { "name": "dns-servers", "data": "2001:db8:53::7" } ] },
    { "name": "hosts", "test": "not member('gateways')" }
  ],
  "shared-networks": [ {
    "name": "floors", "interface": "eth0", "renew-timer": 6,
    "option-data": [ { "name": "domain-search", "data": "floors.example.net, example.net" } ],
    "subnet6": [ {
      "id": 1, "subnet": "2001:db8:1::/64", "client-class": "hosts",
      "pools": [ { "pool": "2001:db8:1::1000-2001:db8:1::103f" } ],
      "pd-pools": [ { "prefix": "2001:db8:8000::", "prefix-len": 50, "delegated-len": 56 } ],
      "reservations": [ {
        "duid": "00:03:00:01:@RESERVED@", "ip-addresses": [ "2001:db8:1::1005" ], "prefixes": [ "2001:db8:8000:500::/56" ],
        "option-data": [ { "name": "domain-search", "data": "reserved.example.net" } ]
      } ]
    }, {
      "id": 2, "subnet": "2001:db8:2::/64", "client-class": "gateways", "valid-lifetime": 420,
      "option-data": [ { "name": "domain-search", "data": "gateways.example.net" } ],
      "pools": [ { "pool": "2001:db8:2::1000/116" } ],
      "pd-pools": [ { "prefix": "2001:db8:9000::", "prefix-len": 40, "delegated-len": 56 } ]
    } ]
  } ],
  "subnet6": [ {
    "id": 3, "subnet": "2001:db8:3::/64", "interface": "eth1", "preferred-lifetime": 200, "valid-lifetime": 300,
    "pools": [ { "pool": "2001:db8:3::1000/116" } ],
    "pd-pools": [ { "prefix": "2001:db8:a000::", "prefix-len": 40, "delegated-len": 60 } ],
    "option-data": [ { "name": "domain-search", "data": "yard.example.net" } ]
  } ]
} }
`

// keaSubnets tells the export which of Kea's subnets each prefix is in.
var keaSubnets = []string{
	"--subnet", "2001:db8:1::/64=1", "--subnet", "2001:db8:8000::/50=1", "--subnet", "2001:db8:2::/64=2", "--subnet", "2001:db8:9000::/40=2",
	"--subnet", "2001:db8:3::/64=3", "--subnet", "2001:db8:a000::/40=3",
}

func startKea(h *Host, reserved string) *Process {
	config := strings.NewReplacer("@DIR@", h.Dir, "@RESERVED@", reserved).Replace(keaConfig)
	return runKea(h, config)
}

func runKea(h *Host, config string) *Process {
	path, dir := h.Write("kea/kea-dhcp6.conf", config, 0o644), h.File("kea")
	return h.Start("kea", "env", "KEA_PIDFILE_DIR="+dir, "KEA_LOCKFILE_DIR="+dir, "KEA_DHCP_DATA_DIR="+dir, "kea-dhcp6", "-c", path)
}

const dhcpdConfig = `# The office's servers run dhcpd.
default-lease-time 360;
preferred-lifetime 240;
option dhcp-renewal-time 6;
option dhcp-rebinding-time 150;
option dhcp6.name-servers 2001:db8:53::1, 2001:db8:53::2;
option dhcp6.domain-search "example.net";
option dhcp6.user-class code 15 = string;
class "gateways" {
	match if option dhcp6.user-class = 00:07:67:61:74:65:77:61:79;
	option dhcp6.name-servers 2001:db8:53::7;
}
shared-network "floors" {
	option dhcp6.domain-search "floors.example.net", "example.net";
	subnet6 2001:db8:1::/64 {
		pool6 {
			deny members of "gateways";
			range6 2001:db8:1::1000 2001:db8:1::103f;
			prefix6 2001:db8:8000:: 2001:db8:8000:3f00:: /56;
		}
	}
	subnet6 2001:db8:2::/64 {
		pool6 {
			allow members of "gateways";
			range6 2001:db8:2::1000 2001:db8:2::1fff;
			prefix6 2001:db8:9000:: 2001:db8:90ff:ff00:: /56;
		}
	}
}
subnet6 2001:db8:3::/64 {
	default-lease-time 300;
	preferred-lifetime 200;
	option dhcp6.domain-search "yard.example.net";
	range6 2001:db8:3::1000 2001:db8:3::1fff;
	prefix6 2001:db8:a000:: 2001:db8:a0ff:fff0:: /60;
}
host reserved {
	host-identifier option dhcp6.client-id 00:03:00:01:@RESERVED@;
	fixed-address6 2001:db8:1::77;
	fixed-prefix6 2001:db8:7700::/56;
	option dhcp6.domain-search "reserved.example.net";
}
`

func startDhcpd(h *Host, reserved string) *Process {
	config := h.Write("dhcpd6.conf", strings.ReplaceAll(dhcpdConfig, "@RESERVED@", reserved), 0o644)
	return h.Start("dhcpd", "dhcpd", "-6", "-f", "-q", "-cf", config, "-lf", h.Write("dhcpd6.leases", "", 0o644), "-pf", h.File("dhcpd6.pid"), "eth0", "eth1")
}

func startDnsmasq(h *Host, _ string) *Process {
	config := h.Write("dnsmasq.conf", `port=0
no-resolv
interface=eth0
user=root
dhcp-authoritative
dhcp-leasefile=`+h.File("dnsmasq.leases")+`
dhcp-range=2001:db8:1::1000,2001:db8:1::ffff,64,300
`, 0o644)
	return h.Start("dnsmasq", "dnsmasq", "-k", "-C", config, "--pid-file="+h.File("dnsmasq.pid"))
}

func startDibbler(h *Host, _ string) *Process {
	stateFolder(h, "/var/lib/dibbler")
	stateFolder(h, "/var/log/dibbler")
	h.Write("etc/dibbler/server.conf", `log-level 6
iface "eth0" {
	T1 6
	T2 120
	preferred-lifetime 200
	valid-lifetime 300
	class { pool 2001:db8:1::1000-2001:db8:1::ffff }
	pd-class {
		pd-pool 2001:db8:8000::/40
		pd-length 56
	}
}
`, 0o644)
	return h.Start("dibbler-server", "dibbler-server", "run")
}
