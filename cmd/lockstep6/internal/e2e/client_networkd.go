package e2e

import (
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
)

// Networkd is systemd-networkd, as a plain process without systemd, udev and D-Bus.
type Networkd struct{}

// Name is the program's.
func (Networkd) Name() string { return "systemd-networkd" }

// Start runs networkd in the foreground. It wants a router's word before it starts DHCPv6, unless told otherwise.
// It asks for one IA_NA and at most one IA_PD, and always with Rapid Commit unless that is turned off.
func (Networkd) Start(h *Host, w Wish) *Process {
	for _, folder := range []string{"/run/systemd/netif", "/run/systemd/netif/links", "/run/systemd/netif/leases", "/run/systemd/netif/lldp"} {
		handOver(h, stateFolder(h, folder))
	}
	how := "solicit"
	if w.Stateless {
		how = "information-request"
	}
	conf := "[Match]\nName=eth0\n[Network]\nDHCP=ipv6\nIPv6AcceptRA=no\nLinkLocalAddressing=ipv6\n" +
		"[DHCPv6]\nWithoutRA=" + how + "\nDUIDType=link-layer\nUseDNS=yes\nUseDomains=yes\nUseHostname=no\n"
	if !w.Rapid {
		conf += "RapidCommit=no\n"
	}
	if w.Prefixes == 0 {
		conf += "UseDelegatedPrefix=no\n"
	} else {
		conf += "PrefixDelegationHint=::/56\n"
	}
	h.Write("etc/systemd/network/eth0.network", conf, 0o644)
	h.Write("etc/machine-id", machineID(h), 0o444)
	return h.Start("systemd-networkd", "env", "SYSTEMD_LOG_LEVEL=debug", "SYSTEMD_LOG_TARGET=console",
		"/lib/systemd/systemd-networkd")
}

// handOver gives a folder to the user that networkd becomes.
func handOver(h *Host, folder string) {
	h.lab.t.Helper()
	h.lab.run("chown", "systemd-network:", folder)
}

// machineID derives the id from eth0's link-layer address, since networkd makes its IAID and DUID from it.
func machineID(h *Host) string {
	mac := strings.ReplaceAll(h.MAC("eth0"), ":", "")
	return strings.Repeat("0", 32-len(mac)) + mac + "\n"
}

// Release ends networkd. The one of Debian 12 sends no Release.
func (Networkd) Release(p *Process) {
	p.host.lab.t.Helper()
	_ = p.Stop(syscall.SIGTERM)
}

var networkdPrefix = regexp.MustCompile(`DHCP: received delegated prefix (\S+)`)

// Got reads what networkd tells resolved, and its log for the prefixes.
func (Networkd) Got(h *Host) Got {
	got := Got{}
	states, _ := filepath.Glob(filepath.Join(h.Dir, "root/run/systemd/netif/links/*"))
	for _, path := range states {
		name, _ := filepath.Rel(h.Dir, path)
		for line := range strings.Lines(h.read(name)) {
			key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
			switch key {
			case "DNS":
				got.DNS = append(got.DNS, addrs(strings.Fields(value))...)
			case "DOMAINS":
				got.Search = append(got.Search, domains(strings.Fields(value))...)
			}
		}
	}
	got.Prefixes = prefixes(matches(networkdPrefix, h.read("systemd-networkd.log")))
	return got
}
