package policy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/config"
)

// form compares what kind of cluster it is.
func (d *differ) form() {
	before, after := d.before.modelName(), d.after.modelName()
	if !d.reshaped {
		return
	}
	c := Change{What: fmt.Sprintf("model: %s -> %s", before, after)}
	switch {
	case d.before.Single && len(d.after.Nodes) > 1:
		c.Effect = "the single server's addresses were computed with a key of its own, which no other node has: those nodes " +
			"recognise them only where they have heard of them"
		c.Hazard = "other nodes know nothing of the single server's leases, and would give them again"
		c.Steps = []string{
			"The single server becomes a cluster of one node: the new file with this node only, with its data folder, and " +
				"with the DUID that clients know it by as cluster.nodes[].duid",
			"From there on nodes are added: `check` the new file against that one, and it tells the steps",
		}
	case d.before.Single:
		c.Effect = "the server keeps its bindings if it keeps its data folder; new clients' addresses are computed with the cluster's key"
	case d.after.Single && len(d.before.Nodes) > 1:
		c.Hazard = "what the other nodes have given is unknown to the server that stays"
		c.Instead = "a cluster of one node: its key and its DUID come from the file, not from its data folder"
		c.Steps = []string{
			"The other nodes are removed from the cluster: `check` a file with one node against the old one, and it tells the steps",
			"Then the new file for the node that stays, with its data folder",
		}
	case d.after.Single:
		c.Effect = "the server keeps its bindings if it keeps its data folder; new clients' addresses are computed with a key that it keeps there"
	default:
		c.Effect = "addresses are computed in another way for clients to come; leases in what is another node's then are given up " +
			"at their next Renew where a pool is dense, with another lease beside"
		c.Hazard = "nodes with the two files assign from the same leases by different rules, and don't recognise what the others have given"
		c.Steps = d.throughOne("when one more valid lifetime has passed, the other nodes get the new file and start")
	}
	d.add(c)
}

// hash compares the algorithm. There is no way to accept the addresses of another one.
func (d *differ) hash() {
	before, after := d.before.Hasher.Algorithm(), d.after.Hasher.Algorithm()
	if before == after || d.before.Single || d.after.Single {
		return
	}
	d.add(Change{
		What: fmt.Sprintf("hash: %s -> %s", before, after),
		Effect: "every client's address is computed anew, for clients to come; those that have a lease keep it. Nodes recognise the earlier " +
			"leases only where they have heard of them, for an address can't be accepted by another hash",
		Hazard: "a client gets different leases from nodes with the two files, and where its node fails the others don't recognise its lease",
		Steps: d.throughOne("the other nodes get the new file and start; a lease of before survives the loss of its node " +
			"once the others have heard its client renew"),
	})
}

// throughOne is the way that always works: for a while a single node knows all that is given.
func (d *differ) throughOne(last string) []string {
	stays := d.before.Nodes[0].Name
	for i, twin := range d.twins {
		if twin >= 0 {
			stays = d.after.Nodes[i].Name
			break
		}
	}
	return []string{
		fmt.Sprintf("Stop all nodes but one, say %s. Clients of the others come to it when they rebind; those whose leases it can't "+
			"recognise get new ones. Until the last step nothing stands in for it", stays),
		fmt.Sprintf("When %s has passed, %s has all leases that are left: it gets the new file, in a restart of seconds", d.wait(), stays),
		strings.ToUpper(last[:1]) + last[1:],
	}
}

// key compares the key in use and those that are accepted.
func (d *differ) key() {
	if d.before.Single || d.after.Single {
		return
	}
	from, to := d.before.Hasher, d.after.Hasher
	if from.KeyCheck() == to.KeyCheck() {
		d.accepted(nil)
		return
	}
	d.accepted(from)
	newAccepted, oldAccepted := accepts(d.before, to), accepts(d.after, from)
	c := Change{
		What: fmt.Sprintf("key: another one (check %x -> %x)", from.KeyCheck(), to.KeyCheck()),
		Effect: "clients to come get addresses by the new key; those that have a lease keep it. A client that asks nodes with the " +
			"two files meanwhile is offered a different address by each",
	}
	if newAccepted && oldAccepted {
		c.Before = "every node has a file that accepts the new key"
		d.add(c)
		return
	}
	switch {
	case !newAccepted && !oldAccepted:
		c.Hazard = "nodes with one key don't recognise the addresses that the other gives"
	case !newAccepted:
		c.Hazard = "nodes with the old file don't recognise the addresses that the new key gives"
	default:
		c.Hazard = "nodes with the new file don't recognise the addresses that the old key gave"
	}
	c.Steps = d.keySteps(newAccepted, oldAccepted)
	d.add(c)
}

// keySteps are accept everywhere, use, drop; without those that the two files have in them already.
func (d *differ) keySteps(newAccepted, oldAccepted bool) (steps []string) {
	was, is := secretName(d.before.source.Cluster.Key, "OLD"), secretName(d.after.source.Cluster.Key, "NEW")
	if was == is {
		is += ".new" // another file under the same name: both are needed for a while
	}
	if !newAccepted {
		steps = append(steps, fmt.Sprintf("On every node: the old file with `key: {use: %s, accept: [%s]}`", was, is))
	}
	if oldAccepted {
		return append(steps, "On every node: "+theNew)
	}
	then := "When all nodes have it: on every node: the same with "
	if newAccepted {
		then = "On every node: the old file with "
	}
	return append(steps, then+fmt.Sprintf("`key: {use: %s, accept: [%s]}`", is, was),
		d.afterWait()+theNew+", which drops the old key. Who got an address by it and has it still keeps it, but only nodes that "+
			"have heard of it recognise it: where the old key isn't known to strangers it may as well stay accepted")
}

// accepted compares the keys that are only accepted. The old key in use is no news there.
func (d *differ) accepted(used *address.Hasher) {
	dropped := 0
	for _, h := range d.before.Accept {
		inUse := h.KeyCheck() == d.after.Hasher.KeyCheck()
		if !inUse && !accepts(d.after, h) {
			dropped++
		}
	}
	added := 0
	for _, h := range d.after.Accept {
		inUse := used != nil && h.KeyCheck() == used.KeyCheck()
		if !inUse && !accepts(d.before, h) && h.KeyCheck() != d.before.Hasher.KeyCheck() {
			added++
		}
	}
	if dropped > 0 {
		d.add(Change{
			What: fmt.Sprintf("key: %d %s no longer accepted", dropped, plural(dropped, "key is", "keys are")),
			Effect: "a lease that only such a key explains is kept by its node, and no longer recognised by nodes that haven't " +
				"heard of it",
			Before: "if it was in use: all nodes have used another one for " + d.wait(),
		})
	}
	if added > 0 {
		d.add(Change{What: fmt.Sprintf("key: %d more %s accepted", added, plural(added, "key is", "keys are")),
			Effect: "nodes recognise the addresses that it gives; it is used by none"})
	}
}

// accepts tells whether the policy recognises what the key gives, without using it.
func accepts(p *Policy, key *address.Hasher) bool {
	return slices.ContainsFunc(p.Accept, func(h *address.Hasher) bool { return h.KeyCheck() == key.KeyCheck() })
}

// secretName is how a configuration names the key, or a word in its place where it has the key itself.
func secretName(s config.Secret, word string) string {
	if strings.HasPrefix(string(s), "file:") || strings.HasPrefix(string(s), "env:") {
		return string(s)
	}
	return word
}
