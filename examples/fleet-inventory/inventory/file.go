package inventory

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// A saved is an inventory in a file.
type saved struct {
	Known []*known          `json:"known"`
	Nodes []*Node           `json:"nodes"`
	After map[string]uint64 `json:"after"`
}

// Save writes the inventory into a file, which is whole or as it was before.
func (i *Inventory) Save(file string) error {
	i.mu.Lock()
	s := saved{After: i.after}
	for _, k := range i.known {
		s.Known = append(s.Known, k)
	}
	for _, n := range i.nodes {
		s.Nodes = append(s.Nodes, n)
	}
	body, err := json.Marshal(s)
	i.mu.Unlock()
	if err != nil {
		return err
	}
	temp, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(temp.Name()) }() // it has gone where all went well
	_, err = temp.Write(body)
	if err = errors.Join(err, temp.Sync(), temp.Close()); err != nil {
		return err
	}
	return os.Rename(temp.Name(), file)
}

// Load reads an inventory that was saved. One that isn't there is empty.
func Load(file string) (*Inventory, error) {
	i := New()
	body, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return i, nil
	}
	if err != nil {
		return nil, err
	}
	var s saved
	if err := json.Unmarshal(body, &s); err != nil {
		return nil, fmt.Errorf("%s isn't a saved inventory: %w; move it away, and have each node tell its whole list: lockstep6 outbox resend", file, err)
	}
	for _, n := range s.Nodes {
		i.nodes[source{n.Cluster, n.Node}] = n
	}
	for _, k := range s.Known {
		from := source{k.Cluster, k.Node}
		i.known[place{from, k.Lease}] = k
		if i.nodes[from] == nil {
			i.nodes[from] = &Node{Cluster: k.Cluster, Node: k.Node}
		}
	}
	for partition, position := range s.After {
		i.after[partition] = position
	}
	return i, nil
}
