package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/io/admin"
)

// A reservationSource answers for a running node (through its admin socket) or for a stopped one's store.
type reservationSource interface {
	Reservations(ctx context.Context, link string) ([]admin.Reservation, error)
	DeleteReservation(ctx context.Context, link string, who config.Client, force bool) (admin.ReservationChange, error)
	Close() error
}

type reservationFlags struct {
	place
	enterprise, format  string
	hostname            string
	addresses, prefixes []string
	force               bool
}

func newReservations() *cobra.Command {
	var f reservationFlags
	c := &cobra.Command{
		Use:   "reservations",
		Short: "List, add and remove a node's stored reservations",
		Long: `List, add and remove reservations that a node keeps in its store, beside those of its file. They come into force at once,
and outlive restarts and reloads. A client is named as in the file: by duid, hardware, remote-id, subscriber-id or interface-id.

Reservations decide addresses, so every node of a cluster needs the same ones: add and remove them at each, or write them into
the file. ` + "`lockstep6 peers`" + ` shows whether the fingerprints are the same.`,
		Example: `  lockstep6 reservations list lan
  lockstep6 reservations add lan duid 00:03:00:01:02:00:00:00:00:01 --address 2001:db8:1::10
  lockstep6 reservations remove lan duid 00:03:00:01:02:00:00:00:00:01`,
		Args:              noArgs,
		PersistentPreRunE: func(c *cobra.Command, _ []string) error { return f.check(c) },
		RunE:              func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	f.addTo(c)
	c.AddCommand(newReservationsList(&f), newReservationsAdd(&f), newReservationsRemove(&f))
	return c
}

func newReservationsList(f *reservationFlags) *cobra.Command {
	c := &cobra.Command{
		Use:   "list LINK",
		Short: "List the reservations of a link: the file's and the stored ones",
		Long:  `List the reservations of a link: of a running node the file's and the stored ones, of a stopped one what its store has.`,
		Example: `  lockstep6 reservations list lan
  lockstep6 reservations list lan --format json`,
		Args: argsOf(1, "the link's name"),
		RunE: func(c *cobra.Command, args []string) error {
			if f.format != "table" && f.format != "json" {
				return usageError{fmt.Errorf("--format %s: give table or json", f.format)}
			}
			return withReservations(f, func(s reservationSource) error {
				all, err := s.Reservations(c.Context(), args[0])
				if err != nil {
					return err
				}
				return printReservations(c.OutOrStdout(), f.format, all)
			})
		},
	}
	c.Flags().StringVarP(&f.format, "format", "f", "table", "`table` or json (one object a line)")
	return c
}

func newReservationsAdd(f *reservationFlags) *cobra.Command {
	c := &cobra.Command{
		Use:   "add LINK duid|hardware|remote-id|subscriber-id|interface-id CLIENT",
		Short: "Store a reservation at a running node, and put it in force",
		Long: `Store a reservation at a running node, and put it in force. One that is stored for the client already is replaced.

It is checked like one of the file, and against those. One that isn't safe while other nodes don't have it yet, because they
could give the lease to somebody else, is refused unless --force is given.`,
		Example: `  lockstep6 reservations add lan duid 00:03:00:01:02:00:00:00:00:01 --address 2001:db8:1::10
  lockstep6 reservations add lan hardware 02:00:00:00:00:01 --hostname printer
  lockstep6 reservations add pop1 remote-id line-17 --enterprise 4491 --prefix 2001:db8:9000::/48`,
		Args: argsOf(3, "a link, how the client is named, and its name"),
		RunE: func(c *cobra.Command, args []string) error {
			who, err := config.ParseClient(args[1], args[2], f.enterprise)
			if err != nil {
				return usageError{err}
			}
			what := map[string]any{}
			if len(f.addresses) > 0 {
				what["addresses"] = f.addresses
			}
			if len(f.prefixes) > 0 {
				what["prefixes"] = f.prefixes
			}
			if f.hostname != "" {
				what["hostname"] = f.hostname
			}
			body, err := json.Marshal(what)
			if err != nil {
				return err
			}
			return withNode(&f.place, func(node *admin.Client) error {
				change, err := node.PutReservation(c.Context(), args[0], who, body, f.force)
				return printReservationChange(c.OutOrStdout(), &change, err)
			})
		},
	}
	c.Flags().StringArrayVar(&f.addresses, "address", nil, "`ADDRESS` for its IA_NAs; may be repeated, the first free one counts")
	c.Flags().StringArrayVar(&f.prefixes, "prefix", nil, "`PREFIX` for its IA_PDs; likewise")
	c.Flags().StringVar(&f.hostname, "hostname", "", "the client's `NAME`, whatever it calls itself: whole, or one label that the link's domain completes")
	f.addChange(c)
	return c
}

func newReservationsRemove(f *reservationFlags) *cobra.Command {
	c := &cobra.Command{
		Use:   "remove LINK duid|hardware|remote-id|subscriber-id|interface-id CLIENT",
		Short: "Drop a stored reservation",
		Long:  `Drop a stored reservation, of a running node or out of a stopped one's store. Those of the file are changed there.`,
		Example: `  lockstep6 reservations remove lan duid 00:03:00:01:02:00:00:00:00:01
  lockstep6 reservations remove lan hardware 02:00:00:00:00:01 --data /var/lib/lockstep6`,
		Args: argsOf(3, "a link, how the client is named, and its name"),
		RunE: func(c *cobra.Command, args []string) error {
			who, err := config.ParseClient(args[1], args[2], f.enterprise)
			if err != nil {
				return usageError{err}
			}
			return withReservations(f, func(s reservationSource) error {
				change, err := s.DeleteReservation(c.Context(), args[0], who, f.force)
				return printReservationChange(c.OutOrStdout(), &change, err)
			})
		},
	}
	f.addChange(c)
	return c
}

func (f *reservationFlags) addChange(c *cobra.Command) {
	c.Flags().StringVar(&f.enterprise, "enterprise", "", "of a remote-id only this enterprise `NUMBER`")
	c.Flags().BoolVar(&f.force, "force", false, "apply a change that isn't safe node by node")
}

// argsOf wants so many arguments.
func argsOf(n int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) != n {
			return fmt.Errorf("%s takes %s", c.CommandPath(), what)
		}
		return nil
	}
}

