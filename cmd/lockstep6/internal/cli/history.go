package cli

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/io/admin"
)

type historyFlags struct {
	place
	format, at, from, to, duid, remoteID string
}

func newHistory() *cobra.Command {
	var f historyFlags
	c := &cobra.Command{
		Use:   "history [ADDRESS|PREFIX]",
		Short: "Show who had an address or a prefix at some time",
		Long: `Show who had an address or a delegated prefix at some time: each period, the client, its place, the node that granted
the lease, and how it ended. An address is also looked for in the prefixes that were delegated; of a prefix all
that lies in it is shown too. The configuration must have history: {keep: ...}.

Times are UTC unless they carry an offset: 2026-11-25T14:00:00+01:00, "2026-11-25 14:00", "yesterday 14:00", -3h, -7d;
a date alone, for --from and --to, is the whole day. Without times every period that is known is shown.

Of a running node it is asked through admin.sock in its data folder, of a stopped one its store is read. The data
folder is --data, else store.path of the configuration. Without an address all leases are searched, which reads
the whole history: one to two seconds for a million entries.`,
		Example: `  lockstep6 history 2001:db8:1::7f3a --at "2026-11-25 14:00"
  lockstep6 history 2001:db8:8000:100::/56 --from yesterday --to now --format csv
  lockstep6 history --duid 00:03:00:01:02:00:00:00:00:01 --from -30d
  lockstep6 history 2001:db8:1::7f3a --at 2026-11-25T14:00:00+01:00 --data /var/lib/lockstep6 --format json`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 1 {
				return fmt.Errorf("%s takes one address or prefix at most", c.CommandPath())
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			if err := f.check(c); err != nil {
				return err
			}
			q, err := f.query(args, time.Now())
			if err != nil {
				return usageError{err}
			}
			source, err := f.leases()
			if err != nil {
				return err
			}
			return errors.Join(f.show(c, source, q), source.Close())
		},
	}
	f.addTo(c)
	flags := c.Flags()
	flags.StringVarP(&f.format, "format", "f", "table", "`table`, json (one object a line) or csv")
	flags.StringVar(&f.at, "at", "", "who had it at this `TIME`")
	flags.StringVar(&f.from, "from", "", "who had it at this `TIME` or later")
	flags.StringVar(&f.to, "to", "", "who had it at this `TIME` or earlier")
	flags.StringVar(&f.duid, "duid", "", "only periods of the client with this `DUID`")
	flags.StringVar(&f.remoteID, "remote-id", "", "only periods behind this Remote-`ID`: ENTERPRISE:text, or text alone")
	_ = c.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(leasesFormats, cobra.ShellCompDirectiveNoFileComp))
	return c
}

// query is what the command line asks.
func (f *historyFlags) query(args []string, now time.Time) (q admin.HistoryQuery, err error) {
	if !slices.Contains(leasesFormats, f.format) {
		return q, fmt.Errorf("--format %s: give table, json or csv", f.format)
	}
	if f.at != "" && f.from+f.to != "" {
		return q, errors.New("--at, and --from or --to: give one of them")
	}
	if len(args) == 1 {
		if q.Lease, err = admin.ParseLease(args[0]); err != nil {
			return q, err
		}
		q.Lease = q.Lease.Masked()
	}
	for _, t := range []struct {
		name, text string
		rule       admin.DayRule
		into       *time.Time
	}{{"--at", f.at, admin.Moment, &q.From}, {"--from", f.from, admin.DayBegin, &q.From}, {"--to", f.to, admin.DayEnd, &q.To}} {
		if t.text == "" {
			continue
		}
		if *t.into, err = admin.ParseTime(t.text, now, t.rule); err != nil {
			return q, fmt.Errorf("%s: %w", t.name, err)
		}
	}
	if f.at != "" {
		q.To = q.From
	}
	if !q.From.IsZero() && !q.To.IsZero() && q.To.Before(q.From) {
		return q, errors.New("--to is before --from")
	}
	if f.duid != "" {
		duid, err := admin.ParseDUID(f.duid)
		if err != nil {
			return q, fmt.Errorf("--duid: %w", err)
		}
		q.DUID = wire.FormatDUID(duid)
	}
	if f.remoteID != "" {
		if q.RemoteID, err = admin.ParseRemoteID(f.remoteID); err != nil {
			return q, fmt.Errorf("--remote-id: %w", err)
		}
	}
	return q, nil
}

