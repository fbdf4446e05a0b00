package cli

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lockstep6/lockstep6/core/convert/isc"
)

func newConvertISC() *cobra.Command {
	var v conversion
	var interfaces []string
	c := &cobra.Command{
		Use:   "isc",
		Short: "Turn a configuration of ISC dhcpd into ours",
		Long: `Turn a configuration of ISC's dhcpd for DHCPv6 (dhcpd6.conf) into ours, for a single server that behaves as dhcpd did: with the
same lifetimes, options, classes and reservations, and leases that are computed from the client. docs/convert.md tells what becomes of each statement.

dhcpd finds out by its interfaces' addresses which subnet6 its clients are on. This command looks at those of this machine,
or at those that --interface names. Files that the configuration includes are looked for in its folder. Secrets go into files
beside the new configuration.

The exit code is 0 where it was written, with warnings or without, and 3 where dhcpd itself would refuse the configuration.`,
		Example: `  lockstep6 convert isc --in /etc/dhcp/dhcpd6.conf --out lockstep6.yaml
  lockstep6 convert isc --in dhcpd6.conf --interface eth0=2001:db8:1::1 --interface eth1=2001:db8:2::1 --out lockstep6.yaml`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return convertISC(c, &v, interfaces)
		},
	}
	v.flags(c)
	c.Flags().StringArrayVar(&interfaces, "interface", nil, "an interface that dhcpd listens on: NAME of this machine, or `NAME=ADDRESS` of another; repeated")
	return c
}

func convertISC(c *cobra.Command, v *conversion, interfaces []string) error {
	name, data, err := v.read(c.InOrStdin())
	if err != nil {
		return err
	}
	folder := filepath.Dir(v.in)
	src := isc.Source{File: name, Data: data, Open: func(name string) ([]byte, error) {
		if !filepath.IsAbs(name) {
			name = filepath.Join(folder, name)
		}
		return os.ReadFile(name)
	}}
	if src.Interfaces, err = dhcpdInterfaces(interfaces); err != nil {
		return err
	}
	result, err := isc.Convert(&src)
	if err != nil {
		return convertRefusal(err)
	}
	if err := v.secrets(c.ErrOrStderr(), result.Secrets); err != nil {
		return err
	}
	return v.write(c.OutOrStdout(), c.ErrOrStderr(), result.Draft, "lockstep6 convert isc", name)
}

// dhcpdInterfaces are the interfaces of a command line, or all of this machine but its loopback where there are none.
func dhcpdInterfaces(args []string) (out []isc.Interface, err error) {
	for _, arg := range args {
		name, address, given := strings.Cut(arg, "=")
		if !given {
			i, err := net.InterfaceByName(name)
			if err != nil {
				return nil, fmt.Errorf("--interface %s: %w; of another machine write --interface %s=ADDRESS", name, err, name)
			}
			out = append(out, addressesOf(i))
			continue
		}
		a, err := netip.ParseAddr(address)
		if err != nil || !a.Is6() {
			return nil, fmt.Errorf("--interface %s: %q isn't an IPv6 address", arg, address)
		}
		out = append(out, isc.Interface{Name: name, Addresses: []netip.Addr{a}})
	}
	if len(args) > 0 {
		return out, nil
	}
	all, err := net.Interfaces()
	for i := range all {
		if all[i].Flags&net.FlagLoopback == 0 {
			out = append(out, addressesOf(&all[i]))
		}
	}
	return out, err
}

// addressesOf are an interface's IPv6 addresses; none where the kernel doesn't tell.
func addressesOf(i *net.Interface) isc.Interface {
	out := isc.Interface{Name: i.Name}
	all, err := i.Addrs()
	if err != nil {
		return out
	}
	for _, a := range all {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().Is6() {
			out.Addresses = append(out.Addresses, p.Addr())
		}
	}
	return out
}
