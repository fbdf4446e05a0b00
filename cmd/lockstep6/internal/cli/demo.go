package cli

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/lockstep6/lockstep6/cmd/lockstep6/internal/demo"
)

// demoLimit is how long the demonstration may take.
const demoLimit = 3 * time.Minute

func newDemo() *cobra.Command {
	var clients int
	c := &cobra.Command{
		Use:   "demo",
		Short: "Show three nodes at work: one is killed, and nobody loses an address or a prefix",
		Long: `Run three nodes of one cluster with stores in a temporary folder, and ten thousand clients that reach them
through relays. All nodes are asked and compared; one is killed in the middle of its work and brought back.

It needs no root and no configuration, uses loopback only, leaves nothing behind and ends within a minute, on a busy machine within three.
The exit code is 0 only if every client was told the same address by every node, nobody got another's address or
prefix, the killed node's clients kept both, and every lease that it had confirmed was found again.`,
		Example: `  lockstep6 demo
  lockstep6 demo --clients 1000    # on a slow machine`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if clients < demo.MinClients || clients > demo.MaxClients {
				return usageError{fmt.Errorf("--clients %d: give %d to %d", clients, demo.MinClients, demo.MaxClients)}
			}
			program, err := os.Executable()
			if err != nil {
				return fmt.Errorf("cannot find the program to start the nodes with: %w", err)
			}
			return demo.Run(c.Context(), demo.Options{
				Program: program, Clients: clients, Out: c.OutOrStdout(), Live: isTerminal(c.OutOrStdout()), Limit: demoLimit,
			})
		},
	}
	c.Flags().IntVar(&clients, "clients", 10000, "`N` clients, 500 or more")
	return c
}

// isTerminal tells whether w is a terminal that understands how to move the cursor.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok || os.Getenv("TERM") == "dumb" || os.Getenv("TERM") == "" {
		return false
	}
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}
