package leasequery

import (
	"context"
	"iter"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/query"
)

// A Source has the bindings: the node's own and those that it observes of its peers. Its methods may be called at the same
// time. What they return belongs to the caller.
type Source interface {
	// ServerID is this server's DUID.
	ServerID() []byte
	// Now is the time in the node's own context.
	Now() binding.Time
	// OnLink tells whether some link has the address.
	OnLink(address [16]byte) bool
	// Granter is the DUID of the server whose binding it is, by the owner's number; nil: it isn't known.
	Granter(owner uint8) []byte
	// Whole tells whether there is no known gap in what is known of the clients that the question is about.
	Whole(q *query.Question) bool
	// Find yields the clients that the question is about, each with its usable leases on one link, until the context ends. A client with
	// leases on several links comes once for each. It begins before it has found all.
	Find(ctx context.Context, q *query.Question) iter.Seq2[query.Found, error]
	// Watch yields the clients of the question whose bindings change from the call on; of a lease that has ended, with that lease.
	// It ends with ErrSlow where the reader doesn't keep up. Whoever calls it must iterate until the context has ended.
	Watch(ctx context.Context, q *query.Question) iter.Seq2[query.Found, error]
	// Since yields what changed since a time, which may be before the node's start. It ends with ErrMissing where that isn't known.
	Since(ctx context.Context, q *query.Question) iter.Seq2[query.Found, error]
}
