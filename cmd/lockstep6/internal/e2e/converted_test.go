package e2e

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/iana"
)

// An original is a server of another make with a configuration that is converted.
type original struct {
	name   string // as `lockstep6 convert` calls it
	config string // beside the test, in testdata/converted
	start  func(h *Host, config string) *Process
	args   []string // of the conversion
}

var originals = []original{
	{"kea", "kea-dhcp6.conf", func(h *Host, config string) *Process {
		dir := h.File("kea")
		return h.Start("kea", "env", "KEA_PIDFILE_DIR="+dir, "KEA_LOCKFILE_DIR="+dir, "KEA_DHCP_DATA_DIR="+dir, "kea-dhcp6", "-c", config)
	}, nil},
	{"isc", "dhcpd6.conf", func(h *Host, config string) *Process {
		return h.Start("dhcpd", "dhcpd", "-6", "-f", "-q", "-cf", config, "-lf", h.Write("dhcpd6.leases", "", 0o644), "-pf", h.File("dhcpd6.pid"), "eth0")
	}, []string{"--interface", "eth0=2001:db8:1::1"}},
}

// asksFor are the options that the clients ask for; what else is set isn't sent. Of vendors' options Kea sends what the client's own one asks for.
var asksFor = []dhcpv6.OptionCode{dhcpv6.OptionDNSRecursiveNameServer, dhcpv6.OptionDomainSearchList, 31, 40, 41, 42, 64, 60001, 60002}

// dressed are clients that the configurations tell apart.
var dressed = map[uint32][]dhcpv6.Option{
	1: nil, // of the first pool
	2: {&dhcpv6.OptUserClass{UserClasses: [][]byte{[]byte("phone")}}},
	3: {dhcpv6.OptClientArchType(iana.EFI_X86_64)},
	4: nil, // has a reservation inside of a pool, with options of its own
	5: nil, // has one outside of all pools
}

// TestConverted: a server of another make and a node with its converted configuration tell the same clients the same options and lifetimes,
// whichever pool their leases are of.
func TestConverted(t *testing.T) {
	for _, o := range originals {
		t.Run(o.name, func(t *testing.T) {
			t.Parallel()
			lab := NewLab(t)
			lan := lab.Segment("lan")
			server, relay := lab.Host("server"), lab.Host("relay")
			server.Plug(lan, "eth0", "2001:db8:1::1/64")
			relay.Plug(lan, "eth0", "2001:db8:1::2/64")
			source, err := os.ReadFile(filepath.Join("testdata/converted", o.config))
			if err != nil {
				t.Fatal(err)
			}
			config := server.Write("kea/"+o.config, strings.ReplaceAll(string(source), "@DIR@", server.Dir), 0o644)
			agent := relay.AgentAt(547, "[2001:db8:1::1]:547")
			old := o.start(server, config)
			want := told(t, agent)
			if err := old.Stop(syscall.SIGTERM); err != nil {
				t.Logf("%s ended with %v", o.name, err)
			}
			file := server.File("lockstep6.yaml")
			t.Log(server.command(slices.Concat([]string{"convert", o.name, "--in", config, "--out", file}, o.args)...))
			(&Server{host: server, config: file}).Start()
			if diff := cmp.Diff(want, told(t, agent)); diff != "" {
				t.Errorf("what clients are told (-%s +lockstep6)\n%s", o.name, diff)
			}
			if len(want) != len(dressed) {
				t.Errorf("%d clients were answered, want %d", len(want), len(dressed))
			}
		})
	}
}

// told is what each client is told: options, and of its leases the pool's first octets and lifetimes. Only one client asks for a prefix too: T1
// and T2 are the same for both here (RFC 9915, Section 18.1), and of two subnets the old servers take options each in its way.
func told(t *testing.T, agent *Agent) map[uint32][]string {
	t.Helper()
	all := make(map[uint32][]string)
	for _, n := range slices.Sorted(maps.Keys(dressed)) {
		c := agent.Client("2001:db8:1::2", n)
		c.host = n != 2
		c.more = append([]dhcpv6.Option{dhcpv6.OptRequestedOption(asksFor...)}, dressed[n]...)
		lease, err := retry(time.Now().Add(patience), func() (Lease, error) { return c.Acquire(repeatAfter * 8) })
		if err != nil {
			t.Fatalf("client %d: %v", n, err)
		}
		reply, err := c.Send(dhcpv6.MessageTypeRenew, lease, patience)
		if err != nil {
			t.Fatalf("client %d renews: %v", n, err)
		}
		for _, o := range reply.Options.Options {
			switch o := o.(type) {
			case *dhcpv6.OptIANA:
				a := o.Options.OneAddress()
				all[n] = append(all[n], fmt.Sprintf("T1 %v T2 %v %x.. preferred %v valid %v", o.T1, o.T2, []byte(a.IPv6Addr[:10]), tens(a.PreferredLifetime), tens(a.ValidLifetime)))
			case *dhcpv6.OptIAPD:
				p := o.Options.Prefixes()[0]
				all[n] = append(all[n], fmt.Sprintf("T1 %v T2 %v %x.. preferred %v valid %v", o.T1, o.T2, []byte(p.Prefix.IP[:5]), tens(p.PreferredLifetime), tens(p.ValidLifetime)))
			default:
				if c := o.Code(); c != dhcpv6.OptionClientID && c != dhcpv6.OptionServerID && c != dhcpv6.OptionStatusCode {
					all[n] = append(all[n], fmt.Sprintf("option %d %x", c, o.ToBytes()))
				}
			}
		}
		slices.Sort(all[n])
	}
	return all
}

// tens rounds a lifetime up: dhcpd answers an early Renew with what is left of the lease (dhcp-cache-threshold), which is less once its clock's second has turned.
func tens(d time.Duration) time.Duration { return (d + 9*time.Second).Truncate(10 * time.Second) }
