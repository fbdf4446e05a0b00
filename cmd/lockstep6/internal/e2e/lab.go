package e2e

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netns"
)

// namespacePrefix starts the names of all namespaces of this package: l6-<pid>-<lab>-<host>.
const namespacePrefix = "l6-"

// patience bounds every wait for something that a healthy machine does in seconds.
const patience = 60 * time.Second

var labs atomic.Int64

// A Lab is a set of namespaces that vanish with their test.
type Lab struct {
	t     testing.TB
	id    string
	dir   string
	plugs int // interfaces made
}

// NewLab makes an empty lab.
func NewLab(t testing.TB) *Lab {
	t.Helper()
	return &Lab{t: t, id: fmt.Sprintf("%s%d-%d-", namespacePrefix, os.Getpid(), labs.Add(1)), dir: t.TempDir()}
}

// A Host is a network namespace with a folder for its files.
type Host struct {
	lab  *Lab
	Name string
	ns   string
	Dir  string
}

// Host makes a namespace with only a loopback interface.
func (l *Lab) Host(name string) *Host {
	l.t.Helper()
	h := &Host{lab: l, Name: name, ns: l.id + name, Dir: filepath.Join(l.dir, name)}
	if err := os.MkdirAll(h.Dir, 0o755); err != nil {
		l.t.Fatal(err)
	}
	l.run("ip", "netns", "add", h.ns)
	l.t.Cleanup(func() { removeNamespace(h.ns) })
	l.run("ip", "-n", h.ns, "link", "set", "lo", "up")
	// Only DHCPv6 configures these hosts.
	l.run("ip", "netns", "exec", h.ns, "sysctl", "-qw", "net.ipv6.conf.default.accept_ra=0", "net.ipv6.conf.all.accept_ra=0")
	return h
}

// A Segment is one link: a bridge in a namespace of its own.
type Segment struct {
	host  *Host
	ports int
}

// Segment makes a link that floods multicast, as a hub would: no port waits for a querier.
func (l *Lab) Segment(name string) *Segment {
	l.t.Helper()
	s := &Segment{host: l.Host(name)}
	l.run("ip", "-n", s.host.ns, "link", "add", "br0", "type", "bridge", "mcast_snooping", "0", "forward_delay", "0")
	l.run("ip", "-n", s.host.ns, "link", "set", "br0", "up")
	return s
}

// Plug gives the host an interface on a segment, with static addresses such as "2001:db8:1::1/64" that are
// usable at once.
func (h *Host) Plug(s *Segment, name string, addresses ...string) {
	t := h.lab.t
	t.Helper()
	s.ports++
	port := "p" + strconv.Itoa(s.ports)
	// Not the kernel's random address: dhclient makes an IAID of its last four octets, writes them as text into its lease
	// file where they are printable, and can't read a quotation mark among them back.
	h.lab.plugs++
	mac := fmt.Sprintf("02:00:00:00:00:%02x", h.lab.plugs)
	h.lab.run("ip", "link", "add", name, "address", mac, "netns", h.ns, "type", "veth", "peer", "name", port, "netns", s.host.ns)
	h.lab.run("ip", "-n", s.host.ns, "link", "set", port, "master", "br0", "up")
	for _, a := range addresses {
		h.lab.run("ip", "-n", h.ns, "addr", "add", a, "dev", name, "nodad")
	}
	h.lab.run("ip", "-n", h.ns, "link", "set", name, "up")
	h.eventually("a usable link-local address on "+name, func() bool {
		for _, a := range h.addresses(name) {
			if a.address.IsLinkLocalUnicast() && !a.tentative {
				return true
			}
		}
		return false
	})
}

// MAC returns the link-layer address of an interface as tshark writes it.
func (h *Host) MAC(name string) string {
	h.lab.t.Helper()
	var links []struct{ Address string }
	h.lab.decode(h.lab.run("ip", "-n", h.ns, "-j", "link", "show", "dev", name), &links)
	return links[0].Address
}

type interfaceAddress struct {
	address    netip.Addr
	length     int
	tentative  bool
	failed     bool   // duplicate address detection found another holder
	preferred  uint32 // seconds left
	valid      uint32
	deprecated bool
}

