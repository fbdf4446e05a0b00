package e2e

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Dhcpcd is the client of dhcpcd-base.
type Dhcpcd struct{}

// Name is the program's.
func (Dhcpcd) Name() string { return "dhcpcd" }

// Start runs dhcpcd in the foreground. Naming the IAs makes it ask at once, without waiting for a router.
func (Dhcpcd) Start(h *Host, w Wish) *Process {
	stateFolder(h, "/var/lib/dhcpcd")
	var conf strings.Builder
	conf.WriteString("duid ll\nipv6only\nnoipv6rs\noption dhcp6_name_servers, dhcp6_domain_search\n")
	if w.Rapid {
		conf.WriteString("option dhcp6_rapid_commit\n")
	}
	if w.Accept {
		conf.WriteString("option dhcp6_reconfigure_accept\n")
	}
	conf.WriteString("interface eth0\n")
	if w.Stateless {
		conf.WriteString("inform6\n")
	}
	for i := range w.Addresses {
		fmt.Fprintf(&conf, "ia_na %d\n", 1+i)
	}
	for i := range w.Prefixes {
		fmt.Fprintf(&conf, "ia_pd %d -\n", 101+i)
	}
	path := h.Write("dhcpcd.conf", conf.String(), 0o644)
	return h.Start("dhcpcd", "dhcpcd", "-6", "-B", "-d", "-f", path, "-c", hook(h, "/usr/lib/dhcpcd/dhcpcd-run-hooks"), "eth0")
}

// Release sends the signal that dhcpcd -k sends, again each second until dhcpcd ends: a signal that arrives while
// its privileged half runs the hook is lost.
func (Dhcpcd) Release(p *Process) {
	t := p.host.lab.t
	t.Helper()
	var next time.Time
	eventually(t, patience, "dhcpcd to release its leases and end", func() bool {
		if now := time.Now(); p.Running() && now.After(next) {
			next = now.Add(time.Second)
			p.Signal(syscall.SIGALRM)
		}
		return !p.Running()
	})
}

// Got reads the hook's events; prefix and length stand in variables of their own there.
func (Dhcpcd) Got(h *Host) Got {
	all := events(h.lab.t, h)
	got := Got{
		DNS:    addrs(gather(all, "new_dhcp6_name_servers")),
		Search: domains(gather(all, "new_dhcp6_domain_search")),
	}
	for _, e := range all {
		for name, length := range e {
			name, ok := strings.CutSuffix(name, "_length")
			if !ok || !strings.HasPrefix(name, "new_dhcp6_ia_pd") {
				continue
			}
			a, err := netip.ParseAddr(e[name])
			n, err2 := strconv.Atoi(length)
			if err == nil && err2 == nil {
				got.Prefixes = append(got.Prefixes, netip.PrefixFrom(a, n))
			}
		}
	}
	return got
}
