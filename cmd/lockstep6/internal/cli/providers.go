package cli

import (
	"fmt"
	"io"
	"net/netip"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/io/admin"
)

type providerFlags struct {
	place
	format string
}

func newProviderPrefix() *cobra.Command {
	var f providerFlags
	c := &cobra.Command{
		Use:   "provider-prefix",
		Short: "Show and set the prefixes that a provider gives, and that pools stand behind",
		Long: `Show and set the prefixes of provider-prefixes at a running node. When one changes, the pools behind the former one retire: their
clients get leases behind the new one at their next Renew, and keep the old ones without preferred lifetime until they end.

Prefixes decide addresses, so every node of a cluster needs the same ones: set them at each.`,
		Example: `  lockstep6 provider-prefix list
  lockstep6 provider-prefix set uplink 2001:db8:ab00::/56`,
		Args:              noArgs,
		PersistentPreRunE: func(c *cobra.Command, _ []string) error { return f.check(c) },
		RunE:              func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	f.addTo(c)
	c.AddCommand(newProviderPrefixList(&f), newProviderPrefixSet(&f))
	return c
}

func newProviderPrefixList(f *providerFlags) *cobra.Command {
	c := &cobra.Command{
		Use:   "list",
		Short: "List the prefixes with their sources, and the former ones",
		Long: `List the prefixes with their sources and links, and the former ones with the time when no lease of them can live any more.
Until then the pools behind those retire.`,
		Example: `  lockstep6 provider-prefix list
  lockstep6 provider-prefix list --format json`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if f.format != "table" && f.format != "json" {
				return usageError{fmt.Errorf("--format %s: give table or json", f.format)}
			}
			return withNode(&f.place, func(node *admin.Client) error {
				all, err := node.ProviderPrefixes(c.Context())
				if err != nil {
					return err
				}
				return printProviderPrefixes(c.OutOrStdout(), f.format, all)
			})
		},
	}
	c.Flags().StringVarP(&f.format, "format", "f", "table", "`table` or json (one object a line)")
	return c
}

func newProviderPrefixSet(f *providerFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "set NAME PREFIX",
		Short: "Put a prefix in force that has `api: true` in the configuration",
		Long: `Put a prefix in force that has api: true in the configuration. It outlives restarts. Setting what is in force already changes
nothing, so a script may do it as often as it likes.

The exit code is 3 where the configuration doesn't go with the prefix.`,
		Example: `  lockstep6 provider-prefix set uplink 2001:db8:ab00::/56
  lockstep6 provider-prefix set uplink 2001:db8:ab00::/56 --data /var/lib/lockstep6`,
		Args: argsOf(2, "its name, and the prefix with its length"),
		RunE: func(c *cobra.Command, args []string) error {
			return withNode(&f.place, func(node *admin.Client) error {
				plan, err := node.PutProviderPrefix(c.Context(), args[0], args[1])
				if err != nil {
					return reloadRefusal(err)
				}
				printReload(c.OutOrStdout(), &plan)
				return nil
			})
		},
	}
}

func printProviderPrefixes(w io.Writer, format string, all []admin.ProviderPrefix) error {
	if format == "json" {
		return jsonLines(w, all)
	}
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "NAME\tSOURCE\tPREFIX\tLINKS\tFORMER")
	for i := range all {
		p := &all[i]
		former := make([]string, len(p.Former))
		for k := range former {
			former[k] = p.Former[k].Prefix + " until " + p.Former[k].Until.Format("2006-01-02T15:04:05Z")
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", p.Name, p.Source, orDash(p.Prefix), orDash(strings.Join(p.Links, " ")), orDash(strings.Join(former, ", ")))
	}
	return t.Flush()
}

// providedFlags reads --provider-prefix NAME=PREFIX.
func providedFlags(list []string) (map[string]config.Provided, error) {
	known := make(map[string]config.Provided, len(list))
	for _, text := range list {
		name, value, is := strings.Cut(text, "=")
		if !is {
			return nil, usageError{fmt.Errorf("--provider-prefix %s: give NAME=PREFIX", text)}
		}
		prefix, err := config.ParsePrefix(value, 0)
		if err != nil {
			return nil, usageError{fmt.Errorf("--provider-prefix %s: %w", name, err)}
		}
		known[name] = config.Provided{Prefix: prefix, Former: []netip.Prefix{}}
	}
	return known, nil
}
