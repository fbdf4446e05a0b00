package policy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/wire"
)

// A Change is one difference between two configurations of a cluster, and how to get from one to the other. All
// fields are sentences for people, without a full stop where they are one phrase.
type Change struct {
	What    string   // what differs
	Effect  string   // what comes of it however the change is made; may be empty
	Before  string   // what must hold first and no file shows; may be empty
	Hazard  string   // what goes wrong while some nodes have one file and some the other; empty: nothing
	Instead string   // another new configuration that serves the purpose and is safe; may be empty
	Steps   []string // where there is a hazard: the way around it, the last step being the new configuration
}

// Safe tells whether the nodes may take the new configuration one by one, in any order.
func (c *Change) Safe() bool { return c.Hazard == "" }

// A Comparison is all that differs between two configurations.
type Comparison struct {
	Changes []Change
	Rest    []string // what else differs: it decides no address, so it needs no order
}

// Safe tells whether all changes together may be made in one step, node by node in any order.
func (c *Comparison) Safe() bool {
	return !slices.ContainsFunc(c.Changes, func(change Change) bool { return !change.Safe() })
}

// Compare tells what it takes to go from one configuration to another, by the policies that any of their nodes
// compiles from them. While it lasts some nodes have the one and some the other. That is safe where no
// lease can come to two clients by it, no node takes from a client what another one has given rightly, and all
// nodes recognise what the others have given.
func Compare(before, after *Policy) *Comparison {
	d := &differ{before: before, after: after}
	d.gates = [2]*gateText{newGateText(before.source), newGateText(after.source)}
	d.alone = len(before.Nodes) == 1 && len(after.Nodes) == 1
	d.reshaped = before.Single != after.Single || !before.Single && before.Model != after.Model
	d.matchNodes()
	d.matchLinks()
	d.form()
	d.key()
	d.hash()
	d.nodes()
	d.parts()
	d.selection()
	d.relinked()
	d.namedPools()
	d.linkGates()
	d.prefixLengths()
	d.identities()
	d.registrations()
	d.pools()
	d.poolOrder()
	d.reservations()
	d.names()
	return &Comparison{d.changes, d.rest()}
}

// A differ collects what differs.
type differ struct {
	before, after *Policy
	alone         bool  // a single server before and after: no two files are ever in use at once
	reshaped      bool  // from one model to another, or from a single server to a cluster or back
	twins         []int // by node of after: the same node of before, or -1
	links         []linkPair
	twinLinks     map[int32]int32 // links of before that are in after
	gates         [2]*gateText    // of before, of after
	changes       []Change
}

// add takes a change. A server that is alone never meets another file than its own.
func (d *differ) add(c Change) {
	if d.alone {
		c.Hazard, c.Instead, c.Steps = "", "", nil
	}
	d.changes = append(d.changes, c)
}

// wait is how long what was granted under the old configuration may live.
func (d *differ) wait() string {
	longest := uint32(0)
	for _, p := range []*Policy{d.before, d.after} {
		for i := range p.Links {
			longest = max(longest, p.Links[i].LongestValid)
		}
	}
	if longest == wire.Infinity {
		return "one valid lifetime (which never ends here: set a finite one first, and count from when all clients have renewed)"
	}
	return "one valid lifetime (" + config.FormatSpan(longest) + ")"
}

// afterWait begins a step that must wait.
func (d *differ) afterWait() string { return "When " + d.wait() + " has passed since: on every node: " }

// theNew is the last step of most procedures.
const theNew = "the new file"

// mentioned bounds how many things of a kind are named one by one.
const mentioned = 5

// listed names a few things, and says how many more there are.
func listed(things []string) string {
	if len(things) <= mentioned {
		return strings.Join(things, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(things[:mentioned], ", "), len(things)-mentioned)
}

// plural is a noun's form for a number of things.
func plural(n int, one, more string) string {
	if n == 1 {
		return one
	}
	return more
}