func printReservations(w io.Writer, format string, all []admin.Reservation) error {
	if format == "json" {
		encoder := json.NewEncoder(w)
		for i := range all {
			if err := encoder.Encode(&all[i]); err != nil {
				return err
			}
		}
		return nil
	}
	t := namedTable{header: "CLIENT\t\tLEASES\tOPTIONS\tFROM"}
	for i := range all {
		r := &all[i]
		from, who := "the file", r.Client
		if r.Stored {
			from = "the store"
		}
		if r.Enterprise != nil {
			who = fmt.Sprintf("%s %d", who, *r.Enterprise)
		}
		t.add(fmt.Sprintf("%s\t%s\t%s\t%d\t%s", who, r.Value, strings.Join(slices.Concat(r.Addresses, r.Prefixes), " "), r.Options, from), r.Hostname)
	}
	return t.write(w, "reservation")
}

// printReservationChange tells what came of a change.
func printReservationChange(w io.Writer, change *admin.ReservationChange, err error) error {
	if err != nil {
		return reloadRefusal(err)
	}
	if change.Applied {
		fmt.Fprintf(w, "in force: fingerprint %s\n", change.Fingerprint.After)
		if moved := change.Bindings.Own.New(); moved > 0 {
			fmt.Fprintf(w, "%s renumbered at the client's next Renew\n", count(int(moved), "binding"))
		}
		if pending := change.Bindings.Own.Pending; pending > 0 {
			fmt.Fprintf(w, "%s still to be renumbered since an earlier change\n", count(int(pending), "binding"))
		}
	}
	if change.Note != "" {
		fmt.Fprintln(w, change.Note)
	}
	return nil
}

// withReservations opens the data folder's reservations for a call.
func withReservations(f *reservationFlags, call func(reservationSource) error) error {
	if f.url != "" {
		return withNode(&f.place, func(node *admin.Client) error { return call(node) })
	}
	data, err := f.folder()
	if err != nil {
		return err
	}
	source, err := openReservations(data)
	if err != nil {
		return err
	}
	return errors.Join(call(source), source.Close())
}
