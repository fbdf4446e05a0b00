package engine

import "github.com/lockstep6/lockstep6/core/binding"

// AppendChange appends what became of a binding as the journal takes it: old, nil where there was none, was replaced by r,
// which was published of draft. With history the change tells what it begins and what it ends, which nobody can find out
// later: changes reach the disk in any order, and of a lease that is reclaimed nothing is left.
func AppendChange(dst []byte, history bool, old, r *binding.Record, draft *binding.Draft) []byte {
	if !history || old != nil && goesOn(old, r, draft) {
		return binding.AppendPublished(dst, r, draft)
	}
	if old != nil && !holds(old) {
		old = nil
	}
	if old == nil && !holds(r) {
		return binding.AppendPublished(dst, r, draft)
	}
	return binding.AppendNews(dst, r, draft, old)
}

// AppendReclaimed appends the removal of a record as the journal takes it.
func AppendReclaimed(dst []byte, history bool, r *binding.Record) []byte {
	if history && holds(r) {
		return binding.AppendEnd(dst, binding.RemovalVersion(r), r)
	}
	key := r.Key()
	return binding.AppendRemoval(dst, &key, binding.RemovalVersion(r))
}

// goesOn tells whether r says of the lease what old said, but for lifetimes and when the client was heard: the same client
// has it since the same time, from the same node, at the same place. What is kept for Reconfigure doesn't matter.
func goesOn(old, r *binding.Record, draft *binding.Draft) bool {
	same := old.Says(draft.DUID, draft.Kind, draft.IAID) || old.Anonymous() && old.Of(draft.DUID, draft.Kind)
	return same && holds(old) && old.State() == r.State() && old.Since() == r.Since() && old.Owner() == r.Owner() &&
		(draft.KeepExtension || old.HasExtension(draft.Extension) || old.HasPlace(draft.Extension))
}
