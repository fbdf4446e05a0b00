package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/lockstep6/lockstep6/cmd/lockstep6/internal/daemon"
	"github.com/lockstep6/lockstep6/io/admin"
)

func newBackup() *cobra.Command {
	var p place
	c := &cobra.Command{
		Use:   "backup DIR",
		Short: "Copy a node's store, while it runs or not",
		Long: `Copy a node's store into a folder that isn't there yet: leases, history, a single node's key and DUID, as they are at
one moment. A running node makes the copy itself, through admin.sock in its data folder, and goes on serving; the user that
runs it must be allowed to write there. On the file system of the data folder tables are linked, so that it
takes neither long nor much room; on another one they are copied.

A copy on the same disk is lost with it: copy the folder elsewhere.`,
		Example: `  lockstep6 backup /var/backups/lockstep6-2026-11-25 --config lockstep6.yaml
  lockstep6 backup /mnt/other/copy --data /var/lib/lockstep6`,
		Args: oneFolder,
		RunE: func(c *cobra.Command, args []string) error {
			if err := p.check(c); err != nil {
				return err
			}
			dir, err := filepath.Abs(args[0])
			if err != nil {
				return err
			}
			size, err := backup(c.Context(), &p, dir, func(done, total int64) {
				fmt.Fprintf(c.ErrOrStderr(), "%s of about %s\n", octets(done), octets(total))
			})
			if err == nil {
				fmt.Fprintf(c.OutOrStdout(), "backup in %s, %s\n", dir, octets(size))
			}
			return err
		},
	}
	p.addTo(c)
	return c
}

// backup copies a store: the running node does where one answers.
func backup(ctx context.Context, p *place, dir string, progress func(done, total int64)) (size int64, err error) {
	var client *admin.Client
	data := ""
	if p.url != "" {
		client, err = p.remote()
	} else if data, err = p.folder(); err == nil {
		client, err = dialNode(data)
	}
	switch {
	case err == nil:
		size, err = client.Backup(ctx, dir, progress)
		return size, errors.Join(err, client.Close())
	case data == "" || errors.Is(err, os.ErrPermission):
		return 0, err
	}
	if _, err := os.Stat(data); err != nil {
		return 0, fmt.Errorf("there is no store in %s: %w", data, err)
	}
	s, err := openStore(data)
	if err != nil {
		return 0, err
	}
	size, err = s.Backup(dir, progress)
	return size, errors.Join(err, s.Close())
}

func newRestore() *cobra.Command {
	var data string
	c := &cobra.Command{
		Use:   "restore DIR --data NEW",
		Short: "Make a data folder of a backup, and check it",
		Long: `Make a data folder of a backup. The new folder must not be there yet, or be empty; it gets its name when all of it was
read and is right. The backup stays as it is.

A node that starts with it knows the leases of the time of the backup. One of a cluster takes that for a long absence: it listens first.
A single node can't: see "Restore, and the loss of a disk" in docs/operations.md.`,
		Example: `  lockstep6 restore /var/backups/lockstep6-2026-11-25 --data /var/lib/lockstep6`,
		Args:    oneFolder,
		RunE: func(c *cobra.Command, args []string) error {
			if data == "" {
				return usageError{errors.New("give --data NEW, the folder to make")}
			}
			from, err := filepath.Abs(args[0])
			if err != nil {
				return err
			}
			to, err := filepath.Abs(data)
			if err != nil {
				return err
			}
			keepPrivate()
			return restore(c, from, to)
		},
	}
	c.Flags().StringVar(&data, "data", "", "make the data folder `NEW`")
	return c
}

func restore(c *cobra.Command, from, to string) error {
	e := c.ErrOrStderr()
	var last time.Time
	r, err := daemon.Restore(c.Context(), from, to, func(done, total int64) {
		if now := time.Now(); now.Sub(last) > time.Second || done == total {
			last = now
			fmt.Fprintf(e, "copied %s of %s\n", octets(done), octets(total))
		}
	}, func(leases uint64) { fmt.Fprintf(e, "checked %d leases\n", leases) })
	if err != nil {
		return err
	}
	w := c.OutOrStdout()
	fmt.Fprintf(w, "restored in %s: %d leases, %d periods\n", to, r.Leases, r.Periods)
	tellTime(w, "a client was last heard", r.Newest)
	tellTime(w, "the node last served", r.Served)
	return nil
}

func tellTime(w io.Writer, what string, t time.Time) {
	if !t.IsZero() {
		fmt.Fprintf(w, "%s at %s\n", what, t.Format(time.RFC3339))
	}
}

// octets writes a size with a unit.
func octets(n int64) string {
	switch {
	case n < 10<<10:
		return fmt.Sprintf("%d octets", n)
	case n < 10<<20:
		return fmt.Sprintf("%d KiB", n>>10)
	default:
		return fmt.Sprintf("%d MiB", n>>20)
	}
}

// oneFolder wants one folder.
func oneFolder(c *cobra.Command, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("%s takes one folder", c.CommandPath())
	}
	return nil
}
