package policy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lockstep6/lockstep6/core/config"
)

// divisions are those of both configurations.
func (d *differ) divisions() (before, after division) {
	striped := d.after.Model != config.Split
	before = division{d.before.partCount(), slices.Repeat([]int{Nobody}, d.before.partCount()), striped}
	for k := range d.before.Nodes {
		for _, part := range d.before.Nodes[k].Parts {
			before.owner[part] = k
		}
	}
	after = division{d.after.partCount(), slices.Repeat([]int{Nobody}, d.after.partCount()), striped}
	for i := range d.after.Nodes {
		for _, part := range d.after.Nodes[i].Parts {
			after.owner[part] = d.nodeNumber(i)
		}
	}
	return before, after
}

// nodeNumber is one number for a node in both configurations: its index in before, and behind those the new ones.
func (d *differ) nodeNumber(after int) int {
	if k := d.twins[after]; k >= 0 {
		return k
	}
	return len(d.before.Nodes) + after
}

// nodeName is the name of a node that nodeNumber counts.
func (d *differ) nodeName(number int) string {
	if number < len(d.before.Nodes) {
		return d.before.Nodes[number].Name
	}
	return d.after.Nodes[number-len(d.before.Nodes)].Name
}

// oldNodes and newNodes number the nodes of either configuration.
func (d *differ) oldNodes() (numbers []int) {
	for k := range d.before.Nodes {
		numbers = append(numbers, k)
	}
	return numbers
}

func (d *differ) newNodes() (numbers []int) {
	for i := range d.after.Nodes {
		numbers = append(numbers, d.nodeNumber(i))
	}
	return numbers
}

// yaml writes a division as a configuration has it.
func (d *differ) yaml(v *division, nodes []int) string {
	list := make([]string, len(nodes))
	for i, number := range nodes {
		list[i] = fmt.Sprintf("{name: %s, parts: %s}", d.nodeName(number), strings.ReplaceAll(fmt.Sprint(v.partsOf(number)), " ", ", "))
	}
	return fmt.Sprintf("`parts: %d`, `nodes: [%s]`", v.cut, strings.Join(list, ", "))
}

// partSteps are the files between the old and the new one. Nodes that go are in the first one still.
func (d *differ) partSteps(before, after *division) (steps []string) {
	old, all := d.oldNodes(), d.newNodes()
	for _, k := range old {
		if !slices.Contains(all, k) {
			all = append(all, k)
		}
	}
	slices.Sort(all)
	between := way(before, after, len(all))
	if len(between) == 1 {
		return []string{"On every node: the old file with " + d.yaml(&between[0], all)}
	}
	return []string{
		"On every node: the old file with " + d.yaml(&between[0], old),
		d.afterWait() + "the new file with " + d.yaml(&between[1], d.newNodes()),
	}
}

// divided tells whether parts decide anything: in the split model always, else where a dense pool is shared.
func (d *differ) divided() bool {
	for _, p := range []*Policy{d.before, d.after} {
		if !p.Single && (p.Model == config.Split || dense(p, true)) {
			return true
		}
	}
	return false
}

// dense tells whether the policy has a dense pool; shared: one that all nodes assign from.
func dense(p *Policy, shared bool) bool {
	return slices.ContainsFunc(p.Pools, func(pool *Pool) bool {
		return !pool.Sparse && (!shared || pool.Owner == Everyone)
	})
}

