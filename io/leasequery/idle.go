package leasequery

import (
	"sync"
	"time"
)

// idle has the connections whose next query isn't there yet. Where all places are taken the one that has waited longest makes
// room (RFC 5460, Section 7.4), so that whoever only connects keeps nobody out.
type idle struct {
	mu    sync.Mutex
	since map[*connection]time.Time
}

// idleGrace is for how long a requestor may take its time without losing its place.
const idleGrace = time.Second

// begin notes that a connection waits for a query.
func (i *idle) begin(c *connection) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.since == nil {
		i.since = make(map[*connection]time.Time)
	}
	i.since[c] = time.Now()
}

// end notes that it doesn't any more; false: it has made room for another one.
func (i *idle) end(c *connection) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	_, ok := i.since[c]
	delete(i.since, c)
	return ok
}

// makeRoom closes the connection that has waited longest, unless none has for idleGrace.
func (i *idle) makeRoom(now time.Time) {
	i.mu.Lock()
	defer i.mu.Unlock()
	var longest *connection
	for c, since := range i.since {
		if now.Sub(since) >= idleGrace && (longest == nil || since.Before(i.since[longest])) {
			longest = c
		}
	}
	if longest != nil {
		delete(i.since, longest)
		_ = longest.plain.Close()
	}
}
