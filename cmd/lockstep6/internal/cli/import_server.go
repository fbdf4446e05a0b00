package cli

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/lockstep6/lockstep6/cmd/lockstep6/internal/daemon"
	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/io/admin"
	"github.com/lockstep6/lockstep6/store/exchange"
)

// findServer finds the old server's DUID and the node that gets it, and changes the configuration's text.
func (im *importing) findServer(format exchange.Format, file string) (err error) {
	if im.before, err = daemon.ReadText(im.config); err != nil {
		return err
	}
	c, faults := config.Parse(im.config, im.before)
	if len(faults) > 0 {
		return refusal(faults)
	}
	if err := im.findDUID(c, format, file); err != nil {
		return err
	}
	if err := im.chooseSuccessor(c); err != nil {
		return err
	}
	if im.text, err = config.WithDUID(im.config, im.before, im.successor, im.duid); err != nil {
		return err
	}
	im.changed = !bytes.Equal(im.text, im.before)
	return nil
}

// findDUID finds the old server's DUID: what the user says, what its files have, or what the configuration has of an earlier import.
func (im *importing) findDUID(c *config.Config, format exchange.Format, file string) (err error) {
	if im.importFlags.duid != "" {
		im.where = "--duid"
		if im.duid, err = admin.ParseDUID(im.importFlags.duid); err != nil {
			return usageError{fmt.Errorf("--duid: %w", err)}
		}
		return nil
	}
	if im.duid, im.where, err = exchange.ServerDUID(format, file); err == nil {
		return nil
	}
	if known := im.configured(c); known != nil {
		im.duid, im.where = known, im.config
		return nil
	}
	return fmt.Errorf("%w\nhint: --duid DUID says it; without it the clients' Renews would be for nobody, until they rebind", err)
}

// configured is the DUID that the configuration has for the old server's place: in a cluster that of the successor, or of the only node that
// has one of its own there. Nil: it has none, or several.
func (im *importing) configured(c *config.Config) (duid []byte) {
	if c.Cluster == nil {
		return c.Server.DUID
	}
	for i := range c.Cluster.Nodes {
		n := &c.Cluster.Nodes[i]
		switch {
		case n.DUID == nil, im.importFlags.successor != "" && n.Name != im.importFlags.successor:
		case duid != nil:
			return nil
		default:
			duid = n.DUID
		}
	}
	return duid
}

// chooseSuccessor finds the node of a cluster that takes the old server's place.
func (im *importing) chooseSuccessor(c *config.Config) error {
	if c.Cluster == nil {
		if im.importFlags.successor != "" {
			return usageError{errors.New("--successor: the configuration has no cluster; a single server takes the old one's place anyway")}
		}
		return nil
	}
	names := daemon.ServerDUIDs(c)
	by, has := names[hex.EncodeToString(im.duid)]
	im.successor = im.importFlags.successor
	switch {
	case im.successor == "" && has:
		im.successor = by
	case im.successor == "":
		return usageError{fmt.Errorf("--successor: no node of the configuration has the old server's DUID; say which one takes its place: %s",
			strings.Join(slices.Sorted(maps.Values(names)), ", "))}
	case has && by != im.successor:
		return usageError{fmt.Errorf("--successor %s: the configuration gives the old server's DUID to %s", im.successor, by)}
	}
	return nil
}

// field is where the configuration has the DUID.
func (im *importing) field() string {
	if im.successor == "" {
		return "server.duid"
	}
	return "duid of node " + im.successor
}

// tellServer shows what becomes of the configuration.
func (im *importing) tellServer(w io.Writer) {
	fmt.Fprintf(w, "the old server's DUID is %s, by %s\n", wire.FormatDUID(im.duid), im.where)
	if !im.changed {
		fmt.Fprintf(w, "%s has it: %s\n", im.config, im.field())
		return
	}
	printLineChanges(w, im.config, im.before, im.text)
}

// finish writes the configuration, now that all leases are in the store, and says what is still to be done.
func (im *importing) finish(w io.Writer, r *daemon.Imported) error {
	switch {
	case im.dryRun:
		fmt.Fprintln(w, "nothing was written")
	case im.changed && im.write:
		if err := im.writeServer(); err != nil {
			return fmt.Errorf("the leases are in the store, and %s lacks the old server's DUID: %w\nhint: the same command goes on", im.config, err)
		}
		fmt.Fprintf(w, "written into %s\n", im.config)
	case im.changed:
		fmt.Fprintf(w, "%s still lacks the old server's DUID: write the line shown above, or give --write, before the node starts; clients' Renews would be for nobody\n", im.config)
	case r.Taken+r.Ended == 0:
		fmt.Fprintln(w, "all is as it was")
	}
	return nil
}

// writeServer writes the configuration with the DUID, if nobody has changed it since it was read.
func (im *importing) writeServer() error {
	now, err := daemon.ReadText(im.config)
	if err != nil {
		return err
	}
	if !bytes.Equal(now, im.before) {
		return errors.New("somebody else changed it meanwhile")
	}
	return replaceFile(im.config, im.text)
}
