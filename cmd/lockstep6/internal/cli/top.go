package cli

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	tea "charm.land/bubbletea/v2"

	"github.com/lockstep6/lockstep6/cmd/lockstep6/internal/top"
)

type topFlags struct {
	place
	every time.Duration
	once  bool
}

func newTop() *cobra.Command {
	var f topFlags
	c := &cobra.Command{
		Use:   "top",
		Short: "Watch a running node: rates, latency, pools, peers and what its log says",
		Long: `Watch a running node in the terminal: what it answers and drops a second, its latency, how full it and its pools are, what it
knows of its peers, and the newest lines of its log. Keys: tab switches the view, p pauses, ? helps, q quits.

With --once it looks twice, --every apart, prints all of it as plain text, and ends. Colours are used only where the
terminal has them and NO_COLOR isn't set.

It asks the node through admin.sock in its data folder, which is --data, else store.path of the configuration.`,
		Example: `  lockstep6 top --config lockstep6.yaml
  lockstep6 top --data /var/lib/lockstep6 --every 5s
  lockstep6 top --once | grep dropped`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := f.check(c); err != nil {
				return err
			}
			if f.every < 100*time.Millisecond {
				return usageError{fmt.Errorf("--every %s: give 100ms or more", f.every)}
			}
			out := c.OutOrStdout()
			if !f.once && !isTerminal(out) {
				return usageError{errors.New("standard output is no terminal that can be drawn on: --once prints one look as text")}
			}
			node, err := f.node(notWatching)
			if err != nil {
				return err
			}
			defer node.Close()
			if !f.once {
				return top.Run(c.Context(), node, f.every, tea.WithInput(c.InOrStdin()), tea.WithOutput(out))
			}
			text, err := top.Once(c.Context(), node, f.every)
			if err != nil {
				return err
			}
			_, err = io.WriteString(out, text)
			return err
		},
	}
	f.addTo(c)
	c.Flags().DurationVar(&f.every, "every", time.Second, "ask the node each `TIME`")
	c.Flags().BoolVar(&f.once, "once", false, "print one look as text, and end")
	return c
}
