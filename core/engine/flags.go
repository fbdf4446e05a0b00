package engine

import "github.com/lockstep6/lockstep6/core/binding"

// Flags of a binding's record. They are part of the store's format.
const (
	// FlagConfirmed: the client was heard with the lease again, by a Renew, Rebind or Confirm, at least 30 s after it was
	// first heard with it. A Request says only what was asked.
	FlagConfirmed uint8 = 1 << iota
	// FlagStrong, of an observed binding: a candidate of the client or a reservation explains it. Without it the claim is
	// weak: a spill of the peer, or an earlier configuration's.
	FlagStrong
	// FlagRapid: granted by Rapid Commit, and the client hasn't named this server since. It may have taken another's.
	FlagRapid
	// FlagHeld, of an observed binding: the client said that it has the lease, not only that it would like it.
	FlagHeld

	// FlagMoved, of a registered address whose client hasn't registered it again: it was another client's that had registered it.
	FlagMoved = FlagHeld

	// FlagAnonymous, of an observed binding: its IAID isn't known (see identify).
	FlagAnonymous = binding.FlagAnonymous
)

// Observed tells whether the record is a peer's binding, known from what its client said.
func Observed(r *binding.Record) bool { return r.Owner() != 0 }

func has(r *binding.Record, flag uint8) bool { return r.Flags()&flag != 0 }
