package cli

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lockstep6/lockstep6/cmd/lockstep6/internal/daemon"
	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/io/admin"
	"github.com/lockstep6/lockstep6/store"
	"github.com/lockstep6/lockstep6/store/exchange"
)

type importFlags struct {
	config, data, node, successor string
	duid, report, byteOrder       string
	dryRun, write                 bool
}

// importFormats are the servers whose lease files are read, and which file that is.
var importFormats = []struct {
	format             exchange.Format
	server, file, note string
}{
	{exchange.Kea, "Kea", "/var/lib/kea/kea-leases6.csv", "What Kea's cleanup left beside it (.completed, .2, .1) is read first, as Kea does. The server's DUID is in kea-dhcp6-serverid beside it."},
	{exchange.ISC, "ISC dhcpd", "/var/lib/dhcp/dhcpd6.leases", "The server's DUID is in the file."},
	{exchange.Dnsmasq, "dnsmasq", "/var/lib/misc/dnsmasq.leases", "The server's DUID is in the file, behind the leases of DHCPv4, which aren't read."},
	{exchange.Dibbler, "Dibbler", "/var/lib/dibbler/server-AddrMgr.xml", "The server's DUID is in server-duid beside it, or in server-CfgMgr.xml."},
}

func newImport() *cobra.Command {
	var f importFlags
	c := &cobra.Command{
		Use:   "import",
		Short: "Take over the leases of Kea, ISC dhcpd, dnsmasq or Dibbler",
		Long: `Take over the leases of another server: read its lease file into the store of a node that doesn't run. Clients keep what
they have: the node knows their leases, and goes by the old server's DUID, so that their Renews are for it.

Stop the old server first, and write the configuration for its links and pools. A lease that is on no link of the configuration, or in
no pool, isn't taken, and the report says so. --dry-run tells all of that and writes nothing.

In a cluster the import is made at every node, with the same file: for the node that takes the old server's place (--successor) the
leases are its own, for the others they are observed. An import that was broken off, or made too early, can be made again: of each
lease what is newer stays. docs/migration.md has a move step by step.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	flags := c.PersistentFlags()
	flags.StringVarP(&f.config, "config", "c", "lockstep6.yaml", "configuration `FILE`")
	flags.StringVar(&f.data, "data", "", "the node's data folder `DIR` instead of store.path")
	flags.StringVar(&f.node, "node", "", "in a cluster: `NAME` of the node whose store it is")
	flags.StringVar(&f.successor, "successor", "", "in a cluster: `NAME` of the node that takes the old server's place; where the configuration says it by a duid, that one")
	flags.StringVar(&f.duid, "duid", "", "the old server's `DUID`, where its files don't have it")
	flags.BoolVar(&f.dryRun, "dry-run", false, "write nothing, tell what would be taken")
	flags.BoolVar(&f.write, "write", false, "write the old server's DUID into the configuration")
	flags.StringVar(&f.report, "report", "", "write each entry that isn't taken into `FILE`, with its line and the reason")
	for _, s := range importFormats {
		sub := &cobra.Command{
			Use:   string(s.format) + " FILE",
			Short: "Take over the leases of " + s.server,
			Long:  "Take over the leases of " + s.server + ", by its file, such as " + s.file + ".\n" + s.note,
			Example: "  lockstep6 import " + string(s.format) + " " + s.file + " --config lockstep6.yaml --dry-run\n" +
				"  lockstep6 import " + string(s.format) + " " + s.file + " --config lockstep6.yaml --write",
			Args: argsOf(1, "the lease file"),
			RunE: func(c *cobra.Command, args []string) error {
				return importLeases(c.Context(), c.OutOrStdout(), c.ErrOrStderr(), s.format, args[0], &f)
			},
		}
		if s.format == exchange.ISC {
			sub.Flags().StringVar(&f.byteOrder, "byte-order", "little", "`little` or big: of a file without authoring-byte-order")
		}
		c.AddCommand(sub)
	}
	return c
}

// An importing is one run of the command.
type importing struct {
	*importFlags
	text      []byte // of the configuration, as it will be
	duid      []byte // the old server's
	where     string // where it was found
	changed   bool   // the configuration lacks it
	lacking   bool   // and nobody writes it
	successor string
}

func importLeases(ctx context.Context, out, errOut io.Writer, format exchange.Format, file string, f *importFlags) error {
	if f.dryRun && f.write {
		return usageError{errors.New("--dry-run and --write: give one of them")}
	}
	if f.byteOrder != "" && f.byteOrder != "little" && f.byteOrder != "big" {
		return usageError{fmt.Errorf("--byte-order %s: give little or big", f.byteOrder)}
	}
	files, err := exchange.Open(format, file, exchange.Options{BigEndian: f.byteOrder == "big"})
	if err != nil {
		return err
	}
	defer files.Close()
	im := importing{importFlags: f}
	if err := im.findServer(format, file); err != nil {
		return err
	}
	if err := im.tellServer(out); err != nil {
		return err
	}
	report, err := openReport(f.report)
	if err != nil {
		return err
	}
	progress := newImportProgress(errOut, files)
	keepPrivate()
	result, err := daemon.Import(ctx, &daemon.Importing{
		ConfigFile: f.config, Text: im.text, Node: f.node, Data: f.data, Successor: im.successor, DryRun: f.dryRun,
		Source: files, Logger: slog.New(slog.DiscardHandler), Progress: progress.show, Skipped: report.add,
	})
	err = errors.Join(err, report.close())
	progress.end(&result)
	var inUse *store.InUseError
	switch {
	case errors.As(err, &inUse):
		return fmt.Errorf("%w\nhint: leases are imported into the store of a node that doesn't run", err)
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("broken off after %d entries; what was taken is in the store, and the same command goes on", result.Entries)
	case err != nil:
		return refusal(err)
	}
	printImported(out, &result, report)
	im.remind(out)
	return nil
}

// findServer finds the old server's DUID and the node that gets it, and changes the configuration's text.
func (im *importing) findServer(format exchange.Format, file string) (err error) {
	if im.importFlags.duid != "" {
		im.where = "--duid"
		if im.duid, err = admin.ParseDUID(im.importFlags.duid); err != nil {
			return usageError{fmt.Errorf("--duid: %w", err)}
		}
	} else if im.duid, im.where, err = exchange.ServerDUID(format, file); err != nil {
		return fmt.Errorf("%w\nhint: --duid DUID says it; without it the clients' Renews would be for nobody, until they rebind", err)
	}
	text, err := daemon.ReadText(im.config)
	if err != nil {
		return err
	}
	c, faults := config.Parse(im.config, text)
	if len(faults) > 0 {
		return refusal(faults)
	}
	if err := im.chooseSuccessor(c); err != nil {
		return err
	}
	if im.text, err = config.WithDUID(im.config, text, im.successor, im.duid); err != nil {
		return err
	}
	im.changed = !bytes.Equal(im.text, text)
	return nil
}

// chooseSuccessor finds the node of a cluster that takes the old server's place.
func (im *importing) chooseSuccessor(c *config.Config) error {
	if c.Cluster == nil {
		if im.importFlags.successor != "" {
			return usageError{errors.New("--successor: the configuration has no cluster; a single server takes the old one's place anyway")}
		}
		return nil
	}
	names := daemon.ServerDUIDs(c)
	by, has := names[hex.EncodeToString(im.duid)]
	im.successor = im.importFlags.successor
	switch {
	case im.successor == "" && has:
		im.successor = by
	case im.successor == "":
		return usageError{fmt.Errorf("--successor: no node of the configuration has the old server's DUID; say which one takes its place: %s",
			strings.Join(slices.Sorted(maps.Values(names)), ", "))}
	case has && by != im.successor:
		return usageError{fmt.Errorf("--successor %s: the configuration gives the old server's DUID to %s", im.successor, by)}
	}
	return nil
}

// field is where the configuration has the DUID.
func (im *importing) field() string {
	if im.successor == "" {
		return "server.duid"
	}
	return "duid of node " + im.successor
}

// tellServer shows what becomes of the configuration, and writes it.
func (im *importing) tellServer(w io.Writer) error {
	fmt.Fprintf(w, "the old server's DUID is %s, by %s\n", wire.FormatDUID(im.duid), im.where)
	if !im.changed {
		fmt.Fprintf(w, "%s has it: %s\n", im.config, im.field())
		return nil
	}
	before, err := daemon.ReadText(im.config)
	if err != nil {
		return err
	}
	printLineChanges(w, im.config, before, im.text)
	if !im.write {
		im.lacking = true
		return nil
	}
	if err := replaceFile(im.config, im.text); err != nil {
		return fmt.Errorf("cannot write the DUID into the configuration: %w", err)
	}
	fmt.Fprintf(w, "written into %s\n", im.config)
	return nil
}

// remind says what is still to be done.
func (im *importing) remind(w io.Writer) {
	switch {
	case im.dryRun:
		fmt.Fprintln(w, "nothing was written")
	case im.lacking:
		fmt.Fprintf(w, "%s still lacks the old server's DUID: write the line shown above, or give --write, before the node starts; clients' Renews would be for nobody\n", im.config)
	}
}
