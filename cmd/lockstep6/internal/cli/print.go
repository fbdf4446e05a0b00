package cli

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"text/tabwriter"

	"github.com/lockstep6/lockstep6/io/admin"
)

// printLeases prints leases as they come, in one of leasesFormats. The table shows whose they are where they aren't all
// this node's own.
func printLeases(w io.Writer, format string, whose admin.Whose, leases iter.Seq2[admin.Lease, error]) error {
	switch format {
	case "json":
		encoder := json.NewEncoder(w)
		return each(leases, func(l *admin.Lease) error { return encoder.Encode(l) })
	case "csv":
		c := admin.NewCSV(w)
		if err := each(leases, c.Write); err != nil {
			return err
		}
		return c.Flush()
	default:
		return printTable(w, whose, leases)
	}
}

func printTable(w io.Writer, whose admin.Whose, leases iter.Seq2[admin.Lease, error]) error {
	header := "LEASE\tKIND\tSTATE\tEXPIRES\tDUID\tIAID"
	if whose != admin.Own {
		header += "\tNODE\tCLAIM"
	}
	t := namedTable{header: header}
	err := each(leases, func(l *admin.Lease) error {
		t.add(fmt.Sprintf("%s\t%s\t%s\t%s\t%s\t%s%s", l.Lease, l.Kind, l.State, l.Expires, l.DUID, iaidCell(l.IAID, l.IAIDUnknown), claimCells(whose, l)), l.Name)
		return nil
	})
	if err != nil {
		return err
	}
	return t.write(w, "lease")
}

// A namedTable has a last column with clients' names where any of its rows has one. A table is as wide as its widest cells, so it is held
// back in any case.
type namedTable struct {
	header string // cells with tabs between them, as in rows
	rows   []namedRow
	named  bool
}

type namedRow struct{ cells, name string }

func (t *namedTable) add(cells, name string) {
	t.rows, t.named = append(t.rows, namedRow{cells, name}), t.named || name != ""
}

// write ends the table with how many of what it has.
func (t *namedTable) write(w io.Writer, noun string) error {
	out := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	if !t.named {
		fmt.Fprintln(out, t.header)
		for _, r := range t.rows {
			fmt.Fprintln(out, r.cells)
		}
	} else {
		fmt.Fprintln(out, t.header+"\tNAME")
		for _, r := range t.rows {
			fmt.Fprintln(out, r.cells+"\t"+orDash(r.name))
		}
	}
	if err := out.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w, count(len(t.rows), noun))
	return err
}

// iaidCell is an IAID in a table.
func iaidCell(iaid uint32, unknown bool) string {
	return cmp.Or(admin.IAIDText(iaid, unknown), "unknown")
}

// claimCells are the table's last two cells: of which node a lease is observed, and how sure that is.
func claimCells(whose admin.Whose, l *admin.Lease) string {
	switch {
	case whose == admin.Own:
		return ""
	case l.Claim == "":
		return "\t(own)\t-"
	default:
		return "\t" + l.Owner + "\t" + l.Claim + ", " + confirmed(l.Confirmed)
	}
}

func confirmed(yes bool) string {
	if yes {
		return "confirmed"
	}
	return "tentative"
}

// printLease prints one lease whole.
func printLease(w io.Writer, format string, l admin.Lease) error {
	if format != "table" {
		return printLeases(w, format, admin.All, func(yield func(admin.Lease, error) bool) { yield(l, nil) })
	}
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	names, values := l.Fields()
	for i, value := range values {
		if value != "" {
			fmt.Fprintf(t, "%s\t%s\n", names[i], value)
		}
	}
	return t.Flush()
}

func each(leases iter.Seq2[admin.Lease, error], f func(*admin.Lease) error) error {
	for l, err := range leases {
		if err != nil {
			return err
		}
		if err := f(&l); err != nil {
			return err
		}
	}
	return nil
}

// jsonLines prints values as JSON, one a line.
func jsonLines[T any](w io.Writer, all []T) error {
	encoder := json.NewEncoder(w)
	for i := range all {
		if err := encoder.Encode(&all[i]); err != nil {
			return err
		}
	}
	return nil
}
