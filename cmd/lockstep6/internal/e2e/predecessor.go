package e2e

import "strings"

// A Predecessor is a server of another make, whose place a node takes.
type Predecessor struct {
	Name    string // as `lockstep6 import` calls it
	Clients []Client
	Wish    Wish
	Start   func(h *Host) *Process
	Leases  func(h *Host) string // its lease file
}

// The old servers' lifetimes let clients renew within seconds, and leave a minute in which nobody serves.
var predecessors = []Predecessor{
	{"kea", []Client{Dhclient{}, Dhcpcd{}, Dibbler{}}, Wish{Addresses: 1, Prefixes: 1}, startKea, func(h *Host) string { return h.File("kea/leases6.csv") }},
	{"isc", []Client{Dhclient{}, Dhcpcd{}, Dibbler{}}, Wish{Addresses: 1, Prefixes: 1}, startDhcpd, func(h *Host) string { return h.File("dhcpd6.leases") }},
	// dnsmasq delegates no prefixes, and its T1 is a minute at least, so its clients are told to renew.
	{"dnsmasq", []Client{Dhcpcd{}, Dhcpcd{}}, Wish{Addresses: 1}, startDnsmasq, func(h *Host) string { return h.File("dnsmasq.leases") }},
	{"dibbler", []Client{Dhclient{}, Dhcpcd{}, Dibbler{}}, Wish{Addresses: 1, Prefixes: 1}, startDibbler,
		func(h *Host) string { return h.File("root/var/lib/dibbler/server-AddrMgr.xml") }},
}

const keaConfig = `{ "Dhcp6": {
  "interfaces-config": { "interfaces": [ "eth0" ] },
  "data-directory": "@DIR@/kea",
  "lease-database": { "type": "memfile", "persist": true, "name": "@DIR@/kea/leases6.csv", "lfc-interval": 0 },
  "dhcp-ddns": { "enable-updates": false },
  "preferred-lifetime": 200, "valid-lifetime": 300, "renew-timer": 6, "rebind-timer": 120,
  "subnet6": [ {
    "id": 1, "subnet": "2001:db8:1::/64", "interface": "eth0",
    "pools": [ { "pool": "2001:db8:1::1000/116" } ],
    "pd-pools": [ { "prefix": "2001:db8:8000::", "prefix-len": 40, "delegated-len": 56 } ]
  } ]
} }
`

func startKea(h *Host) *Process {
	config := h.Write("kea/kea-dhcp6.conf", strings.ReplaceAll(keaConfig, "@DIR@", h.Dir), 0o644)
	dir := h.File("kea")
	return h.Start("kea", "env", "KEA_PIDFILE_DIR="+dir, "KEA_LOCKFILE_DIR="+dir, "KEA_DHCP_DATA_DIR="+dir, "kea-dhcp6", "-c", config)
}

func startDhcpd(h *Host) *Process {
	config := h.Write("dhcpd6.conf", `authoritative;
default-lease-time 300;
preferred-lifetime 200;
option dhcp-renewal-time 6;
option dhcp-rebinding-time 120;
subnet6 2001:db8:1::/64 {
	range6 2001:db8:1::1000 2001:db8:1::ffff:ffff;
	prefix6 2001:db8:8000:: 2001:db8:80ff:ff00:: /56;
}
`, 0o644)
	return h.Start("dhcpd", "dhcpd", "-6", "-f", "-q", "-cf", config, "-lf", h.Write("dhcpd6.leases", "", 0o644), "-pf", h.File("dhcpd6.pid"), "eth0")
}

func startDnsmasq(h *Host) *Process {
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

func startDibbler(h *Host) *Process {
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
