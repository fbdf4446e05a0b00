package cli

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/lockstep6/lockstep6/io/admin"
)

type outboxFlags struct {
	place
	format string
}

func newOutbox() *cobra.Command {
	var f outboxFlags
	c := &cobra.Command{
		Use:   "outbox",
		Short: "Show how a running node tells its message broker of leases, and tell it the whole list again",
		Long: `Show how a running node tells the message broker of its configuration's events what becomes of leases: what the broker has, what
waits on disk, for how long, and why.

It asks the node through admin.sock in its data folder, which is --data, else store.path of the configuration; or by --url.
The same as JSON is at GET /v1/outbox of admin.listen, and as metrics at /metrics.`,
		Example: `  lockstep6 outbox --config lockstep6.yaml
  lockstep6 outbox --data /var/lib/lockstep6 --format json | jq .waiting
  lockstep6 outbox resend --data /var/lib/lockstep6`,
		Args:              noArgs,
		PersistentPreRunE: func(c *cobra.Command, _ []string) error { return f.check(c) },
		RunE: func(c *cobra.Command, _ []string) error {
			if f.format != "text" && f.format != "json" {
				return usageError{fmt.Errorf("--format %s: give text or json", f.format)}
			}
			return showOutbox(c.Context(), c.OutOrStdout(), &f)
		},
	}
	f.addTo(c)
	c.Flags().StringVarP(&f.format, "format", "f", "text", "`text` or json")
	_ = c.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]string{"text", "json"}, cobra.ShellCompDirectiveNoFileComp))
	c.AddCommand(newOutboxResend(&f))
	return c
}

func newOutboxResend(f *outboxFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "resend",
		Short: "Tell the message broker the whole list of leases again",
		Long: `Tell the message broker the whole list of leases again: for an inventory that has lost what it had. The command returns at once;
outbox shows how far the list is.`,
		Example: `  lockstep6 outbox resend --data /var/lib/lockstep6`,
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			node, err := f.node(notRunning)
			if err != nil {
				return err
			}
			defer node.Close()
			if err := node.ResendOutbox(c.Context()); err != nil {
				return err
			}
			_, err = fmt.Fprintln(c.OutOrStdout(), "the broker is told the whole list")
			return err
		},
	}
}

func showOutbox(ctx context.Context, w io.Writer, f *outboxFlags) error {
	node, err := f.node(notWatching)
	if err != nil {
		return err
	}
	defer node.Close()
	o, err := node.Outbox(ctx)
	if err != nil {
		return err
	}
	return printOutbox(w, f.format, &o)
}

// printOutbox prints how the broker is told, as text or as JSON.
func printOutbox(w io.Writer, format string, o *admin.Outbox) error {
	if format == "json" {
		return jsonLines(w, []admin.Outbox{*o})
	}
	if !o.On {
		_, err := fmt.Fprintln(w, "no message broker is told: the configuration has no events")
		return err
	}
	state := "ok"
	switch {
	case !o.Up:
		state = "fails: " + o.Error
	case o.Listing:
		state = fmt.Sprintf("list, %d so far", o.Listed)
	}
	list := "-"
	if o.Whole != nil {
		list = o.Whole.Format(time.RFC3339)
	}
	_, err := fmt.Fprintf(w, "cluster    %s\ntarget     %s\nstate      %s\nwaiting    %d changes, %d of %d KiB, for %s\nsent       %d\nfailed     %d\nrefused    %d\ndropped    %d\nlast list  %s\n",
		o.Cluster, o.Target, state, o.Waiting, o.Octets>>10, o.Most>>10, time.Duration(o.Waited*float64(time.Second)).Round(time.Second),
		o.Sent, o.Failed, o.Refused, o.Dropped, list)
	return err
}