// addresses returns what the kernel has on an interface. None when the interface isn't there.
func (h *Host) addresses(name string) []interfaceAddress {
	out, err := exec.Command("ip", "-n", h.ns, "-j", "-6", "addr", "show", "dev", name).Output()
	if err != nil {
		return nil
	}
	var links []struct {
		AddrInfo []struct {
			Local             string
			Prefixlen         int
			Tentative         bool
			Dadfailed         bool
			Deprecated        bool
			PreferredLifeTime uint32 `json:"preferred_life_time"`
			ValidLifeTime     uint32 `json:"valid_life_time"`
		} `json:"addr_info"`
	}
	h.lab.decode(out, &links)
	var all []interfaceAddress
	for _, l := range links {
		for _, a := range l.AddrInfo {
			addr, err := netip.ParseAddr(a.Local)
			if err != nil {
				continue // an interface without addresses shows an empty entry
			}
			all = append(all, interfaceAddress{addr, a.Prefixlen, a.Tentative, a.Dadfailed, a.PreferredLifeTime, a.ValidLifeTime, a.Deprecated})
		}
	}
	return all
}

// GlobalAddresses returns the usable global addresses of an interface.
func (h *Host) GlobalAddresses(name string) []netip.Addr {
	var all []netip.Addr
	for _, a := range h.addresses(name) {
		if a.address.IsGlobalUnicast() && !a.tentative && !a.failed {
			all = append(all, a.address)
		}
	}
	return all
}

// Inside runs f on a thread that is in the host's namespace; sockets that f opens stay there.
func (h *Host) Inside(f func() error) error {
	runtime.LockOSThread()
	home, err := netns.Get()
	if err != nil {
		runtime.UnlockOSThread()
		return err
	}
	defer home.Close()
	away, err := netns.GetFromName(h.ns)
	if err != nil {
		runtime.UnlockOSThread()
		return err
	}
	defer away.Close()
	if err := netns.Set(away); err != nil {
		runtime.UnlockOSThread()
		return err
	}
	err = f()
	if back := netns.Set(home); back != nil {
		return back // the thread stays locked and ends with its goroutine: it must not serve others
	}
	runtime.UnlockOSThread()
	return err
}

// eventually waits until holds says so, and fails the test after patience.
func (h *Host) eventually(what string, holds func() bool) {
	h.lab.t.Helper()
	eventually(h.lab.t, patience, h.Name+": "+what, holds)
}

// eventually polls, because what it waits for is told by programs that announce nothing.
func eventually(t testing.TB, limit time.Duration, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(limit)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("waited %v in vain for %s", limit, what)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (l *Lab) run(argv ...string) []byte {
	l.t.Helper()
	out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput()
	if err != nil {
		l.t.Fatalf("%s: %v\n%s", strings.Join(argv, " "), err, out)
	}
	return out
}

func (l *Lab) decode(data []byte, into any) {
	l.t.Helper()
	if err := json.Unmarshal(data, into); err != nil {
		l.t.Fatalf("%v in %q", err, data)
	}
}

// removeNamespace ends what still runs in one of our namespaces and removes it.
func removeNamespace(ns string) {
	for range 20 {
		out, _ := exec.Command("ip", "netns", "pids", ns).Output()
		pids := strings.Fields(string(out))
		if len(pids) == 0 {
			break
		}
		for _, p := range pids {
			if pid, err := strconv.Atoi(p); err == nil && pid > 1 {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
		}
		time.Sleep(20 * time.Millisecond)
	}
	_ = exec.Command("ip", "netns", "del", ns).Run()
}

// sweep removes the namespaces of runs whose process is gone.
func sweep() {
	entries, _ := os.ReadDir("/run/netns")
	for _, e := range entries {
		rest, ours := strings.CutPrefix(e.Name(), namespacePrefix)
		if !ours {
			continue
		}
		pid, err := strconv.Atoi(strings.SplitN(rest, "-", 2)[0])
		if err == nil && syscall.Kill(pid, 0) == syscall.ESRCH {
			removeNamespace(e.Name())
		}
	}
}
