package store

import "fmt"

// build makes the group's batch. Changes are merged, so they may overlap with those of another group that is being
// committed, and may have been committed before. Nothing is left out: a group seldom has two changes of one
// binding, and to look costs each change more than the merge costs the few.
func (s *Store) build(g *group) {
	stamp := s.stamp()
	g.changes, g.removals, g.sync = 0, 0, s.o.Sync == SyncAlways
	kept := g.entries[:0]
	for _, e := range g.entries {
		if e.meta != nil {
			g.sync = true
			_ = g.batch.Set(metaKey(e.meta.name), e.meta.value, nil) // fails on indexed batches only
			kept = append(kept, e)
			continue
		}
		if err := s.addChanges(g, e.write.Changes, stamp); err != nil {
			s.refuse(e, err)
			continue
		}
		kept = append(kept, e)
	}
	g.entries = kept
}

// addChanges adds a write's changes to the group's batch.
func (s *Store) addChanges(g *group, changes []byte, stamp uint32) error {
	for len(changes) > 0 {
		key, value, rest, err := s.o.Codec.Next(changes)
		if err != nil {
			return err
		}
		if err := checkKey(key); err != nil {
			return err
		}
		_, removed, err := s.o.Codec.Version(value)
		if err != nil {
			return err
		}
		op := g.batch.MergeDeferred(1+KeySize, storedSize(value, removed))
		op.Key[0] = prefixBinding
		copy(op.Key[1:], key)
		putStored(op.Value, value, removed, stamp)
		if err := op.Finish(); err != nil {
			return err
		}
		changes = rest
		g.changes++
		if removed {
			g.removals++
		}
	}
	return nil
}

// refuse keeps a write that can't be read: it is never confirmed, because what it says is not on disk. Only a bug in
// this program makes one, so it is told loudly, and the others go on.
func (s *Store) refuse(e entry, err error) {
	err = fmt.Errorf("a write of %d changes can't be read and will never be confirmed: %w", e.write.Count, err)
	s.o.Logger.Error("store: internal error", "error", err)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats.refused++
	s.lastErr = err
	if e.owed {
		s.owed--
	}
}
