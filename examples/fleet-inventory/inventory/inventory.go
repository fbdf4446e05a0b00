package inventory

import (
	"cmp"
	"slices"
	"sync"
	"time"
)

// An Inventory is what all nodes of all clusters have told. Its methods may be called at any time.
type Inventory struct {
	mu    sync.Mutex
	known map[place]*known
	nodes map[source]*Node
	after map[string]uint64 // the newest position of each partition
}

// A source is a node.
type source struct{ Cluster, Node string }

// A place is a lease at a node. Each node says what it granted itself.
type place struct {
	source
	Lease string
}

// A known is what was said last of a lease at a node. One that has gone is kept for a while, so that an older event, told again, doesn't bring it back.
type known struct {
	Event
	Partition string `json:"partition"` // where it was said: a list's end there says that all of the list was
	Gone      bool   `json:"gone,omitempty"`
	// When the node said last that the lease stands: of one that has gone, before that.
	Stood time.Time `json:"stood"`
}

// A Node is how far a node's word goes.
type Node struct {
	Cluster string    `json:"cluster"`
	Node    string    `json:"node,omitempty"`
	Last    time.Time `json:"last"`           // time of its newest event
	List    int64     `json:"list,omitempty"` // number of the newest list that ended in some partition; 0: none did, and leases may be missing
}

// New is an inventory that has nothing.
func New() *Inventory {
	return &Inventory{known: make(map[place]*known), nodes: make(map[source]*Node), after: make(map[string]uint64)}
}

// Take takes an event that stands at a position of a partition: of a stream of JetStream, or a partition of a Kafka topic. Whatever comes twice, and
// however events of different clients or nodes are mixed, the inventory is the same once all have come.
func (i *Inventory) Take(e *Event, partition string, position uint64) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.after[partition] = position
	from := source{e.Cluster, e.Node}
	node := i.nodes[from]
	if node == nil {
		node = &Node{Cluster: e.Cluster, Node: e.Node}
		i.nodes[from] = node
	}
	if e.Time.After(node.Last) {
		node.Last = e.Time
	}
	switch e.Event {
	case "list-begin":
	case "list-end":
		node.List = max(node.List, e.List)
		i.sweep(from, partition, e.List)
	default:
		i.put(e, partition)
	}
}

// put takes what is said of a lease, if it isn't older than what is known.
func (i *Inventory) put(e *Event, partition string) {
	at := place{source{e.Cluster, e.Node}, e.Lease}
	was := i.known[at]
	if was != nil && !e.newer(was) {
		return
	}
	is := &known{Event: *e, Partition: partition, Gone: e.Event == "remove", Stood: e.Time}
	if is.Gone && was != nil {
		is.Stood = was.Stood
	}
	i.known[at] = is
}

// sweep drops what a node said in a partition before its newest list there began, and not again since.
func (i *Inventory) sweep(from source, partition string, list int64) {
	for at, k := range i.known {
		if at.source == from && k.Partition == partition && k.List < list {
			k.Gone = true
		}
	}
}

// Forget drops what had gone for so long, by its node's newest event.
func (i *Inventory) Forget(after time.Duration) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for at, k := range i.known {
		if k.Gone && i.nodes[at.source].Last.Sub(k.Time) > after {
			delete(i.known, at)
		}
	}
}

// Leases are those of a cluster, or of all where it is empty, in order. A lease that several nodes of a cluster have had counts once, as the one says that
// had it last: a node that is dead never says that its lease has gone to another one, nor that it ended there.
func (i *Inventory) Leases(cluster string) []Event {
	i.mu.Lock()
	defer i.mu.Unlock()
	best := make(map[place]*known)
	for at, k := range i.known {
		if !k.counts() || cluster != "" && at.Cluster != cluster {
			continue
		}
		of := place{source{Cluster: at.Cluster}, at.Lease}
		if was := best[of]; was == nil || compare(k, was) > 0 {
			best[of] = k
		}
	}
	all := make([]Event, 0, len(best))
	for _, k := range best {
		if !k.Gone {
			all = append(all, k.Event)
		}
	}
	slices.SortFunc(all, func(a, b Event) int { return cmp.Or(cmp.Compare(a.Cluster, b.Cluster), cmp.Compare(a.Lease, b.Lease)) })
	return all
}

// counts tells whether the node's word says anything of the lease at other nodes: it has it, or had it and heard it end. Where another node has it since,
// or a list left it out, that one's word counts.
func (k *known) counts() bool { return !k.Gone || k.Event.Event == "remove" && k.Reason != "peer" }

// compare orders what two nodes say of one lease, by when each had it last.
func compare(a, b *known) int { return cmp.Or(a.Stood.Compare(b.Stood), cmp.Compare(a.Node, b.Node)) }

// Nodes are all that have said something, in order.
func (i *Inventory) Nodes() []Node {
	i.mu.Lock()
	defer i.mu.Unlock()
	all := make([]Node, 0, len(i.nodes))
	for _, n := range i.nodes {
		all = append(all, *n)
	}
	slices.SortFunc(all, func(a, b Node) int { return cmp.Or(cmp.Compare(a.Cluster, b.Cluster), cmp.Compare(a.Node, b.Node)) })
	return all
}

// After is the newest position of a partition that was taken; 0: none was.
func (i *Inventory) After(partition string) uint64 {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.after[partition]
}
