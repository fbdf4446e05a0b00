package cli

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"slices"

	"github.com/spf13/cobra"

	"github.com/lockstep6/lockstep6/cmd/lockstep6/internal/daemon"
	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/io/admin"
)

// A leaseSource answers for a running node (through its admin socket) or for a stopped one's store.
type leaseSource interface {
	List(ctx context.Context, f admin.Filter) iter.Seq2[admin.Lease, error]
	Release(ctx context.Context, lease netip.Prefix) (admin.Lease, error)
	Close() error
}

type leasesFlags struct {
	config, data, format, within, duid string
	live                               bool
}

var leasesFormats = []string{"table", "json", "csv"}

func newLeases() *cobra.Command {
	var f leasesFlags
	c := &cobra.Command{
		Use:   "leases",
		Short: "List, show and release leases",
		Long: `List, show and release the leases of a node: of a running one through admin.sock in its data folder,
of a stopped one from its store. The data folder is --data, else store.path of the configuration.`,
		Example: `  lockstep6 leases list --config lockstep6.yaml
  lockstep6 leases list --data /var/lib/lockstep6 --format csv --within 2001:db8:1::/64
  lockstep6 leases show 2001:db8:1::7f3a
  lockstep6 leases release 2001:db8:8000:100::/56`,
		Args: noArgs,
		PersistentPreRunE: func(*cobra.Command, []string) error {
			if !slices.Contains(leasesFormats, f.format) {
				return usageError{fmt.Errorf("--format %s: give table, json or csv", f.format)}
			}
			return nil
		},
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	flags := c.PersistentFlags()
	flags.StringVarP(&f.config, "config", "c", "lockstep6.yaml", "configuration `FILE` that names the data folder")
	flags.StringVar(&f.data, "data", "", "the node's data folder `DIR`")
	flags.StringVarP(&f.format, "format", "f", "table", "`table`, json (one object a line) or csv")
	_ = c.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(leasesFormats, cobra.ShellCompDirectiveNoFileComp))
	c.AddCommand(newLeasesList(&f), newLeasesShow(&f), newLeasesRelease(&f))
	return c
}

func newLeasesList(f *leasesFlags) *cobra.Command {
	c := &cobra.Command{
		Use:   "list",
		Short: "List leases",
		Long: `List leases: those in force, and those that have ended and were not reclaimed yet. A running node lists them in no
order, a stopped one's store in the order of their addresses.`,
		Example: `  lockstep6 leases list --live
  lockstep6 leases list --data /var/lib/lockstep6 --format csv --within 2001:db8:1::/64
  lockstep6 leases list --duid 00:03:00:01:02:00:00:00:00:01 --format json`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			filter := admin.Filter{Live: f.live}
			if f.duid != "" {
				duid, err := admin.ParseDUID(f.duid)
				if err != nil {
					return usageError{fmt.Errorf("--duid: %w", err)}
				}
				filter.DUID = wire.FormatDUID(duid)
			}
			if f.within != "" {
				within, err := admin.ParseLease(f.within)
				if err != nil {
					return usageError{fmt.Errorf("--within: %w", err)}
				}
				filter.Within = within.Masked()
			}
			return withLeases(f, func(s leaseSource) error {
				return printLeases(c.OutOrStdout(), f.format, s.List(c.Context(), filter))
			})
		},
	}
	c.Flags().StringVar(&f.within, "within", "", "only leases in `PREFIX`")
	c.Flags().StringVar(&f.duid, "duid", "", "only leases of the client with this `DUID`, such as 00:03:00:01:02:00:00:00:00:01")
	c.Flags().BoolVar(&f.live, "live", false, "only leases that haven't ended")
	return c
}

func newLeasesShow(f *leasesFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "show ADDRESS|PREFIX",
		Short: "Show the lease of an address or a delegated prefix, whole",
		Example: `  lockstep6 leases show 2001:db8:1::7f3a
  lockstep6 leases show 2001:db8:8000:100::/56 --format json`,
		Args: oneLease,
		RunE: func(c *cobra.Command, args []string) error {
			lease, err := admin.ParseLease(args[0])
			if err != nil {
				return usageError{err}
			}
			return withLeases(f, func(s leaseSource) error {
				for l, err := range s.List(c.Context(), admin.Filter{Within: lease}) {
					if err != nil {
						return err
					}
					if same, err := admin.ParseLease(l.Lease); err == nil && same == lease {
						return printLease(c.OutOrStdout(), f.format, l)
					}
				}
				return errNobody(args[0], lease)
			})
		},
	}
}

func newLeasesRelease(f *leasesFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "release ADDRESS|PREFIX",
		Short: "Free a lease as if its client had released it",
		Long: `Free a lease as if its client had released it. The client isn't told: it goes on using the lease until it
asks again, so release only what you know to be unused.`,
		Example: `  lockstep6 leases release 2001:db8:8000:100::/56`,
		Args:    oneLease,
		RunE: func(c *cobra.Command, args []string) error {
			lease, err := admin.ParseLease(args[0])
			if err != nil {
				return usageError{err}
			}
			return withLeases(f, func(s leaseSource) error {
				l, err := s.Release(c.Context(), lease)
				if errors.Is(err, admin.ErrNoLease) {
					return errNobody(args[0], lease)
				}
				if err != nil {
					return err
				}
				return printLease(c.OutOrStdout(), f.format, l)
			})
		},
	}
}

// errNobody says that nobody holds a lease. An address may have been meant as a prefix.
func errNobody(text string, lease netip.Prefix) error {
	if lease.IsSingleIP() {
		return fmt.Errorf("nobody holds %s as an address\nhint: a delegated prefix is named with its length, such as %s/56", text, lease.Addr())
	}
	return fmt.Errorf("nobody holds %s", text)
}

// withLeases opens the data folder's leases for a call.
func withLeases(f *leasesFlags, call func(leaseSource) error) error {
	data := f.data
	if data == "" {
		c, err := daemon.ReadConfig(f.config)
		if err != nil {
			return fmt.Errorf("%w\nhint: --data DIR names the data folder without a configuration", refusal(err))
		}
		if data, err = daemon.DataFolder(c, ""); err != nil {
			return err
		}
	}
	source, err := openLeases(data)
	if err != nil {
		return err
	}
	return errors.Join(call(source), source.Close())
}
