package e2e

import (
	"fmt"
	"regexp"
	"strings"
	"syscall"
)

// Wide is dhcp6c of wide-dhcpv6-client.
type Wide struct{}

// Name is the program's.
func (Wide) Name() string { return "dhcp6c" }

// Start runs dhcp6c in the foreground.
func (Wide) Start(h *Host, w Wish) *Process {
	stateFolder(h, "/var/lib/dhcpv6")
	var face, associations strings.Builder
	if w.Stateless {
		face.WriteString("information-only;\n")
	}
	if w.Rapid {
		face.WriteString("send rapid-commit;\n")
	}
	for i := range w.Addresses {
		fmt.Fprintf(&face, "send ia-na %d;\n", i)
		fmt.Fprintf(&associations, "id-assoc na %d { };\n", i)
	}
	for i := range w.Prefixes {
		fmt.Fprintf(&face, "send ia-pd %d;\n", i)
		fmt.Fprintf(&associations, "id-assoc pd %d { };\n", i)
	}
	conf := "interface eth0 {\n" + face.String() + "request domain-name-servers, domain-name;\nscript \"" + hook(h, "") +
		"\";\n};\n" + associations.String()
	path := h.Write("dhcp6c.conf", conf, 0o644)
	return h.Start("dhcp6c", "dhcp6c", "-f", "-D", "-c", path, "-p", h.File("dhcp6c.pid"), "eth0")
}

// Release ends dhcp6c, which gives its leases back.
func (Wide) Release(p *Process) {
	p.host.lab.t.Helper()
	_ = p.Stop(syscall.SIGTERM)
}

var widePrefix = regexp.MustCompile(`create a prefix (\S+) `)

// Got reads the hook's events, and dhcp6c's log for the prefixes, which no variable tells.
func (Wide) Got(h *Host) Got {
	e := events(h.lab.t, h)
	got := Got{
		DNS:    addrs(gather(e, "new_domain_name_servers")),
		Search: domains(gather(e, "new_domain_name")),
	}
	got.Prefixes = prefixes(matches(widePrefix, h.read("dhcp6c.log")))
	return got
}
