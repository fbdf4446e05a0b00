package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/lockstep6/lockstep6/io/admin"
)

// print prints a run.
func (f *reconfigureFlags) print(w io.Writer, run *admin.ReconfigureRun) error {
	if f.format == "json" {
		return json.NewEncoder(w).Encode(run)
	}
	_, err := io.WriteString(w, reconfigureText(run))
	return err
}

// reconfigureText is a run for people: how far it is, and why other clients aren't among those that it asks.
func reconfigureText(r *admin.ReconfigureRun) string {
	var b strings.Builder
	state := "has ended"
	switch {
	case r.DryRun:
		state = "would ask"
	case r.Running:
		state = "goes on"
	case r.Canceled:
		state = "was ended early"
	}
	fmt.Fprintf(&b, "%s for %s %s: %s", r.Message, r.Selection, state, counted(r.Clients, "client", "clients"))
	if !r.DryRun {
		fmt.Fprintf(&b, ", %d answered, %d asked, %d waiting, %d gave up", r.Answered, r.Asked, r.Waiting, r.GaveUp)
		for _, rare := range []struct {
			n    int
			what string
		}{{r.Gone, "gone"}, {r.Failed, "couldn't be asked"}, {r.Refused, "messages that the kernel didn't take"}} {
			if rare.n > 0 {
				fmt.Fprintf(&b, ", %d %s", rare.n, rare.what)
			}
		}
		fmt.Fprintf(&b, "; %s sent", counted(r.Sent, "message", "messages"))
	}
	b.WriteByte('\n')
	if r.Running {
		return b.String()
	}
	if r.Unwilling > 0 {
		fmt.Fprintf(&b, "  %s of clients without a key: they don't accept Reconfigure, or aren't among those that reconfigure names\n", counted(r.Unwilling, "lease", "leases"))
	}
	if r.Unreachable > 0 {
		fmt.Fprintf(&b, "  %s of clients to which the way isn't known\n", counted(r.Unreachable, "lease", "leases"))
	}
	for _, name := range slices.Sorted(maps.Keys(r.Peers)) {
		fmt.Fprintf(&b, "  %s of clients of node %s: ask there\n", counted(r.Peers[name], "lease", "leases"), name)
	}
	return b.String()
}

func counted(n int, one, more string) string {
	if n == 1 {
		more = one
	}
	return fmt.Sprintf("%d %s", n, more)
}
