package daemon

import (
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/policy"
	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/store"
)

// Owners names the servers whose bindings a store has, by the number that its records give them: a node's name, of
// a server that the configuration doesn't name the DUID. Number 0, the node itself, has none.
type Owners [256]string

// StoredOwners reads them from a stopped store. Without a configuration (nil) all have their DUIDs.
func StoredOwners(r *store.Reader, c *config.Config) (Owners, error) {
	value, _ := r.Meta(metaCluster)
	m, err := readMemory(value)
	if err != nil {
		return Owners{}, err
	}
	names := make(map[string]string)
	if c != nil && c.Cluster != nil {
		for _, n := range c.Cluster.Nodes {
			names[hex.EncodeToString(nodeDUID(c.Cluster, &n))] = n.Name
		}
	}
	return m.names(names)
}

// readMemory reads what the store remembers; nothing: it remembers nothing.
func readMemory(value []byte) (clusterMemory, error) {
	m := clusterMemory{Owners: map[string]uint8{}, Longest: map[string]uint32{}}
	if value == nil {
		return m, nil
	}
	if err := json.Unmarshal(value, &m); err != nil {
		return m, fmt.Errorf("the store's %s can't be read: %w", metaCluster, err)
	}
	return m, nil
}

// nodeNames are the cluster's nodes by their DUIDs in hexadecimal.
func nodeNames(p *policy.Policy) map[string]string {
	names := make(map[string]string)
	for i := range p.Nodes {
		names[hex.EncodeToString(p.Nodes[i].ServerID)] = p.Nodes[i].Name
	}
	return names
}

func (m *clusterMemory) names(nodes map[string]string) (out Owners, err error) {
	for text, owner := range m.Owners {
		if name, ok := nodes[text]; ok {
			out[owner] = name
			continue
		}
		duid, err := hex.DecodeString(text)
		if err != nil {
			return out, fmt.Errorf("the store's %s has the owner %q, which isn't a DUID in hexadecimal", metaCluster, text)
		}
		out[owner] = wire.FormatDUID(duid)
	}
	return out, nil
}

// nodeDUID is what a node is called by clients: by its own DUID, else by the one that follows from its name.
func nodeDUID(c *config.Cluster, n *config.Node) []byte {
	if n.DUID != nil {
		return n.DUID
	}
	derived := address.ServerDUID(c.ID, n.Name)
	return derived[:]
}
