package cli

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/lockstep6/lockstep6/io/admin"
)

type poolsFlags struct {
	place
	format string
}

func newPools() *cobra.Command {
	var f poolsFlags
	c := &cobra.Command{
		Use:   "pools",
		Short: "Show how full a running node's pools are",
		Long: `Show how full a running node's pools are: for each the slots that it has, the bindings that this node granted out of it
(own), those of peers that it knows of (observed), and the share of the slots that are in use. Bindings that have ended count
until they are reclaimed, for their clients may get them back. In a dense pool, what is excluded, reserved or put aside is in
use, too; its stripes are the nodes' shares, each with the node that gives new leases from it first and how full it is.

It asks the node through admin.sock in its data folder, which is --data, else store.path of the configuration; or by --url.
The same as JSON is at GET /v1/pools of admin.listen, and as metrics at /metrics.`,
		Example: `  lockstep6 pools --config lockstep6.yaml
  lockstep6 pools --data /var/lib/lockstep6 --format csv
  lockstep6 pools --format json | jq 'select(.used > 0.9)'`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if !slices.Contains(leasesFormats, f.format) {
				return usageError{fmt.Errorf("--format %s: give table, json or csv", f.format)}
			}
			if err := f.check(c); err != nil {
				return err
			}
			return pools(c.Context(), c.OutOrStdout(), &f)
		},
	}
	f.addTo(c)
	c.Flags().StringVarP(&f.format, "format", "f", "table", "`table`, json (one object a line) or csv")
	_ = c.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(leasesFormats, cobra.ShellCompDirectiveNoFileComp))
	return c
}

func pools(ctx context.Context, w io.Writer, f *poolsFlags) error {
	node, err := f.node("how full pools are is known while the node runs; `lockstep6 leases list` shows the leases of a stopped one")
	if err != nil {
		return err
	}
	defer node.Close()
	all, err := node.Pools(ctx)
	if err != nil {
		return err
	}
	return printPools(w, f.format, all)
}

// printPools prints pools in one of leasesFormats.
func printPools(w io.Writer, format string, all []admin.Pool) error {
	switch format {
	case "json":
		return jsonLines(w, all)
	case "csv":
		c := csv.NewWriter(w)
		rows := [][]string{{"link", "pool", "kind", "length", "node", "slots", "own", "observed", "used", "stripes"}}
		for i := range all {
			p := &all[i]
			rows = append(rows, []string{
				p.Link, p.Pool, p.Kind, strconv.Itoa(int(p.Length)), p.Node, p.Slots, strconv.FormatUint(p.Own, 10),
				strconv.FormatUint(p.Observed, 10), strconv.FormatFloat(p.Used, 'f', -1, 64), stripesText(p.Stripes),
			})
		}
		return c.WriteAll(rows)
	default:
		t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
		fmt.Fprintln(t, "LINK\tPOOL\tKIND\tLENGTH\tSLOTS\tOWN\tOBSERVED\tUSED\tSTRIPES")
		for i := range all {
			p := &all[i]
			fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%s\t%d\t%d\t%s\t%s\n", p.Link, poolText(p), p.Kind, p.Length, slotsText(p.Slots),
				p.Own, p.Observed, percent(p.Used), orDash(stripesText(p.Stripes)))
		}
		return t.Flush()
	}
}

// poolText is the pool with the only node that grants leases out of it, and whether it is being retired.
func poolText(p *admin.Pool) string {
	text := p.Pool
	if p.Node != "" {
		text += " (" + p.Node + ")"
	}
	if p.Retiring {
		text += " (retiring)"
	}
	return text
}

// slotsText writes a number of over nine digits as the power of two next to it.
func slotsText(decimal string) string {
	slots, err := strconv.ParseFloat(decimal, 64)
	if err != nil || len(decimal) <= 9 {
		return decimal
	}
	power := 0
	for ; slots >= 1.5; slots /= 2 {
		power++
	}
	return "2^" + strconv.Itoa(power)
}

// percent shows that anything is used, however little it is.
func percent(share float64) string {
	if share > 0 && share < 0.001 {
		return "<0.1 %"
	}
	return strconv.FormatFloat(share*100, 'f', 1, 64) + " %"
}

// stripesText is NODE:USED/SIZE for each stripe; a star marks this node's own.
func stripesText(stripes []admin.Stripe) string {
	texts := make([]string, len(stripes))
	for i := range stripes {
		s := &stripes[i]
		star := ""
		if s.Own && s.Node != "" {
			star = "*"
		}
		name := s.Node
		if name == "" {
			name = strconv.Itoa(s.Stripe)
		}
		texts[i] = fmt.Sprintf("%s%s:%d/%d", name, star, s.Used, s.Size)
	}
	return strings.Join(texts, " ")
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
