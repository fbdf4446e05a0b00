package e2e

import (
	"fmt"
	"strings"
	"syscall"
)

// dhclientScript goes on with Debian's script and then waits for the end of duplicate address detection, as ISC's
// own script does and Debian's doesn't: exit code 3 makes dhclient decline. The kernel removes an address with a
// lifetime when its detection fails, so one that is gone was a duplicate.
const dhclientScript = `#!/bin/sh
/sbin/dhclient-script "$@" || exit
case $reason in BOUND6 | RENEW6 | REBIND6) ;; *) exit 0 ;; esac
[ -n "$new_ip6_address" ] || exit 0
while shown=$(ip -6 -o addr show dev "$interface" to "$new_ip6_address"); do
	case $shown in
	"" | *dadfailed*) exit 3 ;;
	*tentative*) sleep 0.1 ;;
	*) exit 0 ;;
	esac
done
`

// Dhclient is the client of isc-dhcp-client.
type Dhclient struct {
	UserClass string // in its User Class option; empty: it sends none
}

// Name is the program's.
func (Dhclient) Name() string { return "dhclient" }

func (Dhclient) arguments(h *Host) []string {
	return []string{"dhclient", "-6", "-v", "-cf", h.File("dhclient.conf"), "-lf", h.File("dhclient.leases"),
		"-pf", h.File("dhclient.pid"), "-sf", h.File("hook"), "-D", "LL"}
}

// Start runs dhclient in the foreground.
func (d Dhclient) Start(h *Host, w Wish) *Process {
	conf := "request dhcp6.name-servers, dhcp6.domain-search;\n"
	if w.Rapid {
		conf += "send dhcp6.rapid-commit;\n"
	}
	if d.UserClass != "" {
		class := fmt.Sprintf("% x", append([]byte{0, byte(len(d.UserClass))}, d.UserClass...))
		conf += "option dhcp6.user-class code 15 = string;\nsend dhcp6.user-class " + strings.ReplaceAll(class, " ", ":") + ";\n"
	}
	h.Write("dhclient.conf", conf, 0o644)
	hook(h, h.Write("dhclient-script", dhclientScript, 0o755))
	args := append(d.arguments(h), "-d", "-nw") // -nw: no exit after 60 s without an answer
	if w.Stateless {
		args = append(args, "-S")
	}
	for range w.Addresses {
		args = append(args, "-N")
	}
	for range w.Prefixes {
		args = append(args, "-P")
	}
	return h.Start("dhclient", append(args, "eth0")...)
}

// Release runs dhclient -r, which ends the running one and gives its leases back.
func (d Dhclient) Release(p *Process) {
	p.host.lab.t.Helper()
	r := p.host.Start("dhclient-release", append(d.arguments(p.host), "-d", "-r", "eth0")...)
	if err := r.Wait(patience); err != nil {
		p.host.lab.t.Errorf("dhclient -r: %v", err)
	}
	_ = p.Stop(syscall.SIGTERM)
}

// Got reads the hook's events.
func (Dhclient) Got(h *Host) Got {
	e := events(h.lab.t, h)
	return Got{
		Prefixes: prefixes(gather(e, "new_ip6_prefix")),
		DNS:      addrs(gather(e, "new_dhcp6_name_servers")),
		Search:   domains(gather(e, "new_dhcp6_domain_search")),
	}
}
