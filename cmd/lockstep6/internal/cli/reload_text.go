package cli

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/lockstep6/lockstep6/core/policy"
	"github.com/lockstep6/lockstep6/io/admin"
)

// printReload prints what a reload would change.
func printReload(w io.Writer, p *admin.Plan) {
	for _, warning := range p.Warnings {
		fmt.Fprintf(w, "warning: %s\n", warning)
	}
	if !p.Changed {
		fmt.Fprintf(w, "%s: as it is in force\n", p.File)
		return
	}
	c := policy.Comparison{Rest: p.Rest}
	for _, change := range p.Changes {
		c.Changes = append(c.Changes, policy.Change(change))
	}
	switch unsafe := printChanges(w, &c); {
	case len(c.Changes) == 0:
		fmt.Fprintf(w, "%s: decides every address as before\n", p.File)
	case unsafe == 0:
		fmt.Fprintf(w, "%s: safe, node by node in any order\n", p.File)
	default:
		fmt.Fprintf(w, "%s: not safe while nodes differ, by %s\n", p.File, count(unsafe, "change"))
	}
	printEffects(w, p)
	if p.Fingerprint.Before == p.Fingerprint.After {
		fmt.Fprintf(w, "fingerprint %s, as before\n", p.Fingerprint.After)
	} else {
		fmt.Fprintf(w, "fingerprint %s\n     before %s\n", p.Fingerprint.After, p.Fingerprint.Before)
	}
}

// printEffects prints a row for each pool of which bindings move, and one for all.
func printEffects(w io.Writer, p *admin.Plan) {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "BINDINGS\tWHOSE\tKEPT\tRENUMBERED\tEXCLUDED\tRESERVED FOR OTHERS\tTO A RESERVATION\tRETIRING\tPENDING BEFORE")
	row := func(what, whose string, e *admin.Effect) {
		fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\n", what, whose, e.Kept, e.Renumbered, e.Excluded, e.Reserved, e.ToReservation, e.Retiring, e.Pending)
	}
	for i := range p.Pools {
		pool := &p.Pools[i]
		what := "outside of pools"
		if pool.Pool != "" {
			what = pool.Link + " " + pool.Pool
		}
		if pool.Own.Moved() > 0 {
			row(what, "own", &pool.Own)
		}
		if pool.Observed.Moved() > 0 {
			row(what, "observed", &pool.Observed)
		}
	}
	row("all", "own", &p.Bindings.Own)
	row("all", "observed", &p.Bindings.Observed)
	_ = t.Flush() // of standard output
}
