package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// The addresses on the namespace's loopback interface. The clients' link is behind the relays, and exists in the server's
// configuration only.
var (
	serverAddress = netip.MustParseAddrPort("[2001:db8:f::1]:10547")
	linkAddress   = netip.MustParseAddr("2001:db8:1::1")
)

// manyRelays is so many that replies to one of them hardly ever meet in a batch.
const manyRelays = 256

// relayAddress is a relay's own.
func relayAddress(i int) netip.Addr {
	return netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 0, 0xf, 13: 1, 14: byte(i >> 8), 15: byte(i)})
}

// inside is in the environment of a process that is in the namespace.
const inside = "LOCKSTEP6_ONECORE_INSIDE"

// enter runs this program again in a network namespace of its own, which ends with it, and returns how that ended. Within the
// namespace it returns that there is more to do. Who isn't root takes a user namespace as well, where the machine lets one.
func enter() (status int, more bool, err error) {
	if os.Getenv(inside) != "" {
		return 0, true, furnish()
	}
	self, err := os.Executable()
	if err != nil {
		return 1, false, err
	}
	cmd := exec.Command(self, os.Args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), inside+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET, Pdeathsig: syscall.SIGTERM}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= unix.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	runtime.LockOSThread() // the kernel means this thread by the parent whose death it tells
	err = cmd.Run()
	if _, ended := errors.AsType[*exec.ExitError](err); ended {
		return cmd.ProcessState.ExitCode(), false, nil
	}
	if err != nil {
		err = fmt.Errorf("a network namespace, which needs root or unprivileged user namespaces: %w", err)
	}
	return 0, false, err
}

// furnish gives the namespace its addresses. There is nothing but loopback in it, and no way out.
func furnish() error {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	if err := netlink.LinkSetUp(lo); err != nil {
		return err
	}
	add := func(a netip.Addr) error {
		ip := &net.IPNet{IP: a.AsSlice(), Mask: net.CIDRMask(128, 128)}
		return netlink.AddrAdd(lo, &netlink.Addr{IPNet: ip, Flags: unix.IFA_F_NODAD})
	}
	if err := add(serverAddress.Addr()); err != nil {
		return err
	}
	for i := range manyRelays {
		if err := add(relayAddress(i)); err != nil {
			return err
		}
	}
	return nil
}