// show prints the answer. What it can't be relied on for is told beside it, and ends nothing.
func (f *historyFlags) show(c *cobra.Command, source leaseSource, q admin.HistoryQuery) error {
	state, periods, err := source.History(c.Context(), q)
	if errors.Is(err, admin.ErrNoHistory) {
		return fmt.Errorf("%w\nhint: write history: {keep: 400d} into its configuration and restart it", err)
	}
	if err != nil {
		return err
	}
	if err := printPeriods(c.OutOrStdout(), f.format, periods); err != nil {
		return err
	}
	if what := limits(state, q); what != "" {
		fmt.Fprintln(c.ErrOrStderr(), "note: "+what)
	}
	return nil
}

// limits says what an answer doesn't tell; empty: it is whole.
func limits(state admin.HistoryState, q admin.HistoryQuery) string {
	switch {
	case !state.On:
		return "this node keeps no history now; what it kept before is shown, and present leases"
	case q.From.Before(state.Since):
		return "history is whole since " + state.Since.Format(time.RFC3339) + "; of the time before that only leases are known that were in force then"
	}
	return ""
}

// periodHeader names periodRow's columns; they stay in this order.
var periodHeader = []string{
	"lease", "kind", "since", "until", "lasts", "ended", "state", "duid", "iaid", "node", "observed", "confirmed", "last_transaction",
	"hardware_address", "peer_address", "link_address", "interface_id", "remote_id", "subscriber_id", "relay_id",
	"name", "name_flags",
}

func periodRow(p *admin.Period) []string {
	return []string{
		p.Lease, p.Kind, p.Since.Format(time.RFC3339), p.Until, strconv.FormatBool(p.Lasts), p.Ended, p.State, p.DUID,
		admin.IAIDText(p.IAID, p.IAIDUnknown), p.Node, strconv.FormatBool(p.Observed), strconv.FormatBool(p.Confirmed),
		p.LastTransaction.Format(time.RFC3339), p.HardwareAddress, p.PeerAddress, p.LinkAddress, p.InterfaceID, p.RemoteID,
		p.SubscriberID, p.RelayID, p.Name, p.NameFlags,
	}
}

// printPeriods prints periods as they come, in one of leasesFormats.
func printPeriods(w io.Writer, format string, periods iter.Seq2[admin.Period, error]) error {
	put, flush := func(*admin.Period) error { return nil }, func() error { return nil }
	switch format {
	case "json":
		encoder := json.NewEncoder(w)
		put = func(p *admin.Period) error { return encoder.Encode(p) }
	case "csv":
		c := csv.NewWriter(w)
		if err := c.Write(periodHeader); err != nil {
			return err
		}
		put = func(p *admin.Period) error { return c.Write(periodRow(p)) }
		flush = func() error { c.Flush(); return c.Error() }
	default:
		put, flush = periodTable(w)
	}
	for p, err := range periods {
		if err == nil {
			err = put(&p)
		}
		if err != nil {
			return errors.Join(err, flush())
		}
	}
	return flush()
}

// periodTable is the table's rows and its end.
func periodTable(w io.Writer) (put func(*admin.Period) error, flush func() error) {
	t := namedTable{header: "LEASE\tSINCE\tUNTIL\tENDED\tDUID\tIAID\tNODE\tPLACE"}
	put = func(p *admin.Period) error {
		ended := p.Ended
		if p.Lasts {
			ended = "(lasts)"
		}
		if p.State != "bound" {
			ended = p.State + ", " + ended
		}
		node := p.Node
		if node == "" {
			node = "-"
		}
		if p.Observed {
			node += " (observed)"
		}
		t.add(fmt.Sprintf("%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s",
			p.Lease, p.Since.Format(time.RFC3339), p.Until, ended, p.DUID, iaidCell(p.IAID, p.IAIDUnknown), node, placeText(p)), p.Name)
		return nil
	}
	return put, func() error { return t.write(w, "period") }
}

// placeText is what tells the subscriber, of what is known: the first of what relays say, else the hardware address.
func placeText(p *admin.Period) string {
	for _, v := range []struct{ name, value string }{
		{"remote-id", p.RemoteID}, {"subscriber-id", p.SubscriberID}, {"interface-id", p.InterfaceID}, {"hardware", p.HardwareAddress},
		{"from", p.PeerAddress},
	} {
		if v.value != "" {
			return v.name + " " + v.value
		}
	}
	return "-"
}
