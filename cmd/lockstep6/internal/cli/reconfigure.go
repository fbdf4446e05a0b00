package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/lockstep6/lockstep6/io/admin"
)

type reconfigureFlags struct {
	place
	request admin.ReconfigureRequest
	format  string
	wait    bool
}

func newReconfigure() *cobra.Command {
	var f reconfigureFlags
	c := &cobra.Command{
		Use:   "reconfigure --client DUID | --lease LEASE | --class CLASS | --link LINK | --stale",
		Short: "Make clients of a running node ask again at once, as when a link is renumbered",
		Long: `Make clients ask again at once, by Reconfigure messages (RFC 9915, Section 18.3.11): all of a link or a class, one client, or with
--stale those that get another lease at their next Renew, as after a reload that renumbers. They are asked one after the other, as fast as
reconfigure.rate says, and again until they come or reconfigure.attempts are spent.

It reaches clients that said that they accept it, and were told a key by this node, which takes reconfigure in its configuration when they began.
The others come at T1. Only the server that a client is with can ask it: the command tells which node that is.

The command returns when the run has begun; --wait shows how far it is until it has ended, and so does lockstep6 reconfigure show. A run ends
with the node. It asks the node through admin.sock in its data folder, which is --data, else store.path of the configuration; or by --url.`,
		Example: `  lockstep6 reconfigure --link pop1 --dry-run --config lockstep6.yaml   # whom would it ask?
  lockstep6 reconfigure --stale --wait --data /var/lib/lockstep6        # after a reload that renumbers
  lockstep6 reconfigure --client 00:03:00:01:02:00:00:00:00:01 --message information-request --data /var/lib/lockstep6`,
		Args:              noArgs,
		PersistentPreRunE: func(c *cobra.Command, _ []string) error { return f.check(c) },
		RunE: func(c *cobra.Command, _ []string) error {
			if err := f.request.Check(); err != nil {
				return usageError{err}
			}
			return f.begin(c.Context(), c.OutOrStdout())
		},
	}
	f.addTo(c)
	c.PersistentFlags().StringVarP(&f.format, "format", "f", "text", "`text` or json")
	_ = c.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]string{"text", "json"}, cobra.ShellCompDirectiveNoFileComp))
	flags := c.Flags()
	flags.StringVar(&f.request.Client, "client", "", "the client with this `DUID`, in hexadecimal")
	flags.StringVar(&f.request.Lease, "lease", "", "the client that has this `LEASE`: an address, or a prefix with its length")
	flags.StringVar(&f.request.Class, "class", "", "clients of this `CLASS`, as far as what is kept with their leases tells")
	flags.StringVar(&f.request.Link, "link", "", "clients on this `LINK`")
	flags.BoolVar(&f.request.Stale, "stale", false, "clients that get another lease at their next Renew")
	flags.StringVar(&f.request.Message, "message", "renew", "what clients are asked for: `renew`, rebind or information-request")
	_ = c.RegisterFlagCompletionFunc("message", cobra.FixedCompletions(admin.ReconfigureMessages, cobra.ShellCompDirectiveNoFileComp))
	flags.BoolVar(&f.request.DryRun, "dry-run", false, "only tell whom it would ask")
	flags.BoolVar(&f.wait, "wait", false, "show how far the run is until it has ended")
	c.AddCommand(newReconfigureShow(&f), newReconfigureCancel(&f))
	return c
}

func newReconfigureShow(f *reconfigureFlags) *cobra.Command {
	return &cobra.Command{
		Use:     "show",
		Short:   "Show how far the run is, or how the last one ended",
		Example: `  lockstep6 reconfigure show --data /var/lib/lockstep6`,
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return f.with(notWatching, func(node *admin.Client) error {
				run, err := node.Reconfiguring(c.Context())
				if err != nil {
					return err
				}
				return f.print(c.OutOrStdout(), &run)
			})
		},
	}
}

func newReconfigureCancel(f *reconfigureFlags) *cobra.Command {
	return &cobra.Command{
		Use:     "cancel",
		Short:   "End the run: nobody is asked any more",
		Example: `  lockstep6 reconfigure cancel --data /var/lib/lockstep6`,
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return f.with(notRunning, func(node *admin.Client) error {
				run, err := node.CancelReconfigure(c.Context())
				if err != nil {
					return err
				}
				return f.print(c.OutOrStdout(), &run)
			})
		},
	}
}

// with asks a node, and closes what that needs.
func (f *reconfigureFlags) with(hint string, do func(*admin.Client) error) error {
	if f.format != "text" && f.format != "json" {
		return usageError{fmt.Errorf("--format %s: give text or json", f.format)}
	}
	node, err := f.node(hint)
	if err != nil {
		return err
	}
	defer node.Close()
	return do(node)
}

// showEvery is how often --wait tells how far the run is.
const showEvery = time.Second

func (f *reconfigureFlags) begin(ctx context.Context, w io.Writer) error {
	if f.wait && f.request.DryRun {
		return usageError{errors.New("--wait and --dry-run: give one of them")}
	}
	return f.with(notRunning, func(node *admin.Client) error {
		run, err := node.Reconfigure(ctx, f.request)
		if err != nil {
			return err
		}
		if err := f.print(w, &run); err != nil || !f.wait {
			return err
		}
		tick := time.NewTicker(showEvery)
		defer tick.Stop()
		for run.Running {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return errors.New("the run goes on; lockstep6 reconfigure cancel ends it")
			}
			if run, err = node.Reconfiguring(ctx); err != nil {
				return err
			}
			if err := f.print(w, &run); err != nil {
				return err
			}
		}
		if run.Answered < run.Clients {
			return fmt.Errorf("%d of %d clients haven't come", run.Clients-run.Answered, run.Clients)
		}
		return nil
	})
}
