package daemon

import (
	"bytes"
	"sync"
	"sync/atomic"
)

// A feed hands changes that are durable to whoever follows them. Nobody waits for a follower: one that doesn't keep up is
// dropped, and sees it. Without followers it costs a load.
type feed struct {
	some atomic.Int32 // how many followers there are

	mu        sync.Mutex
	followers map[*follower]struct{}
}

// A follower gets changes until it is dropped, which closes the channel, or until it leaves.
type follower struct {
	changes chan []byte
	behind  atomic.Int64 // octets in changes
}

// How far a follower may be behind: some seconds of a busy node, which writes often or much.
const (
	followed       = 4096     // writes
	followedOctets = 64 << 20 // octets in them
)

// took says that the follower has taken changes out.
func (w *follower) took(changes []byte) { w.behind.Add(-int64(len(changes))) }

func (f *feed) follow() *follower {
	w := &follower{changes: make(chan []byte, followed)}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.followers == nil {
		f.followers = make(map[*follower]struct{})
	}
	f.followers[w] = struct{}{}
	f.some.Store(int32(len(f.followers)))
	return w
}

func (f *feed) leave(w *follower) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.drop(w)
}

// drop ends a follower, once. The feed is locked.
func (f *feed) drop(w *follower) {
	if _, ok := f.followers[w]; ok {
		delete(f.followers, w)
		close(w.changes)
		f.some.Store(int32(len(f.followers)))
	}
}

// observe takes a write's changes; they belong to the caller.
func (f *feed) observe(changes []byte) {
	if f.some.Load() == 0 || len(changes) == 0 {
		return
	}
	own := bytes.Clone(changes)
	f.mu.Lock()
	defer f.mu.Unlock()
	for w := range f.followers {
		// The octets are counted before the follower can take them out.
		if w.behind.Add(int64(len(own))) > followedOctets || len(w.changes) == cap(w.changes) {
			f.drop(w)
			continue
		}
		w.changes <- own // nobody else puts, so that there is still room
	}
}
