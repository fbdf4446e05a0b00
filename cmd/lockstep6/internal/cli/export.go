package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/lockstep6/lockstep6/io/admin"
	"github.com/lockstep6/lockstep6/store/exchange"
)

type exportFlags struct {
	leasesFlags
	out     string
	subnets []string
	all     bool
}

func newExport() *cobra.Command {
	var f exportFlags
	c := &cobra.Command{
		Use:   "export",
		Short: "Write leases out: for Kea, as CSV, or as JSON",
		Long: `Write the leases in force of a node, its own and those that it observed of its peers: of a running node through admin.sock in its
data folder, or --url, else out of its store. They are written as they are read, so millions of them need no memory.`,
		Args:              noArgs,
		PersistentPreRunE: func(c *cobra.Command, _ []string) error { return f.check(c) },
		RunE:              func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	f.addTo(c)
	flags := c.PersistentFlags()
	flags.StringVarP(&f.out, "out", "o", "", "write into `FILE` instead of the standard output; it gets its name when it is whole")
	c.AddCommand(newExportKea(&f), newExportText(&f, "csv", "RFC 4180 with a header"), newExportText(&f, "json", "one object a line"))
	return c
}

func newExportKea(f *exportFlags) *cobra.Command {
	c := &cobra.Command{
		Use:   "kea",
		Short: "Write leases as Kea's memfile",
		Long: `Write leases as a lease file of Kea (memfile), with which Kea goes on where this server stopped. Stop the node first, so that nothing is
granted behind the file, and let Kea have its DUID: write server.duid of the configuration, or the node's duid, into
kea-dhcp6-serverid in Kea's data folder. docs/migration.md has the way back step by step.

Kea names subnets by numbers, which its configuration gives: --subnet PREFIX=ID says which one a prefix is. Without it all leases
are in the subnet 1.`,
		Example: `  lockstep6 export kea --config lockstep6.yaml --out /var/lib/kea/kea-leases6.csv --subnet 2001:db8:1::/64=1 --subnet 2001:db8:8000::/33=1`,
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			subnets, err := parseSubnets(f.subnets)
			if err != nil {
				return usageError{err}
			}
			return f.export(c.OutOrStdout(), func(w io.Writer, s leaseSource) error {
				return exportKea(c, w, s, subnets)
			})
		},
	}
	c.Flags().StringArrayVar(&f.subnets, "subnet", nil, "`PREFIX=ID` of Kea's configuration; may be repeated")
	return c
}

func newExportText(f *exportFlags, format, what string) *cobra.Command {
	c := &cobra.Command{
		Use:     format,
		Short:   "Write leases as " + what,
		Example: "  lockstep6 export " + format + " --config lockstep6.yaml --out leases." + format,
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return f.export(c.OutOrStdout(), func(w io.Writer, s leaseSource) error {
				return printLeases(w, format, admin.All, s.List(c.Context(), admin.Filter{Live: !f.all, Whose: admin.All}))
			})
		},
	}
	c.Flags().BoolVar(&f.all, "ended", false, "also what has ended and was not reclaimed yet")
	return c
}

// export opens what is read and what is written.
func (f *exportFlags) export(out io.Writer, write func(io.Writer, leaseSource) error) error {
	return withLeases(&f.leasesFlags, func(s leaseSource) error {
		if f.out == "" {
			w := bufio.NewWriter(out)
			return errors.Join(write(w, s), w.Flush())
		}
		temp := f.out + ".part"
		file, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o640)
		if err != nil {
			return fmt.Errorf("--out: %w", err)
		}
		w := bufio.NewWriter(file)
		if err := errors.Join(write(w, s), w.Flush(), file.Sync(), file.Close()); err != nil {
			_ = os.Remove(temp) // it is nobody's
			return err
		}
		return os.Rename(temp, f.out)
	})
}

// exportKea writes living leases, and addresses that were declined.
func exportKea(c *cobra.Command, w io.Writer, s leaseSource, subnets keaSubnets) error {
	kea := exchange.NewKeaWriter(w, subnets.of)
	var room exchange.Lease
	written, left := 0, 0
	err := each(s.List(c.Context(), admin.Filter{Whose: admin.All}), func(l *admin.Lease) error {
		ok, err := toExchange(&room, l)
		switch {
		case err != nil:
			return err
		case !ok:
			return nil
		case l.IAIDUnknown:
			left++
			return nil
		}
		written++
		return kea.Write(&room)
	})
	if err = errors.Join(err, kea.Flush()); err != nil {
		return err
	}
	fmt.Fprintf(c.ErrOrStderr(), "%s written\n", count(written, "lease"))
	if left > 0 {
		fmt.Fprintf(c.ErrOrStderr(), "%s left out, of whose clients the IAID isn't known\n", count(left, "lease"))
	}
	return nil
}
