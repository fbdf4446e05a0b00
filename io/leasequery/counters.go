package leasequery

import (
	"sync/atomic"

	"github.com/lockstep6/lockstep6/core/query"
	"github.com/lockstep6/lockstep6/core/wire"
)

// Counters count since the start.
type Counters struct {
	queries     [query.Types]atomic.Uint64
	refusals    [wire.StatusTLSConnectionRefused + 1]atomic.Uint64
	clients     atomic.Uint64
	dropped     atomic.Uint64
	connections atomic.Int64
	rejected    atomic.Uint64
	slow        atomic.Uint64
}

// A Count is a snapshot of Counters.
type Count struct {
	Queries     map[string]uint64 `json:"queries"`     // by type
	Refused     map[string]uint64 `json:"refused"`     // by the status that was sent
	Clients     uint64            `json:"clients"`     // whose data was sent
	Dropped     uint64            `json:"dropped"`     // messages that were no proper query, were cut short, or to another server
	Connections int64             `json:"connections"` // that stand
	Rejected    uint64            `json:"rejected"`    // connections: not a requestor's, too many, or without a good certificate or TLS
	Slow        uint64            `json:"slow"`        // connections that were given up because nobody read
}

func (c *Counters) asked(t query.Type) {
	if int(t) < len(c.queries) {
		c.queries[t].Add(1)
	}
}

func (c *Counters) refused(code wire.StatusCode) {
	if int(code) < len(c.refusals) {
		c.refusals[code].Add(1)
	}
}

// Read takes a snapshot.
func (c *Counters) Read() Count {
	out := Count{
		Queries: map[string]uint64{}, Refused: map[string]uint64{}, Clients: c.clients.Load(), Dropped: c.dropped.Load(),
		Connections: c.connections.Load(), Rejected: c.rejected.Load(), Slow: c.slow.Load(),
	}
	for t := range c.queries {
		out.Queries[query.Type(t).String()] = c.queries[t].Load()
	}
	for code := range c.refusals {
		if n := c.refusals[code].Load(); n > 0 {
			out.Refused[wire.StatusCode(code).String()] = n
		}
	}
	return out
}
