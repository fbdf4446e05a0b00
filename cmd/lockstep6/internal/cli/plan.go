package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/lockstep6/lockstep6/cmd/lockstep6/internal/daemon"
	"github.com/lockstep6/lockstep6/core/binding"
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

func printPlan(w io.Writer, format string, p *policy.Plan) error {
	if format == "json" {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(p)
	}
	fmt.Fprintf(w, "model %s, hash %s\n", p.Model, p.Hash)
	if len(p.Nodes) > 1 {
		fmt.Fprintf(w, "fingerprint %s\n", p.Fingerprint)
	}
	for i := range p.Nodes {
		n := &p.Nodes[i]
		fmt.Fprintf(w, "\n")
		if n.Name != "" {
			share := ""
			if p.Model == "split" {
				share = ", " + numbers("part", n.Parts)
			}
			fmt.Fprintf(w, "node %s, preference %d%s, DUID %s\n", n.Name, n.Preference, share, n.ServerID)
		}
		t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
		classes := slices.ContainsFunc(n.Links, hasClasses)
		columns := "LINK\tPOOL\tKIND\tFIRST\tLAST\tLENGTH\tLEASES\tDENSITY\tCLIENTS\tCOLLISIONS"
		if classes {
			columns += "\tCLASSES"
		}
		called := slices.ContainsFunc(n.Links, hasNames)
		if called {
			columns += "\tNAME"
		}
		fmt.Fprintln(t, columns)
		for _, l := range n.Links {
			for k := range l.Pools {
				pool := &l.Pools[k]
				fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%d\t%s\t%s\t%.0f\t%s", l.Name, pool.Name, pool.Kind,
					pool.First, pool.Last, pool.Length, pool.Slots, density(pool, p.Stripes), pool.Clients, small(pool.Collisions))
				if classes {
					fmt.Fprintf(t, "\t%s", classText(l.Classes, pool.Classes))
				}
				if called {
					fmt.Fprintf(t, "\t%s", nameText(pool))
				}
				fmt.Fprintln(t)
			}
		}
		if err := t.Flush(); err != nil {
			return err
		}
		for _, l := range n.Links {
			if l.Identity != "" {
				fmt.Fprintf(w, "clients of link %s are known by %s\n", l.Name, l.Identity)
			}
		}
	}
	return nil
}

// hasClasses tells whether the link, or a pool of it, isn't for everybody.
func hasClasses(l policy.PlanLink) bool {
	return l.Classes != "" || slices.ContainsFunc(l.Pools, func(p policy.PlanPool) bool { return p.Classes != "" })
}

// hasNames tells whether a pool of the link has a name.
func hasNames(l policy.PlanLink) bool {
	return slices.ContainsFunc(l.Pools, func(p policy.PlanPool) bool { return p.Called != "" })
}

// nameText is what relays call a pool.
func nameText(p *policy.PlanPool) string {
	if p.Named {
		return p.Called + ", only where a relay names it"
	}
	return or(p.Called, "-")
}

// classText says who gets leases from a pool, by the link's classes and its own.
func classText(link, pool string) string {
	switch {
	case link == "" && pool == "":
		return "everybody"
	case link == "":
		return pool
	case pool == "":
		return link
	default:
		return pool + "; of the link: " + link
	}
}

// numbers is a noun and which of them.
func numbers(noun string, list []int) string {
	switch len(list) {
	case 0:
		return "no " + noun
	case 1:
		return fmt.Sprintf("%s %d", noun, list[0])
	default:
		return noun + "s " + strings.Join(strings.Fields(strings.Trim(fmt.Sprint(list), "[]")), ", ")
	}
}

func density(p *policy.PlanPool, stripes int) string {
	switch {
	case p.Retires:
		return "retiring"
	case p.Allocation != "" && p.Sparse:
		return "sparse, " + p.Allocation
	case p.Allocation != "":
		return "dense, " + p.Allocation
	case p.Sparse:
		return "sparse"
	case p.Shared && len(p.Stripes) > 0:
		return fmt.Sprintf("dense, %s, %s of %d", p.Dense, numbers("stripe", p.Stripes), stripes)
	default:
		return "dense, " + p.Dense
	}
}

// small prints an expected number without pretending to know it better than it is.
func small(x float64) string {
	if x < 0.005 {
		return "0"
	}
	return fmt.Sprintf("%.2f", x)
}

// A prospect names its lease as `leases` does: an address without a length.
type prospect struct {
	*policy.Prospect
	Lease string `json:"lease"`
}

func newProspect(p *policy.Prospect) prospect {
	return prospect{p, admin.LeaseText(binding.Key{Address: p.Lease.Addr().As16(), Length: uint8(p.Lease.Bits())})}
}

func printProspects(w io.Writer, format string, prospects []policy.Prospect) error {
	if format == "json" {
		e := json.NewEncoder(w)
		for i := range prospects {
			if err := e.Encode(newProspect(&prospects[i])); err != nil {
				return err
			}
		}
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "NODE\tLINK\tPOOL\tLEASE\tWHY")
	for i := range prospects {
		p := newProspect(&prospects[i])
		why := "only if the one above is full"
		switch {
		case p.Reserved:
			why = "reserved"
		case p.Chosen && p.Counted:
			why = "the lowest, if nobody has it"
		case p.Chosen:
			why = "computed"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", p.Node, p.Link, p.Pool, p.Lease, why)
	}
	return t.Flush()
}
