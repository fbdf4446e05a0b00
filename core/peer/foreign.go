package peer

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/lockstep6/lockstep6/core/binding"
)

const (
	maxForeign  = 256   // server identifiers outside the cluster that are kept apart, over all links
	forgetAfter = 86400 // seconds after which one that isn't named gives its place away
)

// Foreign counts the messages that name servers that aren't in the cluster, by link. Their claims count for nothing.
type Foreign struct {
	total atomic.Uint64
	mu    sync.Mutex
	seen  []ForeignServer
}

// A ForeignServer is one of them.
type ForeignServer struct {
	ServerID []byte
	Link     int // index; -1: a link that this node doesn't have
	Messages uint64
	Last     binding.Time
}

// Heard notes a message for a foreign server.
func (f *Foreign) Heard(serverID []byte, link int, now binding.Time) {
	f.total.Add(1)
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.seen {
		if s := &f.seen[i]; s.Link == link && string(s.ServerID) == string(serverID) {
			s.Messages++
			s.Last = now
			return
		}
	}
	fresh := ForeignServer{append([]byte(nil), serverID...), link, 1, now}
	if len(f.seen) < maxForeign {
		f.seen = append(f.seen, fresh)
		return
	}
	for i := range f.seen {
		if now > f.seen[i].Last.Add(forgetAfter) {
			f.seen[i] = fresh
			return
		}
	}
}

// Total is how many messages named a foreign server.
func (f *Foreign) Total() uint64 { return f.total.Load() }

// Servers returns those that were named.
func (f *Foreign) Servers() []ForeignServer {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.seen)
}