// parts compares the cut and who owns which part. It goes without saying where the model is another one.
func (d *differ) parts() {
	before, after := d.divisions()
	var what []string
	if before.cut != after.cut {
		what = append(what, fmt.Sprintf("cluster.parts %d -> %d", before.cut, after.cut))
	}
	for i, k := range d.twins {
		if k >= 0 && !slices.Equal(d.before.Nodes[k].Parts, d.after.Nodes[i].Parts) {
			what = append(what, fmt.Sprintf("node %s%s ->%s", d.after.Nodes[i].Name,
				spacedParts(d.before.Nodes[k].Parts), spacedParts(d.after.Nodes[i].Parts)))
		}
		if k < 0 && len(d.after.Nodes[i].Parts) > 0 {
			what = append(what, fmt.Sprintf("node %s gets%s", d.after.Nodes[i].Name, spacedParts(d.after.Nodes[i].Parts)))
		}
	}
	if len(what) == 0 || d.reshaped || d.before.Single {
		return
	}
	c := Change{What: "parts: " + strings.Join(what, ", ")}
	switch {
	case !d.divided():
		c.Effect = "they decide nothing: no pool is cut, and no dense one is shared"
	case moves(&before, &after):
		d.partsMove(&c, &before, &after)
	default:
		d.partsStay(&c, &before, &after)
	}
	d.add(c)
}

// spacedParts are a node's parts with a space before each; none is a word as well.
func spacedParts(parts []int) string {
	if len(parts) == 0 {
		return " none"
	}
	return spaced(parts)
}

// partsStay is a change by which nothing goes from one node to another.
func (d *differ) partsStay(c *Change, before, after *division) {
	cuts := leastCuts(before, after)
	given, withdrawn := false, false
	for fine := range cuts {
		from, to := before.of(fine, cuts), after.of(fine, cuts)
		given = given || from == Nobody && to != Nobody
		withdrawn = withdrawn || from != Nobody && to == Nobody
	}
	switch {
	case given:
		c.Before = "if another node has owned what is given now: all nodes have had the file that withdrew it for " + d.wait()
	case withdrawn && d.after.Model != config.Split:
		c.Effect = "in dense pools no node gives what is withdrawn to clients whose computed lease is taken, unless its own stripes are full"
	case withdrawn:
		c.Effect = "what is withdrawn is assigned by nobody"
		if dense(d.before, false) {
			c.Effect += ", and leases of dense pools in it are given up at their next Renew, with another lease beside where the node has one left"
		}
	case before.cut != after.cut:
		c.Effect = "every node keeps what it owns"
	default:
		c.Effect = "nodes prefer their parts in another order"
	}
	d.recut(c, before, after)
}

// recut tells what another cut means in the split model, where each part is hashed into by itself.
func (d *differ) recut(c *Change, before, after *division) {
	if before.cut != after.cut && d.after.Model == config.Split {
		c.Effect = strings.TrimPrefix(c.Effect+"; addresses are computed anew in every part, for clients to come, so nodes recognise "+
			"earlier leases of other nodes only where they have heard of them", "; ")
	}
}

// partsMove is a change by which something goes from one node to another: withdrawn everywhere, then given.
func (d *differ) partsMove(c *Change, before, after *division) {
	c.Hazard = "leases go from one node to another, which doesn't know yet to whom they are given; while the files differ both assign them"
	listed := slices.ContainsFunc(d.after.source.Cluster.Nodes, func(n config.Node) bool { return n.Parts != nil })
	if kept := before.fitting(len(d.after.Nodes)); !listed && kept.cut <= config.MaxParts {
		c.Instead = "what each node owns now, written out: " + d.yaml(&kept, d.newNodes())
	}
	c.Steps = append(d.partSteps(before, after), d.afterWait()+theNew)
	if idle := d.idle(before, after); len(idle) > 0 {
		c.Effect = "meanwhile " + strings.Join(idle, " and ") + plural(len(idle), " owns", " own") + " nothing"
		if d.after.Model == config.Split {
			c.Effect += ", so new clients get leases from the others only, and dense leases are given up at their next Renew"
		}
	}
	d.recut(c, before, after)
}

// idle names the nodes that own something before and after, and nothing on the way.
func (d *differ) idle(before, after *division) (nodes []string) {
	between := way(before, after, len(d.before.Nodes))[0]
	for k := range d.before.Nodes {
		if before.partsOf(k) != nil && after.partsOf(k) != nil && between.partsOf(k) == nil {
			nodes = append(nodes, d.nodeName(k))
		}
	}
	return nodes
}
