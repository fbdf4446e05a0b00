package main

import "github.com/lockstep6/lockstep6/bench/netlab"

// ISC dhcpd, dnsmasq and Dibbler: the same pool and lifetimes, else their defaults. All of them answer relays at port 547 only,
// and find the pool by the relay's link-address.

const iscConfig = `authoritative;
preferred-lifetime 3000;
default-lease-time 4000;
option dhcp-renewal-time 1000;
option dhcp-rebinding-time 2000;
subnet6 2001:db8:1::/64 { range6 2001:db8:1:: 2001:db8:1:0:ffff:ffff:ffff:ffff; }
`

// iscArgs gives dhcpd the lease file that it wants to find.
func iscArgs(_ *options, config, dir string) []string {
	return []string{"sh", "-ec", `touch "$2/leases"; exec dhcpd -6 -f -q -cf "$1" -lf "$2/leases" -pf "$2/pid" eth0`, "sh", config, dir}
}

// dnsmasq computes a client's preferred and renewal times from the one lifetime that it is given.
const dnsmasqConfig = `port=0
no-resolv
no-hosts
interface=eth0
user=root
dhcp-authoritative
quiet-dhcp6
dhcp-lease-max=10000000
dhcp-leasefile=@DIR@/leases
dhcp-range=2001:db8:1::,2001:db8:1:0:ffff:ffff:ffff:ffff,64,4000
`

func dnsmasqArgs(_ *options, config, dir string) []string {
	return []string{"dnsmasq", "-k", "-C", config, "--pid-file=" + dir + "/pid"}
}

// dibblerConfig has the pool twice: for clients on the wire, and behind relays. log-level 4 is warnings.
const dibblerConfig = `log-level 4
log-mode short
iface "eth0" {
	unicast ` + netlab.ServerAddress + `
	T1 1000
	T2 2000
	preferred-lifetime 3000
	valid-lifetime 4000
	class { pool 2001:db8:1::/64 }
}
iface relay1 {
	relay eth0
	subnet 2001:db8:1::/64
	T1 1000
	T2 2000
	preferred-lifetime 3000
	valid-lifetime 4000
	class { pool 2001:db8:1::/64 }
}
`

// dibblerArgs lays the turn's folder over those that are compiled into Dibbler: `ip netns exec` has given it a view of
// the file system of its own, so that nobody else sees it.
func dibblerArgs(_ *options, config, dir string) []string {
	return []string{"sh", "-ec", `cd "$2"
mkdir -p etc lib log/dibbler
cp "$1" etc/server.conf
mount --bind etc /etc/dibbler
mount --bind lib /var/lib/dibbler
mount --bind log /var/log
cd /var/lib/dibbler
exec dibbler-server run`, "sh", config, dir}
}
