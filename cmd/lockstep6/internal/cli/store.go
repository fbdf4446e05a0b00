package cli

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/lockstep6/lockstep6/cmd/lockstep6/internal/daemon"
	"github.com/lockstep6/lockstep6/store"
)

// errDamaged marks a store in which something is wrong: what it is was printed.
var errDamaged = errors.New("the store is damaged")

type storeFlags struct {
	config, data string
	output       string
}

func newStore() *cobra.Command {
	c := &cobra.Command{
		Use:   "store",
		Short: "Check a stopped node's store, or a copy, and repair a damaged one",
		Long:  `Check a stopped node's store, or a copy of one, and repair it where files of it are damaged.`,
		Args:  noArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newStoreCheck(), newStoreRepair())
	return c
}

func newStoreCheck() *cobra.Command {
	var f storeFlags
	c := &cobra.Command{
		Use:   "check [DIR]",
		Short: "Read all of a store, and tell what is damaged",
		Long: `Read every file of a store, and tell of each whether it is whole, and of each kind of content how much can be read. Nothing is changed. The store is a stopped
node's, or a copy that is named: a running node's is refused, so make a backup of that and check it.

Exit codes: 0 the store is whole, 1 it couldn't be checked, 4 something is damaged or missing.`,
		Example: `  lockstep6 store check --data /var/lib/lockstep6
  lockstep6 backup /var/backups/today && lockstep6 store check /var/backups/today
  lockstep6 store check --output json | jq '.files[] | select(.state == "damaged")'`,
		Args: atMostOneFolder,
		RunE: func(c *cobra.Command, args []string) error {
			dir, err := f.folder(c, args)
			if err != nil {
				return err
			}
			r, err := daemon.CheckStore(c.Context(), dir, f.progress(c.ErrOrStderr()))
			if err != nil {
				return stillRunning(err, dir)
			}
			if err := f.print(c.OutOrStdout(), r); err != nil || r.Whole {
				return err
			}
			return fmt.Errorf("%w; `lockstep6 store repair --data %s` makes a store of what can be read, see docs/operations.md", errDamaged, dir)
		},
	}
	f.addTo(c)
	return c
}

func newStoreRepair() *cobra.Command {
	var f storeFlags
	c := &cobra.Command{
		Use:   "repair",
		Short: "Make a store of what can be read of a damaged one",
		Long: `Make a store of all that can be read of a stopped node's damaged one, in its place, and tell what can't. The damaged one stays beside it as it was, as
DIR.damaged-TIME: there has to be room for both. A store in which nothing is damaged is left alone.

The node starts with the new one as after the loss of its disk: in a cluster it listens for one T1, and takes the back seat meanwhile.

Exit codes: 0 the store is whole, or was repaired; 1 it couldn't be, and is as it was.`,
		Example: `  systemctl stop lockstep6 && lockstep6 store repair --data /var/lib/lockstep6`,
		Args:    noArgs,
		RunE: func(c *cobra.Command, args []string) error {
			dir, err := f.folder(c, args)
			if err != nil {
				return err
			}
			r, err := daemon.CheckStore(c.Context(), dir, f.progress(c.ErrOrStderr()))
			if err == nil && !r.Whole {
				r, err = daemon.RepairStore(c.Context(), dir, func(string) {})
			}
			if err != nil {
				return stillRunning(err, dir)
			}
			return f.print(c.OutOrStdout(), r)
		},
	}
	f.addTo(c)
	return c
}

func (f *storeFlags) addTo(c *cobra.Command) {
	flags := c.Flags()
	flags.StringVarP(&f.config, "config", "c", "lockstep6.yaml", "configuration `FILE` that names the data folder")
	flags.StringVar(&f.data, "data", "", "the node's data folder `DIR`")
	flags.StringVarP(&f.output, "output", "o", "text", "`text` or json")
	_ = c.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"text", "json"}, cobra.ShellCompDirectiveNoFileComp))
}

// folder is the store's folder.
func (f *storeFlags) folder(c *cobra.Command, args []string) (string, error) {
	if f.output != "text" && f.output != "json" {
		return "", usageError{fmt.Errorf("--output %s: give text or json", f.output)}
	}
	if len(args) == 1 {
		if f.data != "" {
			return "", usageError{errors.New("name the folder once: as DIR, or with --data")}
		}
		return filepath.Abs(args[0])
	}
	p := place{config: f.config, data: f.data, named: c.Flags().Changed("config")}
	dir, err := p.folder()
	if err != nil {
		return "", err
	}
	return filepath.Abs(dir)
}

func (f *storeFlags) progress(w io.Writer) func(name string) {
	if f.output == "json" {
		return func(string) {}
	}
	return func(name string) { fmt.Fprintf(w, "read %s\n", name) }
}

// stillRunning says what can be done about a store that is in use.
func stillRunning(err error, dir string) error {
	if inUse := (*store.InUseError)(nil); errors.As(err, &inUse) {
		return fmt.Errorf("%w\nhint: its files change while the node runs: stop it, or check a copy, `lockstep6 backup COPY --data %s` and `lockstep6 store check COPY`", err, dir)
	}
	return err
}

func (f *storeFlags) print(w io.Writer, r *daemon.StoreReport) error {
	if f.output == "json" {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(r)
	}
	for i := range r.Files {
		file := &r.Files[i]
		if file.State == "whole" || file.State == "unused" {
			continue
		}
		fmt.Fprintf(w, "%s: %s %s: %s\n", file.Name, file.State, file.Kind, cmp.Or(file.Error, "-"))
		for _, lost := range file.Lost {
			fmt.Fprintf(w, "  unreadable: %s\n", lost)
		}
	}
	if r.Guessed {
		fmt.Fprintln(w, "nobody knows which tables count, so all do: leases that ended long ago may be back, until their lifetimes end")
	}
	for _, kind := range slices.Sorted(maps.Keys(r.Kinds)) {
		fmt.Fprintf(w, "%-9s %d can be read", kind, r.Kinds[kind])
		if n := r.Broken[kind]; n > 0 {
			fmt.Fprintf(w, ", %d make no sense", n)
		}
		fmt.Fprintln(w)
	}
	switch {
	case r.Aside != "":
		fmt.Fprintf(w, "repaired: %d leases in %s; the damaged store is in %s\n", r.Bindings, r.Folder, r.Aside)
	case r.Whole:
		fmt.Fprintf(w, "%s is whole: %d files\n", r.Folder, len(r.Files))
	case r.Refused != "":
		fmt.Fprintf(w, "a node can't start with it: %s\n", r.Refused)
	}
	return nil
}

// atMostOneFolder wants one folder, or none.
func atMostOneFolder(c *cobra.Command, args []string) error {
	if len(args) > 1 {
		return fmt.Errorf("%s takes one folder", c.CommandPath())
	}
	return nil
}
