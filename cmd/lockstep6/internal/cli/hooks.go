package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/lockstep6/lockstep6/io/admin"
)

type hooksFlags struct {
	place
	format string
}

func newHooks() *cobra.Command {
	var f hooksFlags
	c := &cobra.Command{
		Use:   "hooks",
		Short: "Show how a running node's hooks are doing, and send one the whole list again",
		Long: `Show how the programs and URLs are doing that a running node tells of changes of leases: what they have taken, how many leases
wait to be told of, for how long, and why. A hook fails while its receiver doesn't take something, which is told again until it does.

It asks the node through admin.sock in its data folder, which is --data, else store.path of the configuration; or by --url.
The same as JSON is at GET /v1/hooks of admin.listen, and as metrics at /metrics.`,
		Example: `  lockstep6 hooks --config lockstep6.yaml
  lockstep6 hooks --data /var/lib/lockstep6 --format json | jq 'select(.up | not)'
  lockstep6 hooks resend routes --data /var/lib/lockstep6`,
		Args:              noArgs,
		PersistentPreRunE: func(c *cobra.Command, _ []string) error { return f.check(c) },
		RunE: func(c *cobra.Command, _ []string) error {
			if f.format != "table" && f.format != "json" {
				return usageError{fmt.Errorf("--format %s: give table or json", f.format)}
			}
			return showHooks(c.Context(), c.OutOrStdout(), &f)
		},
	}
	f.addTo(c)
	c.Flags().StringVarP(&f.format, "format", "f", "table", "`table` or json (one object a line)")
	_ = c.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]string{"table", "json"}, cobra.ShellCompDirectiveNoFileComp))
	c.AddCommand(newHooksResend(&f))
	return c
}

func newHooksResend(f *hooksFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "resend HOOK",
		Short: "Tell a hook the whole list of leases again",
		Long: `Tell a hook the whole list of leases again: for a receiver that has lost what it had. The command returns at once; hooks shows how
far the list is.`,
		Example: `  lockstep6 hooks resend routes --data /var/lib/lockstep6`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return errors.New("hooks resend takes the name of one hook")
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			return resendHook(c.Context(), c.OutOrStdout(), f, args[0])
		},
	}
}

func showHooks(ctx context.Context, w io.Writer, f *hooksFlags) error {
	node, err := f.node(notWatching)
	if err != nil {
		return err
	}
	defer node.Close()
	all, err := node.Hooks(ctx)
	if err != nil {
		return err
	}
	return printHooks(w, f.format, all)
}

func resendHook(ctx context.Context, w io.Writer, f *hooksFlags, name string) error {
	node, err := f.node(notRunning)
	if err != nil {
		return err
	}
	defer node.Close()
	if err := node.ResendHook(ctx, name); err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s is told the whole list\n", name)
	return err
}

// printHooks prints how hooks are doing, as a table or as JSON.
func printHooks(w io.Writer, format string, all []admin.Hook) error {
	if format == "json" {
		return jsonLines(w, all)
	}
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "HOOK\tSTATE\tTAKEN\tFAILED\tPENDING\tWAITED\tLAST LIST\tTARGET")
	for i := range all {
		h := &all[i]
		fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%d\t%s\t%s\t%s\n", h.Name, hookState(h), h.Taken, h.Failed, h.Pending,
			time.Duration(h.Waited*float64(time.Second)).Round(time.Second), lastList(h), h.Target)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for i := range all {
		if h := &all[i]; h.Error != "" {
			if _, err := fmt.Fprintf(w, "%s: %s\n", h.Name, h.Error); err != nil {
				return err
			}
		}
	}
	return nil
}

func hookState(h *admin.Hook) string {
	switch {
	case !h.Up:
		return "fails"
	case h.Listing:
		return fmt.Sprintf("list, %d so far", h.Listed)
	}
	return "ok"
}

func lastList(h *admin.Hook) string {
	if h.Whole == nil {
		return "-"
	}
	return h.Whole.Format(time.RFC3339)
}
