package udp

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

var errNoInterface = errors.New("no such interface")

// explain says what went wrong at a listen address, and what would help.
func explain(address netip.AddrPort, call string, err error) error {
	return fmt.Errorf("listen on %s: %s: %w%s", address, call, err, remedy(address, err))
}

func remedy(address netip.AddrPort, err error) string {
	switch {
	case errors.Is(err, unix.EADDRINUSE):
		return fmt.Sprintf("; another process has the port: ss -lunp 'sport = :%d' shows which", address.Port())
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		return "; ports below 1024 need root or CAP_NET_BIND_SERVICE (setcap cap_net_bind_service=+ep BINARY, " +
			"or AmbientCapabilities=CAP_NET_BIND_SERVICE in systemd)"
	case errors.Is(err, unix.EAFNOSUPPORT):
		return "; this kernel has no IPv6: is it started with ipv6.disable=1?"
	case errors.Is(err, unix.EADDRNOTAVAIL):
		return "; no interface has this address: ip -6 address show; sysctl net.ipv6.conf.all.disable_ipv6 must be 0"
	case errors.Is(err, unix.EMFILE), errors.Is(err, unix.ENFILE):
		return "; too many open files: raise ulimit -n, or LimitNOFILE= in systemd"
	case errors.Is(err, unix.ENOPROTOOPT):
		return "; this kernel is too old: Linux 5.0 or later is needed"
	}
	return ""
}

// existing lists the interfaces that there are, for messages.
func existing() string {
	if names := interfaceNames(); names != "" {
		return "; there are: " + names
	}
	return ""
}

// interfaceNames joins the interfaces that there are by commas; empty: they can't be listed.
func interfaceNames() string {
	links, err := net.Interfaces()
	if err != nil {
		return ""
	}
	var names []string
	for _, l := range links {
		names = append(names, l.Name)
	}
	return strings.Join(names, ", ")
}

// explainNetlink says why interfaces can't be watched.
func explainNetlink(err error) error {
	err = fmt.Errorf("watch interfaces: netlink: %w", os.NewSyscallError("socket", err))
	if errors.Is(err, unix.EAFNOSUPPORT) || errors.Is(err, unix.EPERM) {
		return fmt.Errorf("%w; in systemd RestrictAddressFamilies= must allow AF_NETLINK", err)
	}
	return err
}
