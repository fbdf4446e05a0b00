package cli

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/lockstep6/lockstep6/cmd/lockstep6/internal/daemon"
	"github.com/lockstep6/lockstep6/core/policy"
	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/io/admin"
	"github.com/lockstep6/lockstep6/store"
)

type planFlags struct {
	config, data, duid, format string
	iaid                       uint32
	clients                    int
}

func newPlan() *cobra.Command {
	f := planFlags{}
	c := &cobra.Command{
		Use:   "plan",
		Short: "Show what each node would assign",
		Long: `Show what each node would assign from: links, pools, how many leases they hold, how many clients would find
their first candidate taken, and the fingerprint, which all nodes of a cluster must share.

With --duid it shows what this client would get from every node, as far as it can be computed: a client that has a
binding keeps it. A single node's key is made at its first start and kept in its data folder, which must then be
readable; a running node's store can't be read, so ask it before the start or after the stop.`,
		Example: `  lockstep6 plan --config lockstep6.yaml --clients 200000
  lockstep6 plan --config lockstep6.yaml --duid 00:03:00:01:02:00:00:00:00:01 --iaid 1`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return plan(c.OutOrStdout(), &f) },
	}
	flags := c.Flags()
	flags.StringVarP(&f.config, "config", "c", "lockstep6.yaml", "configuration `FILE`")
	flags.StringVar(&f.data, "data", "", "a single node's data folder `DIR` instead of store.path")
	flags.StringVar(&f.duid, "duid", "", "show what the client with this `DUID` would get")
	flags.Uint32Var(&f.iaid, "iaid", 1, "the client's `IAID`")
	flags.IntVar(&f.clients, "clients", 10000, "how many clients `N` each link has")
	flags.StringVarP(&f.format, "format", "f", "table", "`table` or json")
	return c
}

func plan(w io.Writer, f *planFlags) error {
	if f.format != "table" && f.format != "json" {
		return usageError{fmt.Errorf("--format %s: give table or json", f.format)}
	}
	if f.clients < 0 {
		return usageError{errors.New("--clients: give a number from 0")}
	}
	c, err := daemon.ReadConfig(f.config)
	if err != nil {
		return refusal(err)
	}
	in := policy.Input{File: f.config, Resolve: daemon.Resolver(f.config), SingleDUID: placeholderDUID}
	if c.Cluster == nil && f.duid != "" {
		path, err := daemon.DataFolder(c, f.data)
		if err != nil {
			return err
		}
		if err := singleSecrets(path, &in); err != nil {
			return err
		}
	}
	p, err := policy.NewPlan(c, in, f.clients)
	if err != nil {
		return refusal(err)
	}
	if f.duid == "" {
		return printPlan(w, f.format, p)
	}
	duid, err := admin.ParseDUID(f.duid)
	if err != nil {
		return usageError{fmt.Errorf("--duid: %w", err)}
	}
	prospects := append(p.WouldGet(duid, f.iaid, wire.IANA), p.WouldGet(duid, f.iaid, wire.IAPD)...)
	return printProspects(w, f.format, prospects)
}

// singleSecrets reads a single node's key and DUID from its stopped store.
func singleSecrets(path string, in *policy.Input) error {
	reader, err := store.OpenReadOnly(store.Options{Path: path})
	if err != nil {
		return fmt.Errorf("a single node's key is in its data folder: %w", err)
	}
	key, duid, ok := daemon.SingleSecrets(reader)
	if err := reader.Close(); err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("%s has no key yet: a single node makes it at its first start", path)
	}
	in.SingleKey, in.SingleDUID = key, duid
	return nil
}
