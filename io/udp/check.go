package udp

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// checkInterfaces refuses names that the kernel can't give, and repeated ones.
func checkInterfaces(names []string) (errs []error) {
	for i, name := range names {
		switch {
		case name == "" || len(name) >= unix.IFNAMSIZ || strings.ContainsAny(name, "/ \t\n"):
			errs = append(errs, fmt.Errorf("interface %q: not a possible name: 1 to %d characters without space or slash",
				name, unix.IFNAMSIZ-1))
		case slices.Contains(names[:i], name):
			errs = append(errs, fmt.Errorf("interface %q: named twice", name))
		}
	}
	return errs
}

// checkAddresses refuses what isn't an IPv6 unicast address, and what another entry already covers.
func checkAddresses(c Config) (errs []error) {
	refuse := func(a netip.AddrPort, why string) {
		errs = append(errs, fmt.Errorf("listen address %s: %s", a, why))
	}
	for i, a := range c.Addresses {
		ip := a.Addr()
		switch {
		case !ip.Is6() || ip.Is4In6():
			refuse(a, "not an IPv6 address")
		case ip.IsMulticast():
			refuse(a, "multicast is for interfaces: name the interface, and its groups are joined")
		case ip.IsLinkLocalUnicast() && ip.Zone() == "":
			refuse(a, fmt.Sprintf("a link-local address needs its interface: [%s%%eth0]:%d", ip, a.Port()))
		case !ip.IsLinkLocalUnicast() && ip.Zone() != "":
			refuse(a, "only a link-local address has a zone: leave it out")
		case ip.IsUnspecified() && len(c.Interfaces) > 0 && a.Port() == c.Port:
			refuse(a, "the interfaces' sockets listen there already")
		case a.Port() != 0 && slices.Contains(c.Addresses[:i], a):
			refuse(a, "named twice")
		}
	}
	return errs
}
