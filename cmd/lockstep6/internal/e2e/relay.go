package e2e

import (
	"fmt"
	"strings"
)

// A Relay drives one relay program on a host that has eth0 towards the clients and eth1 towards the server.
type Relay interface {
	// Name is the program's.
	Name() string
	// Start starts the program. It sends to the given addresses, as many of them as it can, or to All_DHCP_Servers where
	// it is set to multicast; it names the link below it by InterfaceID where it can.
	Start(h *Host, servers ...string) *Process
}

// DibblerRelay is dibbler-relay. It sends an Interface-ID, takes clients' messages from eth0, and Relay-forwards of
// other relays at eth0's own address too.
type DibblerRelay struct {
	Unicast     string // address of eth0 that other relays send to; empty: none
	Multicast   bool   // towards the servers, so that all of them get all of it; else only one does
	InterfaceID int
}

// Name is the program's.
func (DibblerRelay) Name() string { return "dibbler-relay" }

// Start runs the relay in the foreground. Its configuration has one place only, below /etc.
func (r DibblerRelay) Start(h *Host, servers ...string) *Process {
	stateFolder(h, "/var/lib/dibbler")
	stateFolder(h, "/var/log/dibbler")
	unicast := ""
	if r.Unicast != "" {
		unicast = "client unicast " + r.Unicast + "\n"
	}
	above := "server multicast yes"
	if !r.Multicast {
		above = "server unicast " + servers[0]
	}
	h.Write("etc/dibbler/relay.conf", fmt.Sprintf("log-level 8\nlog-mode full\niface eth0 {\nclient multicast yes\n%sinterface-id %d\n}\n"+
		"iface eth1 {\n%s\n}\n", unicast, r.InterfaceID, above), 0o644)
	p := h.Start("dibbler-relay", "dibbler-relay", "run")
	h.eventually("the relay to listen", func() bool { return strings.Contains(p.Log(), "Accepting messages") || !p.Running() })
	return p
}

// WideRelay is dhcp6relay of wide-dhcpv6-relay. It sends the interface's index as Interface-ID.
type WideRelay struct {
	Multicast bool // towards the servers, so that all of them get all of it; else only one does
}

// Name is the program's.
func (WideRelay) Name() string { return "dhcp6relay" }

// Start runs the relay in the foreground.
func (r WideRelay) Start(h *Host, servers ...string) *Process {
	args := []string{"dhcp6relay", "-f", "-D", "-p", h.File("dhcp6relay.pid"), "-r", "eth1"}
	if !r.Multicast {
		args = append(args, "-s", servers[0])
	}
	return h.Start("dhcp6relay", append(args, "eth0")...)
}

// IscRelay is dhcrelay of isc-dhcp-relay. It sends a copy of each message to every server.
type IscRelay struct{}

// Name is the program's.
func (IscRelay) Name() string { return "dhcrelay" }

// Start runs the relay in the foreground, with an Interface-ID.
func (IscRelay) Start(h *Host, servers ...string) *Process {
	args := []string{"dhcrelay", "-6", "-d", "-I", "-pf", h.File("dhcrelay.pid"), "-l", "eth0"}
	for _, s := range servers {
		args = append(args, "-u", s+"%eth1")
	}
	p := h.Start("dhcrelay", args...)
	h.eventually("the relay to listen", func() bool { return strings.Contains(p.Log(), "Sending on") || !p.Running() })
	return p
}
