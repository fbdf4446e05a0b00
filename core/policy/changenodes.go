package policy

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/lockstep6/lockstep6/core/wire"
)

// matchNodes finds for each node of after which one of before it is: that of its name, else that of its DUID, else,
// in a list as long as before, the one in whose place it stands.
func (d *differ) matchNodes() {
	d.twins = slices.Repeat([]int{-1}, len(d.after.Nodes))
	if d.alone {
		d.twins[0] = 0
		return
	}
	free := slices.Repeat([]bool{true}, len(d.before.Nodes))
	match := func(same func(before, after int) bool) {
		for i := range d.twins {
			for k := range d.before.Nodes {
				if d.twins[i] < 0 && free[k] && same(k, i) {
					d.twins[i], free[k] = k, false
				}
			}
		}
	}
	match(func(k, i int) bool { return d.before.Nodes[k].Name == d.after.Nodes[i].Name })
	match(func(k, i int) bool { return bytes.Equal(d.before.serverDUID(k), d.after.serverDUID(i)) })
	if len(d.before.Nodes) == len(d.after.Nodes) {
		match(func(k, i int) bool { return k == i })
	}
}

// serverDUID is a node's DUID; nil: it is in a single server's data folder.
func (p *Policy) serverDUID(node int) []byte {
	if p.Single {
		return p.source.Server.DUID
	}
	return p.Nodes[node].ServerID
}

// nodes compares the list of nodes and what clients know them by.
func (d *differ) nodes() {
	d.identifiers()
	d.order()
	if d.before.Single || d.after.Single {
		return
	}
	for i := range d.after.Nodes {
		if d.twins[i] < 0 {
			d.nodeAdded(&d.after.Nodes[i])
		}
	}
	for k := range d.before.Nodes {
		if !slices.Contains(d.twins, k) {
			d.nodeRemoved(&d.before.Nodes[k])
		}
	}
}

// identifiers compares names and DUIDs.
func (d *differ) identifiers() {
	var changed, keep []string
	for i, k := range d.twins {
		if k < 0 {
			continue
		}
		was, is := &d.before.Nodes[k], &d.after.Nodes[i]
		from, to := d.before.serverDUID(k), d.after.serverDUID(i)
		renamed := was.Name != is.Name && !d.before.Single && !d.after.Single
		switch {
		case bytes.Equal(from, to):
			if renamed {
				d.add(Change{What: fmt.Sprintf("node %s is called %s", was.Name, is.Name),
					Effect: "it is the same server to clients, for its DUID stays; with `favour: rendezvous` other clients prefer it"})
			}
		case from == nil && d.configuredDUID(i) != nil:
			d.add(Change{What: "DUID: " + wire.FormatDUID(to) + " instead of the one in the data folder",
				Before: "it is that very one, which clients have kept as their server's"})
		default:
			name := "node " + is.Name
			if d.after.Single {
				name = "the server"
			}
			if renamed {
				name += ", which was " + was.Name
			}
			changed = append(changed, name)
			keep = append(keep, d.keepDUID(i, from))
		}
	}
	if len(changed) == 0 {
		return
	}
	// A server that is alone isn't safe from this either.
	d.changes = append(d.changes, Change{
		What: "DUID: another one for " + strings.Join(changed, "; "),
		Hazard: "clients name the former DUID when they renew, and no server answers before they rebind; nodes with the other file " +
			"take what they say for a stranger's business",
		Instead: "the DUID that clients know: " + strings.Join(keep, ", "),
		Steps:   []string{"A server that shall have another DUID all the same is a new node: it is added under a new name, then the former one is removed"},
	})
}

// configuredDUID is a DUID that the new file has, and not one that follows from other things.
func (d *differ) configuredDUID(node int) []byte {
	if d.after.Single {
		return d.after.source.Server.DUID
	}
	return d.after.source.Cluster.Nodes[node].DUID
}

// keepDUID says what keeps a DUID in the new file.
func (d *differ) keepDUID(node int, duid []byte) string {
	text := "the one in its data folder, which its clients keep"
	if duid != nil {
		text = fmt.Sprintf("%q", wire.FormatDUID(duid))
	}
	if d.after.Single {
		return "`server: {duid: " + text + "}`"
	}
	return fmt.Sprintf("`{name: %s, duid: %s}`", d.after.Nodes[node].Name, text)
}

// order compares the order of the nodes that stay.
func (d *differ) order() {
	last := -1
	ordered := true
	for _, k := range d.twins {
		if k >= 0 {
			ordered = ordered && k > last
			last = k
		}
	}
	if ordered {
		return
	}
	d.add(Change{What: fmt.Sprintf("order of the nodes: %s -> %s", names(d.before), names(d.after)),
		Effect: "of nodes that a client prefers alike, another one comes first; it decides no address as long as every node's parts are the same"})
}

func names(p *Policy) string {
	all := make([]string, len(p.Nodes))
	for i := range p.Nodes {
		all[i] = p.Nodes[i].Name
	}
	return strings.Join(all, ", ")
}

func (d *differ) nodeAdded(n *Node) {
	c := Change{
		What:   "node " + n.Name + " is added",
		Before: "start it last, when all other nodes have the new file: until then they don't listen to what its clients tell it",
	}
	if len(n.Parts) == 0 && d.divided() {
		c.Effect = "it has no part: in the split model it assigns nothing, in the others it serves what every node computes"
	}
	d.add(c)
}

// nodeRemoved is safe only for a node that owns nothing: so it takes two files, and by the first one its peers still
// know it while its clients may have leases.
func (d *differ) nodeRemoved(n *Node) {
	c := Change{
		What:   "node " + n.Name + " is removed",
		Effect: "its clients come to other nodes when they rebind, and keep what those recognise",
		Before: n.Name + " has been stopped for " + d.wait() + ", so that nobody has a lease in its name",
	}
	if len(n.Parts) == 0 {
		d.add(c)
		return
	}
	before, after := d.divisions()
	c.Hazard = "it owns parts and may have clients, and nodes with the new file would take what these say for a stranger's business"
	c.Steps = []string{"Stop " + n.Name + " for good"}
	c.Steps = append(c.Steps, d.partSteps(&before, &after)...)
	c.Steps = append(c.Steps, "When "+n.Name+" has been stopped for "+d.wait()+": on every node: "+theNew)
	c.Before = ""
	d.add(c)
}
