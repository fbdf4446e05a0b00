package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/lockstep6/lockstep6/io/admin"
)

type whyFlags struct {
	place
	format string
}

var whyFormats = []string{"text", "json"}

func newWhy() *cobra.Command {
	var f whyFlags
	c := &cobra.Command{
		Use:   "why [DUID | link-local address | hardware address]",
		Short: "Tell why a client got no address or prefix of a running node",
		Long: `Tell why a client got no address or prefix of a running node, or not all that it asked for: what the node's newest
refusals to it were, what they mean, and what to do. Then the leases that the client has, as the node knows.

A client is named by its DUID, by its link-local address, or by its hardware address, as far as its DUID, its link-local address
or its relay tell that. Without one, the newest refusals to all clients are summed up by their reason.

A node remembers some thousand refusals, the newest of them, and of very many in a second only some. A client of which it
remembers nothing was answered, or isn't heard: then look at its relay, and whether clients on its link are served at all.

It asks the node through admin.sock in its data folder, which is --data, else store.path of the configuration.
The same as JSON is at GET /v1/refusals?client=... of admin.listen.`,
		Example: `  lockstep6 why 00:03:00:01:02:00:00:00:00:01 --config lockstep6.yaml
  lockstep6 why fe80::ff:fe00:1 --data /var/lib/lockstep6
  lockstep6 why 02:00:00:00:00:01 --format json | jq .refusals[0]
  lockstep6 why                      # what was refused to whomever`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 1 {
				return fmt.Errorf("%s takes one client", c.CommandPath())
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			if !slices.Contains(whyFormats, f.format) {
				return usageError{fmt.Errorf("--format %s: give text or json", f.format)}
			}
			if err := f.check(c); err != nil {
				return err
			}
			client := ""
			if len(args) > 0 {
				client = args[0]
				if _, err := admin.ParseWho(client); err != nil {
					return usageError{err}
				}
			}
			return why(c.Context(), c.OutOrStdout(), &f, client)
		},
	}
	f.addTo(c)
	c.Flags().StringVarP(&f.format, "format", "f", "text", "`text` or json")
	_ = c.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(whyFormats, cobra.ShellCompDirectiveNoFileComp))
	return c
}

func why(ctx context.Context, w io.Writer, f *whyFlags, client string) error {
	node, err := f.node(notWatching)
	if err != nil {
		return err
	}
	defer node.Close()
	refusals, err := node.Refusals(ctx, client)
	if err != nil {
		return err
	}
	if f.format == "json" {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(refusals)
	}
	var leases []admin.Lease
	if client != "" {
		if leases, err = leasesOf(ctx, node, client, refusals.Refusals); err != nil {
			return err
		}
	}
	_, err = io.WriteString(w, whyText(client, &refusals, leases))
	return err
}

// leasesOf finds the client's leases: by its DUID, where that was given or is known from a refusal, else by looking at all.
func leasesOf(ctx context.Context, node *admin.Client, client string, known []admin.Refusal) (found []admin.Lease, err error) {
	who, err := admin.ParseWho(client)
	if err != nil {
		return nil, err
	}
	filter := admin.Filter{Live: true, Whose: admin.All}
	if i := slices.IndexFunc(known, func(r admin.Refusal) bool { return r.DUID != "" }); i >= 0 {
		filter.DUID = known[i].DUID
	}
	for l, err := range node.List(ctx, filter) {
		if err != nil {
			return nil, err
		}
		if filter.DUID != "" || who.Match(&admin.Refusal{DUID: l.DUID, HardwareAddress: l.HardwareAddress, PeerAddress: l.PeerAddress}) {
			found = append(found, l)
		}
	}
	return found, nil
}
