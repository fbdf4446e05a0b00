// Package top shows what a running node does now: rates, latency, pools, peers and the newest lines of its log. It asks the
// node again and again, and computes from two answers what happened between them.
//
//	snapshot.go  asks
//	model.go     keys and time (Bubble Tea's Update)
//	view.go      the screen (its View), and the plain text of one look
//	lines.go     the lines that both show
package top

import (
	"context"
	"time"

	"github.com/lockstep6/lockstep6/io/admin"
)

// A Node is what is asked; an admin.Client is one.
type Node interface {
	State(ctx context.Context) (admin.State, error)
	Peers(ctx context.Context) (admin.Peers, error)
	Pools(ctx context.Context) ([]admin.Pool, error)
	Events(ctx context.Context, after uint64) ([]admin.Event, error)
}

// A Snapshot is what a node said at one moment.
type Snapshot struct {
	At     time.Time
	State  admin.State
	Peers  *admin.Peers  // nil: it wasn't asked
	Pools  []admin.Pool  // empty: it doesn't tell
	Events []admin.Event // that are new
}

// take asks the node. Peers are asked for only where wanted, since the node goes through all its bindings for the answer.
func take(ctx context.Context, node Node, after uint64, peers bool) (s Snapshot, err error) {
	if s.State, err = node.State(ctx); err != nil {
		return s, err
	}
	s.At = time.Now()
	if s.Events, err = node.Events(ctx, after); err != nil {
		return s, err
	}
	if peers {
		p, err := node.Peers(ctx)
		if err != nil {
			return s, err
		}
		s.Peers = &p
	}
	if s.Pools, err = node.Pools(ctx); err != nil {
		s.Pools = nil // an older node has none to tell, and the rest is worth a look
	}
	return s, nil
}

// Once looks twice, so long apart, and returns all that there is to show, as plain text.
func Once(ctx context.Context, node Node, every time.Duration) (string, error) {
	m := New(nil, every)
	for look := range 2 {
		if look > 0 {
			select {
			case <-time.After(every):
			case <-ctx.Done():
				return "", ctx.Err()
			}
		}
		s, err := take(ctx, node, m.lastEvent(), true)
		if err != nil {
			return "", err
		}
		m.see(s)
	}
	return m.plain(), nil
}
