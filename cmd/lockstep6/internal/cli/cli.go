// Package cli is the command line: one file per command. A command parses its flags, asks the packages that know,
// and prints; it decides nothing about DHCPv6.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// Exit codes.
const (
	exitOK      = 0
	exitFailed  = 1 // the command ran and failed
	exitUsage   = 2 // the command line is wrong
	exitRefused = 3 // the configuration, or a change of it, is refused
	exitDamaged = 4 // a store that was checked is damaged
)

// errRefused marks a configuration that was refused: its faults are printed as they are.
var errRefused = errors.New("the configuration is refused")

// errUnsafe marks a change between two configurations that was refused: the steps around it were printed.
var errUnsafe = errors.New("the change is refused: it isn't safe in one step")

// usageError is a fault in the command line.
type usageError struct{ error }

// Main runs one command line and returns the exit code.
func Main(args []string, in io.Reader, out, errOut io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errOut)
	command, err := root.ExecuteContextC(ctx)
	var usage usageError
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errRefused), errors.Is(err, errUnsafe):
		fmt.Fprintln(errOut, err)
		return exitRefused
	case errors.Is(err, errDamaged):
		fmt.Fprintf(errOut, "lockstep6: %v\n", err)
		return exitDamaged
	case errors.As(err, &usage):
		fmt.Fprintf(errOut, "lockstep6: %v\nhint: `%s --help` shows how it is used\n", err, command.CommandPath())
		return exitUsage
	default:
		fmt.Fprintf(errOut, "lockstep6: %v\n", err)
		return exitFailed
	}
}

// Root is the command line with all commands, for who describes them.
func Root() *cobra.Command { return newRoot() }

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "lockstep6",
		Short: "A DHCPv6 server whose nodes agree on every address without talking to each other",
		Long: `lockstep6 serves addresses and delegated prefixes by DHCPv6 (RFC 9915).

Several nodes with the same configuration file serve the same clients side by side. They give the
same client the same address, because it is computed from the client's identity and a shared key,
and none of them loses a binding when it dies.

Exit codes: 0 done, 1 failed, 2 wrong command line, 3 configuration refused, or a change of it, 4 a store that was checked is damaged.`,
		Example: `  lockstep6 demo                                   # see three nodes at work, on loopback only
  lockstep6 check --config lockstep6.yaml          # is this file right?
  lockstep6 serve --config lockstep6.yaml --node a
  lockstep6 bench --server '[::1]:10547' --link-address 2001:db8:1::1   # how fast is it?`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          noArgs,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(
		newServe(),
		newCheck(),
		newPlan(),
		newKey(),
		newPseudonym(),
		newReload(),
		newLeases(),
		newReservations(),
		newProviderPrefix(),
		newPeers(),
		newConvert(),
		newSchema(),
		newDemo(),
		newBench(),
		newDrainCommand(),
		newLogLevel(),
		newWhy(),
		newTop(),
		newImport(),
		newExport(),
		newHistory(),
		newBackup(),
		newRestore(),
		newStore(),
		newPools(),
		newDNS(),
		newHooks(),
		newOutbox(),
		newReconfigure(),
		newLeasequery(),
		newVersion(),
	)
	strictArgs(root)
	return root
}

// noArgs refuses arguments that aren't options.
func noArgs(c *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
		return nil
	case c.HasSubCommands():
		return fmt.Errorf("there is no command %q in %s", args[0], c.CommandPath())
	default:
		return fmt.Errorf("%q: %s takes options only", args[0], c.CommandPath())
	}
}

// oneLease wants one address or prefix.
func oneLease(c *cobra.Command, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("%s takes one address or prefix", c.CommandPath())
	}
	return nil
}

// strictArgs makes wrong arguments a fault of the command line, in every command below.
func strictArgs(c *cobra.Command) {
	if check := c.Args; check != nil {
		c.Args = func(c *cobra.Command, args []string) error {
			if err := check(c, args); err != nil {
				return usageError{err}
			}
			return nil
		}
	}
	for _, sub := range c.Commands() {
		strictArgs(sub)
	}
}
