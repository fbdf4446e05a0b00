package e2e

import (
	"fmt"
	"strings"
)

// A Relay drives one relay program on a host that has eth0 towards the clients and eth1 towards the server.
type Relay interface {
	// Name is the program's.
	Name() string
	// Start starts the program. It sends to the given address, and names the link below it by InterfaceID where
	// it can.
	Start(h *Host, server string) *Process
}

// DibblerRelay is dibbler-relay. It sends an Interface-ID, takes clients' messages from eth0, and Relay-forwards of
// other relays at eth0's own address too.
type DibblerRelay struct {
	Unicast     string // address of eth0 that other relays send to; empty: none
	InterfaceID int
}

// Name is the program's.
func (DibblerRelay) Name() string { return "dibbler-relay" }

// Start runs the relay in the foreground. Its configuration has one place only, below /etc.
func (r DibblerRelay) Start(h *Host, server string) *Process {
	stateFolder(h, "/var/lib/dibbler")
	stateFolder(h, "/var/log/dibbler")
	unicast := ""
	if r.Unicast != "" {
		unicast = "client unicast " + r.Unicast + "\n"
	}
	h.Write("etc/dibbler/relay.conf", fmt.Sprintf("log-level 8\nlog-mode full\niface eth0 {\nclient multicast yes\n%sinterface-id %d\n}\n"+
		"iface eth1 {\nserver unicast %s\n}\n", unicast, r.InterfaceID, server), 0o644)
	p := h.Start("dibbler-relay", "dibbler-relay", "run")
	h.eventually("the relay to listen", func() bool { return strings.Contains(p.Log(), "Accepting messages") || !p.Running() })
	return p
}

// WideRelay is dhcp6relay of wide-dhcpv6-relay. It sends the interface's index as Interface-ID.
type WideRelay struct{}

// Name is the program's.
func (WideRelay) Name() string { return "dhcp6relay" }

// Start runs the relay in the foreground.
func (WideRelay) Start(h *Host, server string) *Process {
	p := h.Start("dhcp6relay", "dhcp6relay", "-f", "-D", "-p", h.File("dhcp6relay.pid"), "-s", server, "-r", "eth1", "eth0")
	return p
}
