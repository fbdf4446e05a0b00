package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/lockstep6/lockstep6/io/admin"
)

// What commands that need a running node say where there is none.
const (
	notRunning  = "there is nothing to change; --data DIR or --url names another node"
	notWatching = "that is known while a node runs; start it, or name it with --data DIR or --url"
)

type drainFlags struct {
	place
	new, end bool
}

func newDrainCommand() *cobra.Command {
	var f drainFlags
	c := &cobra.Command{
		Use:   "drain",
		Short: "Stop a running node, or make it leave new clients to other nodes",
		Long: `Stop a running node, as SIGTERM would: it takes no more messages, answers what has arrived, and ends. Every lease that a
client was told of is on disk. The command returns at once.

With --new the node goes on. It leaves new clients to the other nodes of its cluster while those answer, and still serves its
own: before maintenance that moves clients away without any of them noticing. --end, or a restart of the node, ends that.`,
		Example: `  lockstep6 drain --new --data /var/lib/lockstep6     # a while before the maintenance
  lockstep6 drain --data /var/lib/lockstep6           # stop
  lockstep6 drain --end --url https://node-a.example:8067 --token-file admin.token`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if f.new && f.end {
				return usageError{errors.New("--new and --end: give one of them")}
			}
			if err := f.check(c); err != nil {
				return err
			}
			return drain(c.Context(), c.OutOrStdout(), &f)
		},
	}
	f.addTo(c)
	c.Flags().BoolVar(&f.new, "new", false, "leave new clients to other nodes, and go on")
	c.Flags().BoolVar(&f.end, "end", false, "serve new clients again")
	return c
}

func drain(ctx context.Context, w io.Writer, f *drainFlags) error {
	mode := admin.DrainStop
	switch {
	case f.new:
		mode = admin.DrainNew
	case f.end:
		mode = admin.DrainNone
	}
	node, err := f.node(notRunning)
	if err != nil {
		return err
	}
	defer node.Close()
	d, err := node.SetDrain(ctx, mode)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(w, map[admin.DrainMode]string{
		admin.DrainStop: "the node stops", admin.DrainNew: "new clients are left to other nodes", admin.DrainNone: "new clients are served",
	}[d.Mode])
	return err
}

func newLogLevel() *cobra.Command {
	var p place
	c := &cobra.Command{
		Use:   "log-level [debug|info|warn|error]",
		Short: "Show or change what a running node logs",
		Long: `Show or change the least important messages that a running node logs. A change holds until the node's next restart or
reload; log.level of the configuration is for good.`,
		Example: `  lockstep6 log-level --data /var/lib/lockstep6
  lockstep6 log-level debug --data /var/lib/lockstep6`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return errors.New("log-level takes one level at most")
			}
			if len(args) == 1 {
				_, err := admin.ParseLevel(args[0])
				return err
			}
			return nil
		},
		ValidArgs: []string{"debug", "info", "warn", "error"},
		RunE: func(c *cobra.Command, args []string) error {
			if err := p.check(c); err != nil {
				return err
			}
			return logLevel(c.Context(), c.OutOrStdout(), &p, args)
		},
	}
	p.addTo(c)
	return c
}

func logLevel(ctx context.Context, w io.Writer, p *place, args []string) error {
	node, err := p.node(notRunning)
	if err != nil {
		return err
	}
	defer node.Close()
	var l admin.LogLevel
	if len(args) == 1 {
		l, err = node.SetLogLevel(ctx, args[0])
	} else {
		l, err = node.LogLevel(ctx)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s (configured: %s)\n", l.Level, l.Configured)
	return err
}
