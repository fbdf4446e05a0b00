package takeover

import (
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// patience bounds the wait for what the kernel does by and by.
const patience = 30 * time.Second

// A namespace is a network namespace without a name. A thread of its own stays in it: what runs there opens its
// sockets and starts its processes in the namespace. It vanishes with that thread and those processes, and so with
// this program, however it ends.
type namespace struct {
	work chan func()
	fd   int
}

// newNamespace makes a namespace with nothing in it but its loopback interface.
func newNamespace() (*namespace, error) {
	n := &namespace{work: make(chan func()), fd: -1}
	made := make(chan error)
	go func() {
		runtime.LockOSThread() // for good: the thread ends with this goroutine
		err := n.enter()
		made <- err
		if err != nil {
			return
		}
		for f := range n.work {
			f()
		}
	}()
	if err := <-made; err != nil {
		return nil, err
	}
	return n, nil
}

// enter takes the calling thread into a new namespace.
func (n *namespace) enter() (err error) {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("a network namespace, which needs root: %w", err)
	}
	// Only DHCPv6 happens here, and addresses can be used at once.
	for _, setting := range []string{"accept_dad", "accept_ra", "router_solicitations"} {
		if err := os.WriteFile("/proc/sys/net/ipv6/conf/default/"+setting, []byte("0"), 0); err != nil {
			return err
		}
	}
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	if err := netlink.LinkSetUp(lo); err != nil {
		return err
	}
	n.fd, err = unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	return err
}

// do runs f on the namespace's thread.
func (n *namespace) do(f func() error) error {
	done := make(chan error)
	n.work <- func() { done <- f() }
	return <-done
}

// close ends the thread, and with it what start started there.
func (n *namespace) close() {
	close(n.work)
	_ = unix.Close(n.fd)
}

// connect makes a pair of interfaces that are each other's only neighbour, and waits until both are ready.
func connect(a *namespace, nameA string, addressA netip.Prefix, b *namespace, nameB string, addressB netip.Prefix) error {
	err := a.do(func() error {
		pair := &netlink.Veth{LinkAttrs: netlink.NewLinkAttrs(), PeerName: nameB, PeerNamespace: netlink.NsFd(b.fd)}
		pair.Name = nameA
		return netlink.LinkAdd(pair)
	})
	if err != nil {
		return err
	}
	if err := a.do(func() error { return bringUp(nameA, addressA) }); err != nil {
		return err
	}
	if err := b.do(func() error { return bringUp(nameB, addressB) }); err != nil {
		return err
	}
	if err := a.do(func() error { return ready(nameA) }); err != nil {
		return err
	}
	return b.do(func() error { return ready(nameB) })
}

func bringUp(name string, address netip.Prefix) error {
	link, err := netlink.LinkByName(name)
	if err != nil {
		return err
	}
	a, err := netlink.ParseAddr(address.String())
	if err != nil {
		return err
	}
	a.Flags = unix.IFA_F_NODAD
	if err := netlink.AddrAdd(link, a); err != nil {
		return err
	}
	return netlink.LinkSetUp(link)
}

// ready waits until an interface has its carrier, of which the kernel takes notice by and by, and a link-local address
// that can be used: Kea opens no socket before.
func ready(name string) error {
	for start := time.Now(); time.Since(start) < patience; time.Sleep(5 * time.Millisecond) {
		link, err := netlink.LinkByName(name)
		if err != nil {
			return err
		}
		if link.Attrs().RawFlags&unix.IFF_RUNNING == 0 {
			continue
		}
		addresses, err := netlink.AddrList(link, netlink.FAMILY_V6)
		if err != nil {
			return err
		}
		for _, a := range addresses {
			if a.IP.IsLinkLocalUnicast() && a.Flags&unix.IFA_F_TENTATIVE == 0 {
				return nil
			}
		}
	}
	return fmt.Errorf("interface %s doesn't become ready", name)
}
