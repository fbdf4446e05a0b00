package config

// Allocation says which lease of a pool a new client gets.
type Allocation uint8

// The ways of allocation.
const (
	AllocateHash       Allocation = iota // the one that is computed from the client's identity
	AllocateSequential                   // the lowest free one
)

// Why nodes that share a pool can't count in it, and what they can do.
const (
	sharedSequence = "all nodes would give the same lowest free lease to different clients at the same time"
	splitSequence  = "write cluster.model split or unique, where each node has leases of its own, or allocation: hash"
)

// allocation checks the word. In the identical model there is one only.
func (c *checker) allocation(t *text, cluster *Cluster) Allocation {
	a := Allocation(wordIndex(t, "hash|sequential"))
	if a == AllocateSequential && cluster != nil && cluster.Model == Identical {
		c.fail(t.place, "can't be sequential in the model identical: "+sharedSequence, splitSequence)
		return AllocateHash
	}
	return a
}

// sequence says which lease of a pool a new client gets: by the pool's own word, or else the global one. Where
// that is the lowest free one, dense says nothing.
func (c *checker) sequence(pool *Pool, raw *rawPool, own, dense *text, cfg *Config) {
	if pool.Allocation = cfg.Allocation; own.ok {
		pool.Allocation = c.allocation(own, cfg.Cluster)
	}
	if pool.Allocation != AllocateSequential {
		return
	}
	if cfg.Cluster != nil && cfg.Cluster.Model == Unique && raw.given && !raw.perNode() {
		at := raw.place
		if own.ok {
			at = own.place
		}
		c.fail(at, "can't be sequential where one range is for all nodes: "+sharedSequence,
			"map each node to a range of its own, or write allocation: hash")
	}
	if pool.Dense = DenseAgree; dense.ok {
		c.warn(dense.place, "decides nothing in a sequential pool", "leave it out")
	}
}
