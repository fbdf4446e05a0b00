package cli

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/lockstep6/lockstep6/cmd/lockstep6/internal/daemon"
	"github.com/lockstep6/lockstep6/io/admin"
)

type reloadFlags struct {
	place
	dryRun, yes, force bool
}

func newReload() *cobra.Command {
	var f reloadFlags
	c := &cobra.Command{
		Use:   "reload",
		Short: "Have a running node read its configuration again",
		Long: `Have a running node read its configuration again. It is asked through admin.sock in its data folder, and reads the file
that it was started with. Another one that --config names must have the same in it, else nothing is done.

First the plan is shown: all that differs from what is in force, what becomes of the bindings that there are, and the new
fingerprint beside the old one. Then, on a terminal, you are asked; elsewhere --yes is needed. No message is lost while the
configuration changes. Bindings that the new one doesn't allow are renumbered at their clients' next Renew.

A configuration with a fault is refused whole, with the faults as ` + "`lockstep6 check`" + ` has them; so is one that changes what a running
node can't change, such as where it listens. A change that isn't safe while some nodes have the old file and some the new one is
refused too, unless --force is given.

The exit code is 0 where it was applied, or the plan of --dry-run could be, and 3 where it is refused.`,
		Example: `  lockstep6 reload --dry-run
  lockstep6 reload --config /etc/lockstep6.yaml --yes
  lockstep6 reload --data /var/lib/lockstep6`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := f.check(c); err != nil {
				return err
			}
			return withNode(&f.place, func(node *admin.Client) error { return reload(c, node, &f) })
		},
	}
	f.addTo(c)
	c.Flags().BoolVar(&f.dryRun, "dry-run", false, "only show the plan")
	c.Flags().BoolVarP(&f.yes, "yes", "y", false, "don't ask")
	c.Flags().BoolVar(&f.force, "force", false, "apply a change that isn't safe node by node")
	return c
}

// withNode calls with a client of the node that runs with the data folder.
func withNode(p *place, call func(*admin.Client) error) error {
	node, err := p.node(notRunning)
	if err != nil {
		return err
	}
	return errors.Join(call(node), node.Close())
}

func reload(c *cobra.Command, node *admin.Client, f *reloadFlags) error {
	w := c.OutOrStdout()
	plan, err := node.Reload(c.Context(), admin.ReloadRequest{DryRun: true})
	if err != nil {
		return reloadRefusal(err)
	}
	if err := f.sameFile(&plan); err != nil {
		return err
	}
	printReload(w, &plan)
	switch {
	case !plan.Safe && !f.force:
		return errUnsafe
	case f.dryRun || !plan.Changed:
		return nil
	case !f.yes:
		if err := confirm(c.InOrStdin(), w, "apply it?"); err != nil {
			return err
		}
	}
	plan, err = node.Reload(c.Context(), admin.ReloadRequest{Digest: plan.Digest, Force: f.force})
	if err != nil {
		return reloadRefusal(err)
	}
	fmt.Fprintf(w, "in force: fingerprint %s\n", plan.Fingerprint.After)
	return nil
}

// sameFile refuses a plan of another file than the one that names the node on this machine: what that has would go unread.
func (p *place) sameFile(plan *admin.Plan) error {
	if p.url != "" || p.data != "" && !p.named {
		return nil
	}
	text, err := daemon.ReadText(p.config)
	if err != nil || daemon.Digest(text) == plan.Content {
		return err
	}
	return fmt.Errorf("%w\nthe node reads %s, and %s has something else; write it there, or leave it out: --data DIR names the node",
		errRefused, plan.Path, p.config)
}

// errDeclined says that the answer wasn't yes.
var errDeclined = errors.New("nothing was changed")

// confirm asks on a terminal; elsewhere nobody can answer.
func confirm(in io.Reader, w io.Writer, question string) error {
	f, ok := in.(*os.File)
	if ok {
		_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
		ok = err == nil
	}
	if !ok {
		return usageError{errors.New("there is no terminal to ask on: give --yes, or --dry-run")}
	}
	fmt.Fprintf(w, "%s [y/N] ", question)
	line, err := bufio.NewReader(f).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if answer := strings.ToLower(strings.TrimSpace(line)); answer == "y" || answer == "yes" {
		return nil
	}
	return errDeclined
}

// reloadRefusal marks what the node refused.
func reloadRefusal(err error) error {
	var refused *admin.ReloadError
	switch {
	case errors.As(err, &refused) && refused.Unsafe:
		return fmt.Errorf("%w\n%s", errUnsafe, strings.Join(refused.Faults, "\n"))
	case errors.As(err, &refused):
		return fmt.Errorf("%w\n%s", errRefused, cmp.Or(strings.Join(refused.Faults, "\n"), refused.Problem))
	case errors.Is(err, admin.ErrStale):
		return fmt.Errorf("%w: run `lockstep6 reload` again", err)
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("%w: it may have been applied, `lockstep6 reload --dry-run` tells", err)
	default:
		return err
	}
}
