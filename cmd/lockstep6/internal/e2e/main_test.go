package e2e

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/lockstep6/lockstep6/io/events/eventstest"
)

// programs are what the tests run, with the package of Debian that has it.
var programs = map[string]string{
	"ip": "iproute2", "unshare": "util-linux", "curl": "curl", "sysctl": "procps", "mount": "mount", "tcpdump": "tcpdump", "tshark": "tshark",
	"dhclient": "isc-dhcp-client", "dhcpcd": "dhcpcd-base", "dhcp6c": "wide-dhcpv6-client", "dhcp6relay": "wide-dhcpv6-relay",
	"dhcrelay":  "isc-dhcp-relay",
	"kea-dhcp6": "kea-dhcp6-server", "dhcpd": "isc-dhcp-server", "dnsmasq": "dnsmasq-base", "dibbler-server": "dibbler-server",
	"nsupdate":       "bind9-dnsutils",
	"dibbler-client": "dibbler-client", "dibbler-relay": "dibbler-relay", "/lib/systemd/systemd-networkd": "systemd", "systemd-analyze": "systemd",
	"gcc": "gcc",
}

func TestMain(m *testing.M) {
	if len(os.Args) > 3 && os.Args[1] == underFilter {
		fmt.Fprintln(os.Stderr, "e2e:", becomeFiltered(os.Args[2], os.Args[3:]))
		os.Exit(1)
	}
	if folder := os.Getenv(brokerFolder); folder != "" {
		fmt.Fprintln(os.Stderr, "e2e:", eventstest.Serve(brokerHost, brokerPort, folder))
		os.Exit(1)
	}
	flag.Parse()
	if os.Geteuid() == 0 && os.Getenv(ownMounts) == "" {
		fmt.Fprintln(os.Stderr, "e2e: unshare:", withOwnMounts())
		os.Exit(1)
	}
	code, err := prepareAndRun(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		code = 1
	}
	os.Exit(code)
}

// ownMounts is set for a test program that sees mounts which nobody else does.
const ownMounts = "LOCKSTEP6_E2E_OWN_MOUNTS"

// withOwnMounts becomes the same program in a mount namespace of its own. Else another program of the machine that makes one at
// the wrong moment, as `ip netns exec` does, holds on to a file system that a test stops, and who mounts its image again is given that one. It returns
// where it fails only.
func withOwnMounts() error {
	unshare, err := exec.LookPath("unshare")
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	argv := append([]string{"unshare", "--mount", "--propagation", "private", "--", self}, os.Args[1:]...)
	return syscall.Exec(unshare, argv, append(os.Environ(), ownMounts+"=1"))
}

func prepareAndRun(m *testing.M) (int, error) {
	folder, err := os.MkdirTemp("", "lockstep6-e2e-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(folder)
	if program = os.Getenv("LOCKSTEP6_BINARY"); program == "" {
		if program, err = build(folder); err != nil {
			return 0, err
		}
	}
	if os.Geteuid() != 0 {
		return again()
	}
	_ = os.Setenv("PATH", os.Getenv("PATH")+":/usr/local/sbin:/usr/sbin:/sbin")
	for name, debian := range programs {
		if _, err := exec.LookPath(name); err != nil {
			return 0, fmt.Errorf("%s of Debian's package %s is missing; packaging/test-deps.sh installs all that these tests need", name, debian)
		}
	}
	unit, err := os.ReadFile(unitFile)
	if err != nil {
		return 0, err
	}
	f, err := readFilter(string(unit))
	if err != nil {
		return 0, err
	}
	if filterFile, err = f.write(folder); err != nil {
		return 0, err
	}
	sweep()
	return m.Run(), nil
}

// again runs the same test program as root, since namespaces and DHCPv6's ports need that.
func again() (int, error) {
	if err := exec.Command("sudo", "-n", "true").Run(); err != nil {
		return 0, fmt.Errorf("these tests make network namespaces and need root; run them as root, or let sudo work without a password (%w)", err)
	}
	args := append([]string{"-n", "env", "LOCKSTEP6_BINARY=" + program, "PATH=" + os.Getenv("PATH"), "DNSTEST=" + os.Getenv("DNSTEST"), "FLEETTEST=" + os.Getenv("FLEETTEST")}, os.Args...)
	cmd := exec.Command("sudo", args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		if exit, ok := err.(*exec.ExitError); ok {
			return exit.ExitCode(), nil
		}
		return 0, err
	}
	return 0, nil
}
