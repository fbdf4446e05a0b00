// Package e2e proves the server against the DHCPv6 clients and relays of Debian's packages: dhclient, dhcpcd,
// dibbler, the WIDE client and systemd-networkd, each in a network namespace of its own.
// Its tests need root (they call themselves again through sudo where that asks for no password) and the packages
// that packaging/test-deps.sh installs; without them they fail and say so, since a skipped proof proves nothing.
//
// A Lab makes the namespaces; a Host is one of them; a Segment is a bridge that hosts are plugged into. A Server is
// one `lockstep6 serve` on a host. A Client drives one client program and reads what it got from its own hook
// script and from the kernel. A Capture is everything that passed the server's interface, decoded by
// insomniacslk/dhcp for the tests' questions and by tshark for the verdict on our packets.
//
//	client ---- [segment lan] ---- relay ---- [segment core] ---- server + tcpdump
//
// A Cluster is three servers with one file on a segment; a Crowd is many clients of our own behind an Agent, which is a
// relay that copies to all of them.
//
// Every process is started by the package and ended by its id; every namespace carries the test's process id, so
// that runs don't meet, and a run that was killed is swept up by the next one.
package e2e
