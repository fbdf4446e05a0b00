package cli

import (
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
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	const header = "LEASE\tKIND\tSTATE\tEXPIRES\tDUID\tIAID"
	if whose == admin.Own {
		fmt.Fprintln(t, header)
	} else {
		fmt.Fprintln(t, header+"\tNODE\tCLAIM")
	}
	n := 0
	err := each(leases, func(l *admin.Lease) error {
		n++
		_, err := fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%d%s\n", l.Lease, l.Kind, l.State, l.Expires, l.DUID, l.IAID, claimCells(whose, l))
		return err
	})
	if err != nil {
		return err
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err = fmt.Fprintln(w, count(n, "lease"))
	return err
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
