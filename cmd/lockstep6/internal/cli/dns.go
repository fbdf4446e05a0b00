package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/lockstep6/lockstep6/core/naming"
	"github.com/lockstep6/lockstep6/io/admin"
)

// A dnsNode is a running node, as far as DNS goes.
type dnsNode interface {
	DNS(ctx context.Context) (admin.DNSState, error)
	AuditDNS(ctx context.Context, r admin.DNSAuditRequest) (admin.DNSAudit, error)
}

type dnsFlags struct {
	place
	format string
	audit  admin.DNSAuditRequest
}

var dnsFormats = []string{"text", "json"}

func newDNS() *cobra.Command {
	var f dnsFlags
	c := &cobra.Command{
		Use:     "dns",
		Aliases: []string{"ddns"},
		Short:   "Show what a running node keeps in DNS, and compare that with its leases",
		Long: `Show how a running node keeps DNS: the tasks that wait, each a lease of which DNS is to be looked at, and for how long; which
server of each zone is asked, and what came of updates; what the last audit found.

It asks the node through admin.sock in its data folder, which is --data, else store.path of the configuration; or by --url.
The same as JSON is at GET /v1/dns of admin.listen, and as metrics at /metrics.`,
		Example: `  lockstep6 dns --config lockstep6.yaml
  lockstep6 dns --format json | jq '.zones[] | select(.up | not)'
  lockstep6 dns audit --data /var/lib/lockstep6            # what differs?
  lockstep6 dns audit --repair --data /var/lib/lockstep6   # mend it`,
		Args: noArgs,
		PersistentPreRunE: func(c *cobra.Command, _ []string) error {
			if !slices.Contains(dnsFormats, f.format) {
				return usageError{fmt.Errorf("--format %s: give text or json", f.format)}
			}
			return f.check(c)
		},
		RunE: func(c *cobra.Command, _ []string) error {
			return withDNS(&f, func(node dnsNode) error { return showDNS(c.Context(), c.OutOrStdout(), &f, node) })
		},
	}
	f.addTo(c)
	c.PersistentFlags().StringVarP(&f.format, "format", "f", "text", "`text` or json")
	_ = c.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(dnsFormats, cobra.ShellCompDirectiveNoFileComp))
	c.AddCommand(newDNSAudit(&f))
	return c
}

func newDNSAudit(f *dnsFlags) *cobra.Command {
	c := &cobra.Command{
		Use:   "audit",
		Short: "Compare what DNS holds with a running node's leases, and mend what differs",
		Long: `Compare what DNS holds with the leases that a running node knows, its peers' too: records that are missing, that were left
behind, or that say something else. Zones are read by transfer, or name by name where their servers refuse that; records
that were left behind under other names aren't seen then.

Nothing is changed unless --repair is given. Records that aren't a client's of this cluster are listed, and left as they are.
The text lists 50 differences at most, --format json has the first thousand.

The exit code is 0 if all zones could be read and nothing is left to mend, else 1. It asks the node as lockstep6 dns does,
waits for it, and gives up when it is interrupted; what was mended until then stays so.`,
		Example: `  lockstep6 dns audit --config lockstep6.yaml
  lockstep6 dns audit --zone example.net --format json | jq '.differences'
  lockstep6 dns audit --repair --url https://node-a.example:8067 --token-file admin.token`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if c.Flags().Changed("zone") {
				if _, err := naming.ParseName(f.audit.Zone); err != nil {
					return usageError{fmt.Errorf("--zone %w", err)}
				}
			}
			return withDNS(f, func(node dnsNode) error { return auditDNS(c.Context(), c.OutOrStdout(), f, node) })
		},
	}
	c.Flags().BoolVar(&f.audit.Repair, "repair", false, "mend what differs")
	c.Flags().StringVar(&f.audit.Zone, "zone", "", "only this `ZONE`")
	return c
}

// withDNS reaches the place's node for a call, and says what to do where it keeps no DNS.
func withDNS(f *dnsFlags, call func(dnsNode) error) error {
	node, err := f.node(notWatching)
	if err != nil {
		return err
	}
	if err = call(node); errors.Is(err, admin.ErrNoDNS) {
		err = fmt.Errorf("%w\nhint: write dns: {zones: [...]} into its configuration", err)
	}
	return errors.Join(err, node.Close())
}

func showDNS(ctx context.Context, w io.Writer, f *dnsFlags, node dnsNode) error {
	state, err := node.DNS(ctx)
	if err != nil {
		return err
	}
	if f.format == "json" {
		return printJSON(w, state)
	}
	_, err = io.WriteString(w, dnsText(&state))
	return err
}

// auditDNS prints an audit. One that leaves something to do is a failure of the command.
func auditDNS(ctx context.Context, w io.Writer, f *dnsFlags, node dnsNode) error {
	audit, err := node.AuditDNS(ctx, f.audit)
	if err != nil {
		return err
	}
	if f.format == "json" {
		err = printJSON(w, audit)
	} else {
		_, err = io.WriteString(w, auditText(&audit))
	}
	if err != nil {
		return err
	}
	return auditVerdict(&audit)
}

// auditVerdict is the error of an audit that isn't clean.
func auditVerdict(a *admin.DNSAudit) error {
	unread := 0
	for i := range a.Zones {
		if a.Zones[i].Error != "" {
			unread++
		}
	}
	left := int(a.Left())
	switch {
	case a.Clean():
		return nil
	case left == 0:
		return fmt.Errorf("%s couldn't be read", count(unread, "zone"))
	case a.Repair:
		return fmt.Errorf("%s couldn't be mended\nhint: `lockstep6 dns` tells how the zones' servers answer", count(left, "difference"))
	default:
		return fmt.Errorf("DNS and leases differ: %s to mend\nhint: --repair does that", count(left, "record"))
	}
}

func printJSON(w io.Writer, value any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(value)
}
