package cli

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lockstep6/lockstep6/io/admin"
)

// A leaseSource answers for a running node (through its admin socket) or for a stopped one's store.
type leaseSource interface {
	List(ctx context.Context, f admin.Filter) iter.Seq2[admin.Lease, error]
	Release(ctx context.Context, lease netip.Prefix, whose admin.Whose) (admin.Lease, error)
	History(ctx context.Context, q admin.HistoryQuery) (admin.HistoryState, iter.Seq2[admin.Period, error], error)
	Close() error
}

type leasesFlags struct {
	place
	format        string
	filter        admin.Filter
	observed, all bool
}

var leasesFormats = []string{"table", "json", "csv"}

func newLeases() *cobra.Command {
	var f leasesFlags
	c := &cobra.Command{
		Use:   "leases",
		Short: "List, show and release leases",
		Long: `List, show and release the leases of a node: of a running one through admin.sock in its data folder,
of a stopped one from its store. The data folder is --data, else store.path of the configuration. With --url it asks a
running node elsewhere.

A node of a cluster also knows what its peers granted, from what their clients say to them. Those are observed leases;
of a stopped node they are shown with their nodes' names where --config is given, else with the nodes' DUIDs.`,
		Example: `  lockstep6 leases list --config lockstep6.yaml
  lockstep6 leases list --data /var/lib/lockstep6 --format csv --within 2001:db8:1::/64
  lockstep6 leases show 2001:db8:1::7f3a
  lockstep6 leases release 2001:db8:8000:100::/56
  lockstep6 leases list --url https://node-a.example:8067 --token-file admin.token --ca-file ca.pem`,
		Args: noArgs,
		PersistentPreRunE: func(c *cobra.Command, _ []string) error {
			if !slices.Contains(leasesFormats, f.format) {
				return usageError{fmt.Errorf("--format %s: give table, json or csv", f.format)}
			}
			return f.check(c)
		},
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	f.addTo(c)
	c.PersistentFlags().StringVarP(&f.format, "format", "f", "table", "`table`, json (one object a line) or csv")
	_ = c.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(leasesFormats, cobra.ShellCompDirectiveNoFileComp))
	c.AddCommand(newLeasesList(&f), newLeasesShow(&f), newLeasesRelease(&f))
	return c
}

func newLeasesList(f *leasesFlags) *cobra.Command {
	c := &cobra.Command{
		Use:   "list",
		Short: "List leases",
		Long: `List the leases that this node granted: those in force, and those that have ended and were not reclaimed yet. All filters
that are given must hold. A running node lists leases in the order of its table, a stopped one's store in that of addresses.

With --observed it lists what this node knows of its peers' leases. A claim is strong where the configuration explains
it (the client's computed lease, or a reservation), else weak; it is tentative after the client asked for the lease, and
confirmed when the client was heard with it again, half a minute or more later.`,
		Example: `  lockstep6 leases list --live
  lockstep6 leases list --observed --config lockstep6.yaml
  lockstep6 leases list --data /var/lib/lockstep6 --format csv --within 2001:db8:1::/64
  lockstep6 leases list --duid 00:03:00:01:02:00:00:00:00:01 --format json
  lockstep6 leases list --remote-id 4491:line-17 --link pop1
  lockstep6 leases list --name 'laptop*' --all`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if f.observed && f.all {
				return usageError{errors.New("--observed and --all: give one of them")}
			}
			f.filter.Whose = f.whose()
			return withLeases(f, func(s leaseSource) error {
				return printLeases(c.OutOrStdout(), f.format, f.filter.Whose, s.List(c.Context(), f.filter))
			})
		},
	}
	for _, p := range admin.Parameters() {
		switch p.Name {
		case "whose": // --observed and --all
		case "live":
			c.Flags().BoolVar(&f.filter.Live, p.Name, false, p.About)
		default:
			c.Flags().Func(strings.ReplaceAll(p.Name, "_", "-"), p.About, func(text string) error { return p.Set(&f.filter, text) })
		}
	}
	c.Flags().BoolVar(&f.observed, "observed", false, "what is observed of other nodes, instead of this node's own")
	c.Flags().BoolVar(&f.all, "all", false, "both")
	return c
}

func (f *leasesFlags) whose() admin.Whose {
	switch {
	case f.all:
		return admin.All
	case f.observed:
		return admin.Observed
	default:
		return admin.Own
	}
}

func newLeasesShow(f *leasesFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "show ADDRESS|PREFIX",
		Short: "Show the lease of an address or a delegated prefix, whole, whoever granted it",
		Example: `  lockstep6 leases show 2001:db8:1::7f3a
  lockstep6 leases show 2001:db8:8000:100::/56 --format json`,
		Args: oneLease,
		RunE: func(c *cobra.Command, args []string) error {
			lease, err := admin.ParseLease(args[0])
			if err != nil {
				return usageError{err}
			}
			return withLeases(f, func(s leaseSource) error {
				for l, err := range s.List(c.Context(), admin.Filter{Lease: lease, Whose: admin.All}) {
					if err != nil {
						return err
					}
					return printLease(c.OutOrStdout(), f.format, l)
				}
				return errNobody(args[0], lease)
			})
		},
	}
}

func newLeasesRelease(f *leasesFlags) *cobra.Command {
	c := &cobra.Command{
		Use:   "release ADDRESS|PREFIX",
		Short: "Free a lease as if its client had released it",
		Long: `Free a lease as if its client had released it. The client isn't told: it goes on using the lease until it
asks again, so release only what you know to be unused.

A lease that is observed of another node isn't this node's to release: release it there. With --observed this node
forgets what it observed, and may then give the lease to somebody else.`,
		Example: `  lockstep6 leases release 2001:db8:8000:100::/56
  lockstep6 leases release --observed 2001:db8:8000:200::/56    # its node is gone for good`,
		Args: oneLease,
		RunE: func(c *cobra.Command, args []string) error {
			lease, err := admin.ParseLease(args[0])
			if err != nil {
				return usageError{err}
			}
			return withLeases(f, func(s leaseSource) error {
				l, err := s.Release(c.Context(), lease, f.whose())
				if err != nil {
					return explainRelease(err, args[0], lease)
				}
				return printLease(c.OutOrStdout(), f.format, l)
			})
		},
	}
	c.Flags().BoolVar(&f.observed, "observed", false, "drop what is observed of another node")
	return c
}

// explainRelease says what to do about a lease that can't be released.
func explainRelease(err error, text string, lease netip.Prefix) error {
	var owner *admin.OwnerError
	switch {
	case errors.Is(err, admin.ErrNoLease):
		return errNobody(text, lease)
	case !errors.As(err, &owner):
		return err
	case owner.Owner == "":
		return fmt.Errorf("%w\nhint: leave --observed out", err)
	default:
		return fmt.Errorf("%w\nhint: release it at %s; --observed only makes this node forget it", err, owner.Owner)
	}
}

// errNobody says that nobody holds a lease. An address may have been meant as a prefix.
func errNobody(text string, lease netip.Prefix) error {
	if lease.IsSingleIP() {
		return fmt.Errorf("nobody holds %s as an address\nhint: a delegated prefix is named with its length, such as %s/56", text, lease.Addr())
	}
	return fmt.Errorf("nobody holds %s", text)
}

// withLeases opens the place's leases for a call.
func withLeases(f *leasesFlags, call func(leaseSource) error) error {
	source, err := f.leases()
	if err != nil {
		return err
	}
	return errors.Join(call(source), source.Close())
}
