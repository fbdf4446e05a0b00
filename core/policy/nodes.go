package policy

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/config"
)

// server compiles what this server is, and whom it is one of.
func (c *compiler) server() error {
	p := c.p
	p.Interfaces = c.cfg.Listen.Interfaces
	if c.cfg.Cluster == nil {
		return c.single()
	}
	cluster := c.cfg.Cluster
	p.Model, p.Favour = cluster.Model, cluster.Favour
	if err := c.findSelf(); err != nil {
		return err
	}
	self := &cluster.Nodes[p.Self]
	p.Preference = self.Preference
	c.interfaces = self.Interfaces
	if self.Listen != nil {
		p.Interfaces = self.Listen.Interfaces
		p.ListenAfter = self.Listen.After
	}
	c.nodes()
	c.divide()
	c.keys()
	return nil
}

// single compiles a server without peers.
func (c *compiler) single() error {
	p := c.p
	if c.in.Node != "" {
		return fmt.Errorf("--node %s: the configuration has no cluster; leave --node out, or add cluster.nodes", c.in.Node)
	}
	p.ServerID = c.cfg.Server.DUID
	if p.ServerID == nil {
		p.ServerID = c.in.SingleDUID
	}
	if len(p.ServerID) == 0 {
		return errors.New("the server has no DUID; give server.duid, or a data folder that keeps one")
	}
	p.Preference = c.cfg.Server.Preference
	p.Nodes = []Node{{ServerID: p.ServerID, Preference: p.Preference, Parts: []int{0}}}
	p.Hasher = address.NewHasher(address.XXH64, c.in.SingleKey)
	c.parts, c.partOwner = 1, []int{0}
	return nil
}

func (c *compiler) findSelf() error {
	nodes := c.cfg.Cluster.Nodes
	names := make([]string, len(nodes))
	for i := range nodes {
		names[i] = nodes[i].Name
	}
	c.p.Self = slices.Index(names, c.in.Node)
	switch {
	case c.in.Node == "":
		return fmt.Errorf("--node is missing; the cluster's nodes are %s", strings.Join(names, ", "))
	case c.p.Self < 0:
		return fmt.Errorf("--node %s: the cluster has no such node; its nodes are %s", c.in.Node, strings.Join(names, ", "))
	default:
		return nil
	}
}

// nodes compiles the list of servers. A DUID follows from the cluster's ID and the node's name, so that every node
// knows its peers' and keeps its own without a disk.
func (c *compiler) nodes() {
	p := c.p
	for i := range c.cfg.Cluster.Nodes {
		n := &c.cfg.Cluster.Nodes[i]
		node := Node{Name: n.Name, ServerID: n.DUID, Preference: n.Preference}
		if node.ServerID == nil {
			duid := address.ServerDUID(c.cfg.Cluster.ID, n.Name)
			node.ServerID = duid[:]
		}
		if twin, ok := p.NodeOf(node.ServerID); ok {
			c.fault(fmt.Sprintf("cluster.nodes[%d].duid", i),
				fmt.Sprintf("node %s has the DUID of node %s", n.Name, p.Nodes[twin].Name), "each node needs its own")
		}
		p.Nodes = append(p.Nodes, node)
	}
	p.ServerID = p.Nodes[p.Self].ServerID
}

// divide compiles who owns which part. Where no node lists any, node number i owns part i.
func (c *compiler) divide() {
	cluster := c.cfg.Cluster
	c.parts = max(cluster.Parts, 1)
	if cluster.Parts == 0 {
		c.parts = len(cluster.Nodes)
	}
	c.partOwner = slices.Repeat([]int{Nobody}, c.parts)
	listed := slices.ContainsFunc(cluster.Nodes, func(n config.Node) bool { return n.Parts != nil })
	for i := range cluster.Nodes {
		parts := cluster.Nodes[i].Parts
		if !listed {
			parts = []int{i}
		}
		c.p.Nodes[i].Parts = parts
		for k, part := range parts {
			field := fmt.Sprintf("cluster.nodes[%d].parts[%d]", i, k)
			switch {
			case part < 0 || part >= c.parts:
				c.fault(field, fmt.Sprintf("there is no part %d", part),
					fmt.Sprintf("cluster.parts makes parts 0 to %d", c.parts-1))
			case c.partOwner[part] != Nobody:
				c.fault(field, fmt.Sprintf("part %d belongs to node %s already", part, cluster.Nodes[c.partOwner[part]].Name),
					"take it from one of the two")
			default:
				c.partOwner[part] = i
			}
		}
	}
}

func (c *compiler) keys() {
	cluster := c.cfg.Cluster
	c.p.Hasher = c.hasher("cluster.key", cluster.Key)
	for i, secret := range cluster.Accept {
		if h := c.hasher(fmt.Sprintf("cluster.key.accept[%d]", i), secret); h != nil {
			c.p.Accept = append(c.p.Accept, h)
		}
	}
}

func (c *compiler) hasher(field string, secret config.Secret) *address.Hasher {
	octets, err := c.in.Resolve(secret)
	if err != nil {
		c.fault(field, err.Error(), "")
		return nil
	}
	var key address.Key
	if len(octets) != len(key) {
		c.fault(field, fmt.Sprintf("the key has %d octets and must have %d", len(octets), len(key)),
			"`lockstep6 key` makes one")
		return nil
	}
	copy(key[:], octets)
	return address.NewHasher(c.cfg.Cluster.Hash, key)
}

// NodeOf finds the node that has the Server Identifier.
func (p *Policy) NodeOf(serverID []byte) (node int, ok bool) {
	for i := range p.Nodes {
		if bytes.Equal(p.Nodes[i].ServerID, serverID) {
			return i, true
		}
	}
	return 0, false
}

// OwnsStripe tells whether the node spills into the stripe of the pool: it is one of its parts, or the pool is its own.
func (p *Policy) OwnsStripe(node int, pool *Pool, stripe int) bool {
	if node < 0 || node >= len(p.Nodes) {
		return false
	}
	if pool.Owner != Everyone {
		return pool.Owner == node
	}
	return slices.Contains(p.Nodes[node].Parts, stripe)
}

// Favoured tells whether this node is the client's first one. A single node always is.
func (p *Policy) Favoured(clientID []byte) bool { return p.FavourRank(clientID) == 0 }

// FavourRank is this node's place, from 0, in the client's order of nodes: with `favour: rendezvous` by their keyed rank
// for the client, else by their preference, the highest first. Of equal ones the one that is listed first comes first.
func (p *Policy) FavourRank(clientID []byte) (rank int) {
	own := p.favour(p.Self, clientID)
	for i := range p.Nodes {
		if score := p.favour(i, clientID); score > own || score == own && i < p.Self {
			rank++
		}
	}
	return rank
}

func (p *Policy) favour(node int, clientID []byte) uint64 {
	if p.Favour == config.FavourRendezvous {
		return p.Hasher.Rank(p.Nodes[node].Name, clientID)
	}
	return uint64(p.Nodes[node].Preference)
}
