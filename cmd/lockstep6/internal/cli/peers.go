package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"
)

type peersFlags struct {
	place
	format string
}

var peersFormats = []string{"table", "json"}

func newPeers() *cobra.Command {
	var f peersFlags
	c := &cobra.Command{
		Use:   "peers",
		Short: "Show what a running node knows of the cluster's other nodes",
		Long: `Show what a running node knows of the cluster's other nodes: which of them live, which are silent, which have
another configuration, what they granted, and whether this node hears all of it.

Nodes don't talk to each other. All of this comes from the clients' messages to the other nodes, which relays and
multicast deliver to every node; so a quiet network leaves a peer unknown. One line for each node comes first.
What follows is explained in docs/operations.md. Sections that have nothing to say are left out.

It asks the node through admin.sock in its data folder, which is --data, else store.path of the configuration; or by --url.
The same as JSON is at GET /v1/peers of admin.listen.`,
		Example: `  lockstep6 peers --config lockstep6.yaml
  lockstep6 peers --data /var/lib/lockstep6
  lockstep6 peers --format json | jq '.peers[] | {name, state}'`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if !slices.Contains(peersFormats, f.format) {
				return usageError{fmt.Errorf("--format %s: give table or json", f.format)}
			}
			if err := f.check(c); err != nil {
				return err
			}
			return peers(c.Context(), c.OutOrStdout(), &f)
		},
	}
	f.addTo(c)
	c.Flags().StringVarP(&f.format, "format", "f", "table", "`table` or json")
	_ = c.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(peersFormats, cobra.ShellCompDirectiveNoFileComp))
	return c
}

func peers(ctx context.Context, w io.Writer, f *peersFlags) error {
	node, err := f.node("what a node hears of its peers is known while it runs; " +
		"`lockstep6 leases list --observed` shows the leases that it observed")
	if err != nil {
		return err
	}
	defer node.Close()
	p, err := node.Peers(ctx)
	if err != nil {
		return err
	}
	if f.format == "json" {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(p)
	}
	_, err = io.WriteString(w, peersText(&p))
	return err
}
