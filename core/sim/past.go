package sim

import (
	"fmt"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/history"
	"github.com/lockstep6/lockstep6/core/peer"
)

// A past is what history has of a node's leases, and which of them its clients were told of: what one process after the other
// wrote to one disk.
type past struct {
	entries map[binding.Key][]history.Entry
	told    []telling
}

// A telling is a lease in a Reply, at a time by the node's clock.
type telling struct {
	claimed
	at binding.Time
}

// keep takes what history gets of a change. It is durable with it.
func (p *past) keep(c *change) {
	if len(c.value) == len(c.whole) {
		return
	}
	if p.entries == nil {
		p.entries = make(map[binding.Key][]history.Entry)
	}
	err := history.Entries(binding.AppendKey(nil, &c.key), c.whole, func(_ int64, what byte, entry []byte) {
		p.entries[c.key] = append(p.entries[c.key], history.Entry{What: what, Version: c.version, Data: append([]byte(nil), entry...)})
	})
	if err != nil {
		panic(err) // it was read when it was written
	}
}

// remembers looks whether history knows of all that the node told its clients, at the time when it did.
func (l *ledger) remembers(n *node) {
	if n.Mutation != Sound && n.Mutation != Omits {
		return
	}
	periods := make(map[binding.Key][]history.Period)
	for _, t := range n.disk.past.told {
		all, known := periods[t.key]
		if !known {
			var present []byte
			if c, ok := n.disk.values[t.key]; ok && c.claim.state != 0 {
				present = c.value
			}
			var err error
			all, err = history.Periods(binding.AppendKey(nil, &t.key), n.disk.past.entries[t.key], present, n.clock.time(n.now))
			if err != nil {
				l.fault("7", "node %s: history of %s: %v", n.name, show(t.key), err)
				return
			}
			periods[t.key] = all
		}
		if !t.in(all) {
			l.fault("7", "node %s told %s of %s at %d, and history doesn't know: %s", n.name, t.who, show(t.key), t.at, describe(all))
		}
	}
}

func describe(periods []history.Period) (text string) {
	for i := range periods {
		p := &periods[i]
		text += fmt.Sprintf("%x %s %d of %d, %s from %d until %d %s; ", p.DUID, p.Kind, p.IAID, p.Owner, p.State, p.From, p.Until, p.End)
	}
	return text
}

// in tells whether a period says that the client had the lease then, from this node.
func (t *telling) in(periods []history.Period) bool {
	for i := range periods {
		p := &periods[i]
		if p.Owner == peer.Self && string(p.DUID) == t.who.duid && p.Kind == t.who.kind && p.IAID == t.who.iaid && p.Overlaps(t.at, t.at) {
			return true
		}
	}
	return false
}
