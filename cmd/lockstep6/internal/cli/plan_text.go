package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/policy"
	"github.com/lockstep6/lockstep6/io/admin"
)

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
		timed := slices.ContainsFunc(n.Links, hasLifetimes)
		if timed {
			columns += "\tLIFETIMES"
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
				if timed {
					fmt.Fprintf(t, "\t%s", lifetimesText(pool.Lifetimes))
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

// hasLifetimes tells whether a pool of the link has lifetimes of its own.
func hasLifetimes(l policy.PlanLink) bool {
	return slices.ContainsFunc(l.Pools, func(p policy.PlanPool) bool { return p.Lifetimes != nil })
}

// lifetimesText is a pool's own preferred and valid lifetime.
func lifetimesText(l *policy.PlanLifetimes) string {
	if l == nil {
		return "the link's"
	}
	return "preferred " + admin.LifetimeText(l.Preferred) + ", valid " + admin.LifetimeText(l.Valid)
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
