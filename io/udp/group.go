package udp

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"
)

// A group is one listen address's sockets in the order in which they were bound: one per worker, then with Config.Urgency
// another one per worker, for what may wait. The steering program's result is an index into that order.
type group struct {
	address   netip.AddrPort
	multicast bool // serves the interfaces: joins the multicast groups, and its sockets have filters
	freebound bool // the address wasn't there when it was bound
	index     uint32
	fds       []int
}

// filtered says whether the sockets have multicast filters. What a filter rejects the kernel counts as the socket's drops.
func (g *group) filtered() bool { return g.multicast && len(g.fds) > 1 }

// open binds all sockets. With ours, another group of this server holds the port's wildcard address.
//
// Any process of the same user could join an SO_REUSEPORT group and take its share of the clients: a second server,
// started by mistake. So the first socket is bound without that option, which fails where anybody has the address,
// and gets it afterwards for the others to follow; from then on the same test keeps a second server out.
func (g *group) open(c Config, ours bool) (err error) {
	defer func() {
		if err != nil {
			g.close()
		}
	}()
	for i := range c.Workers * c.classes() {
		fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, unix.IPPROTO_UDP)
		if err != nil {
			return explain(g.address, "socket", err)
		}
		g.fds = append(g.fds, fd)
		s := socket{fd: fd, index: i, group: g, config: &c, shared: ours || i > 0}
		for _, option := range options {
			if err := option.set(&s); err != nil {
				return explain(g.address, option.name, err)
			}
		}
		if err := g.bind(fd); err != nil {
			return explain(g.address, "bind", err)
		}
		if err := setShared(fd); err != nil {
			return explain(g.address, "SO_REUSEPORT", err)
		}
	}
	if len(g.fds) > 1 {
		if err := attachSteering(g.fds[0], c.Workers, c.classes()); err != nil {
			return explain(g.address, "SO_ATTACH_REUSEPORT_CBPF", err)
		}
	}
	return nil
}

// bind binds one socket, and learns the port if the kernel chose it. An address that isn't there yet, because duplicate
// address detection runs or a failover holds it elsewhere, is bound all the same: IPV6_FREEBIND.
func (g *group) bind(fd int) error {
	ip := g.address.Addr()
	to := &unix.SockaddrInet6{Addr: ip.As16(), Port: int(g.address.Port())}
	if zone := ip.Zone(); zone != "" {
		link, err := net.InterfaceByName(zone)
		if err != nil {
			return fmt.Errorf("%w: %q%s", errNoInterface, zone, existing())
		}
		g.index, to.ZoneId = uint32(link.Index), uint32(link.Index)
	}
	err := unix.Bind(fd, to)
	if errors.Is(err, unix.EADDRNOTAVAIL) {
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_FREEBIND, 1); err != nil {
			return unix.EADDRNOTAVAIL
		}
		g.freebound = true
		err = unix.Bind(fd, to)
	}
	if err != nil || g.address.Port() != 0 {
		return err
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		return err
	}
	bound, ok := name.(*unix.SockaddrInet6)
	if !ok {
		return unix.EAFNOSUPPORT
	}
	g.address = netip.AddrPortFrom(ip, uint16(bound.Port))
	return nil
}

// wake ends every system call that waits for the group's datagrams, and all later ones at once.
// The kernel says ENOTCONN to a UDP socket that isn't connected, but shuts it first. A woken recvmmsg returns
// one message without a sender, which describe knows from an empty datagram.
func (g *group) wake() {
	for _, fd := range g.fds {
		_ = unix.Shutdown(fd, unix.SHUT_RD)
	}
}

func (g *group) close() error {
	var errs []error
	for _, fd := range g.fds {
		errs = append(errs, unix.Close(fd))
	}
	g.fds = nil
	return errors.Join(errs...)
}

// The multicast groups (RFC 9915, Section 7.1).
var multicastGroups = [2][16]byte{
	netip.MustParseAddr("ff02::1:2").As16(), // All_DHCP_Relay_Agents_and_Servers
	netip.MustParseAddr("ff05::1:3").As16(), // All_DHCP_Servers
}

// join makes every socket a member of the multicast groups on an interface. Being one already is no error.
func (g *group) join(index uint32) error {
	var errs []error
	for _, fd := range g.fds {
		for _, address := range multicastGroups {
			err := unix.SetsockoptIPv6Mreq(fd, unix.IPPROTO_IPV6, unix.IPV6_JOIN_GROUP,
				&unix.IPv6Mreq{Multiaddr: address, Interface: index})
			if errors.Is(err, unix.ENOMEM) || errors.Is(err, unix.ENOBUFS) {
				err = fmt.Errorf("%w: too many memberships: raise the sysctl net.core.optmem_max", err)
			}
			if err != nil && !errors.Is(err, unix.EADDRINUSE) {
				errs = append(errs, err)
			}
		}
	}
	return errors.Join(errs...)
}

// leave ends the memberships on an interface, which need not exist any more: the kernel keeps, and charges,
// a socket's memberships of deleted interfaces.
func (g *group) leave(index uint32) {
	for _, fd := range g.fds {
		for _, address := range multicastGroups {
			_ = unix.SetsockoptIPv6Mreq(fd, unix.IPPROTO_IPV6, unix.IPV6_LEAVE_GROUP,
				&unix.IPv6Mreq{Multiaddr: address, Interface: index}) // none: there was none
		}
	}
}
