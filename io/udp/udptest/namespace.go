// Package udptest makes network namespaces for tests: each test gets its own interfaces, addresses and ports,
// and nothing of it is seen outside.
package udptest

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// patience is how long to wait for what the kernel does by and by.
const patience = 30 * time.Second

// reexecuted marks the environment of a test binary that Main started anew.
const reexecuted = "UDPTEST_IN_USER_NAMESPACE"

// Main runs a package's tests, for TestMain. Without root it runs them again as root of a user namespace of their own,
// which most kernels allow.
func Main(m *testing.M) {
	if os.Getenv(reexecuted) != "" {
		if err := up("lo"); err != nil {
			fmt.Fprintf(os.Stderr, "loopback interface of a new namespace: %v\n", err)
			os.Exit(1)
		}
		os.Exit(m.Run())
	}
	if os.Geteuid() == 0 {
		os.Exit(m.Run())
	}
	again := exec.Command("/proc/self/exe", os.Args[1:]...)
	again.Env = append(os.Environ(), reexecuted+"=1")
	again.Stdin, again.Stdout, again.Stderr = os.Stdin, os.Stdout, os.Stderr
	again.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  unix.CLONE_NEWUSER | unix.CLONE_NEWNET,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	err := again.Run()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		os.Exit(exit.ExitCode())
	case err != nil:
		fmt.Fprintf(os.Stderr, "these tests need root, or user namespaces (sysctl user.max_user_namespaces): %v\n", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// A Namespace is a network namespace that lives as long as its test.
type Namespace struct {
	fd int
}

// NewNamespace makes a namespace with nothing in it but its loopback interface, which is up.
// Addresses in it can be used at once: duplicate address detection is off.
func NewNamespace(t testing.TB) *Namespace {
	t.Helper()
	n := &Namespace{fd: -1}
	err := onThread(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("network namespaces need root or a user namespace: %w", err)
		}
		var err error
		if n.fd, err = unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0); err != nil {
			return err
		}
		for _, which := range []string{"all", "default"} {
			for setting, value := range map[string]string{"accept_dad": "0", "router_solicitations": "0"} {
				if err := os.WriteFile("/proc/sys/net/ipv6/conf/"+which+"/"+setting, []byte(value), 0); err != nil {
					return err
				}
			}
		}
		if err := up("lo"); err != nil {
			return err
		}
		return reachable(net.IPv6loopback)
	})
	if n.fd >= 0 {
		t.Cleanup(func() { _ = unix.Close(n.fd) })
	}
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Do runs f on a thread inside the namespace, and fails the test with the error that f returns.
// What f opens stays in the namespace; f runs on another goroutine than the test and must not call t.Fatal.
func (n *Namespace) Do(t testing.TB, f func() error) {
	t.Helper()
	err := onThread(func() error {
		if err := unix.Setns(n.fd, unix.CLONE_NEWNET); err != nil {
			return err
		}
		return f()
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Connect makes a pair of interfaces that are each other's only neighbour, both ready.
func Connect(t testing.TB, a *Namespace, nameA string, b *Namespace, nameB string) {
	t.Helper()
	a.Do(t, func() error {
		pair := &netlink.Veth{LinkAttrs: netlink.NewLinkAttrs(), PeerName: nameB, PeerNamespace: netlink.NsFd(b.fd)}
		pair.Name = nameA
		if err := netlink.LinkAdd(pair); err != nil {
			return err
		}
		return up(nameA)
	})
	b.Do(t, func() error { return up(nameB) })
	a.Ready(t, nameA)
	b.Ready(t, nameB)
}

// Ready waits until an interface has its carrier, of which the kernel takes notice by and by, and a link-local address.
// Before that it loses what is sent.
func (n *Namespace) Ready(t testing.TB, link string) {
	t.Helper()
	for start := time.Now(); time.Since(start) < patience; time.Sleep(time.Millisecond) {
		running := false
		n.onLink(t, link, func(l netlink.Link) error {
			running = l.Attrs().RawFlags&unix.IFF_RUNNING != 0
			return nil
		})
		if running {
			n.LinkLocal(t, link)
			return
		}
	}
	t.Fatalf("%s: no carrier", link)
}

// AddAddress gives an interface an address, written with its prefix length, and waits until it is reachable.
func (n *Namespace) AddAddress(t testing.TB, link, prefix string) {
	t.Helper()
	n.onLink(t, link, func(l netlink.Link) error {
		address, err := netlink.ParseAddr(prefix)
		if err != nil {
			return err
		}
		address.Flags = unix.IFA_F_NODAD
		if err := netlink.AddrAdd(l, address); err != nil || address.IP.IsLinkLocalUnicast() {
			return err
		}
		return reachable(address.IP)
	})
}

// reachable waits until the kernel takes an address for the namespace's own: the route comes after the address.
func reachable(ip net.IP) error {
	for start := time.Now(); time.Since(start) < patience; time.Sleep(time.Millisecond) {
		routes, err := netlink.RouteGet(ip)
		if err == nil && len(routes) > 0 && routes[0].Type == unix.RTN_LOCAL {
			return nil
		}
	}
	return fmt.Errorf("%s doesn't become reachable", ip)
}

// AddRoute leads a prefix to a gateway.
func (n *Namespace) AddRoute(t testing.TB, link, prefix, gateway string) {
	t.Helper()
	n.onLink(t, link, func(l netlink.Link) error {
		to, err := netlink.ParseIPNet(prefix)
		if err != nil {
			return err
		}
		via := netip.MustParseAddr(gateway)
		return netlink.RouteAdd(&netlink.Route{LinkIndex: l.Attrs().Index, Dst: to, Gw: via.AsSlice()})
	})
}

// LinkLocal returns an interface's first link-local address, and waits until the kernel has made it and it can be used.
func (n *Namespace) LinkLocal(t testing.TB, link string) (found netip.Addr) {
	t.Helper()
	n.onLink(t, link, func(l netlink.Link) error {
		for start := time.Now(); time.Since(start) < patience; time.Sleep(time.Millisecond) {
			addresses, err := netlink.AddrList(l, netlink.FAMILY_V6)
			if err != nil {
				return err
			}
			for _, a := range addresses {
				ip, ok := netip.AddrFromSlice(a.IP)
				if ok && ip.IsLinkLocalUnicast() && a.Flags&unix.IFA_F_TENTATIVE == 0 {
					found = ip
					return nil
				}
			}
		}
		return errors.New("no link-local address")
	})
	return found
}

// Index returns an interface's index.
func (n *Namespace) Index(t testing.TB, link string) (index uint32) {
	t.Helper()
	n.onLink(t, link, func(l netlink.Link) error {
		index = uint32(l.Attrs().Index)
		return nil
	})
	return index
}

// SetDown switches an interface off.
func (n *Namespace) SetDown(t testing.TB, link string) {
	t.Helper()
	n.onLink(t, link, netlink.LinkSetDown)
}

// SetUp switches an interface on.
func (n *Namespace) SetUp(t testing.TB, link string) {
	t.Helper()
	n.onLink(t, link, netlink.LinkSetUp)
}

// Delete removes an interface, and its peer with it.
func (n *Namespace) Delete(t testing.TB, link string) {
	t.Helper()
	n.onLink(t, link, netlink.LinkDel)
}

// Rename gives an interface another name, for which it is off for a moment.
func (n *Namespace) Rename(t testing.TB, link, name string) {
	t.Helper()
	n.onLink(t, link, func(l netlink.Link) error {
		if err := netlink.LinkSetDown(l); err != nil {
			return err
		}
		if err := netlink.LinkSetName(l, name); err != nil {
			return err
		}
		return netlink.LinkSetUp(l)
	})
}

// SetMTU sets an interface's MTU.
func (n *Namespace) SetMTU(t testing.TB, link string, mtu int) {
	t.Helper()
	n.onLink(t, link, func(l netlink.Link) error { return netlink.LinkSetMTU(l, mtu) })
}

func (n *Namespace) onLink(t testing.TB, link string, f func(netlink.Link) error) {
	t.Helper()
	n.Do(t, func() error {
		l, err := netlink.LinkByName(link)
		if err != nil {
			return fmt.Errorf("%s: %w", link, err)
		}
		if err := f(l); err != nil {
			return fmt.Errorf("%s: %w", link, err)
		}
		return nil
	})
}

func up(name string) error {
	l, err := netlink.LinkByName(name)
	if err != nil {
		return err
	}
	return netlink.LinkSetUp(l)
}

// onThread runs f on a thread of its own. The goroutine ends locked to it, so that the runtime ends the thread too,
// whatever namespace it has got into.
func onThread(f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		done <- f()
	}()
	return <-done
}
