package store

import "fmt"

// build makes the group's batch: all its changes are one value of the log. Nothing is left out and nothing is sorted: what
// that costs is paid when the log is absorbed, for many groups at once (absorb.go).
func (s *Store) build(g *group) {
	g.changes, g.removals, g.octets, g.sync = 0, 0, 0, s.o.Sync == SyncAlways
	g.tasks.reset()
	g.carried.reset()
	g.outbox, g.outgoing = g.outbox[:0], 0
	task := s.o.Codec.Task
	if s.tasks.most.Load() == 0 {
		task = nil
	}
	var told func(key, value []byte) bool
	if o := s.outbox.settings.Load(); o.Most > 0 && s.o.Codec.Told != nil {
		told = func(key, value []byte) bool { return s.o.Codec.Told(key, value, o.Renewals) }
	}
	kept := g.entries[:0]
	for _, e := range g.entries {
		if e.meta != nil {
			g.sync = true
			_ = g.batch.Set(metaKey(e.meta.name), e.meta.value, nil) // fails on indexed batches only
			kept = append(kept, e)
			continue
		}
		if e.tasks != nil {
			if s.carry(g, e) {
				kept = append(kept, e)
			}
			continue
		}
		tasks, outbox, outgoing := len(g.tasks.ends), len(g.outbox), g.outgoing
		changes, removals, err := s.survey(g, e.write.Changes, task, told)
		if err != nil {
			g.tasks.cut(tasks)
			g.outbox, g.outgoing = g.outbox[:outbox], outgoing
			s.refuse(e, err)
			continue
		}
		g.changes += changes
		g.removals += removals
		g.octets += len(e.write.Changes)
		kept = append(kept, e)
	}
	g.entries = kept
	if g.octets > 0 {
		s.addLog(g)
	}
	s.addTasks(g)
	s.addOutbox(g)
}

// survey counts a write's changes, looks whether they can be read, and collects the tasks that follow from them, and those that are to be told; nil: none.
func (s *Store) survey(g *group, changes []byte, task func(dst, key, value []byte) []byte, told func(key, value []byte) bool) (count, removals int, err error) {
	for len(changes) > 0 {
		key, value, rest, err := s.o.Codec.Next(changes)
		if err != nil {
			return 0, 0, err
		}
		if err := checkKey(key); err != nil {
			return 0, 0, err
		}
		_, removed, err := s.o.Codec.Version(value)
		if err != nil {
			return 0, 0, err
		}
		if removed {
			removals++
		}
		if task != nil {
			g.tasks.octets = task(g.tasks.octets, key, value)
			g.tasks.close()
		}
		if told != nil && told(key, value) {
			g.outbox = append(g.outbox, changes[:len(changes)-len(rest)]...)
			g.outgoing++
		}
		count++
		changes = rest
	}
	return count, removals, nil
}

// addLog adds the group's changes to its batch, as the value of its place in the log.
func (s *Store) addLog(g *group) {
	key := logKey(g.sequence)
	op := g.batch.SetDeferred(len(key), groupHeader+g.octets)
	copy(op.Key, key)
	putGroupHeader(op.Value, s.stamp())
	at := groupHeader
	for i := range g.entries {
		if w := g.entries[i].write; w != nil {
			at += copy(op.Value[at:], w.Changes)
		}
	}
	_ = op.Finish() // fails on indexed batches only
}

// refuse keeps a write that can't be read: it is never confirmed, because what it says is not on disk. Only a bug in
// this program makes one, so it is told loudly, and the others go on.
func (s *Store) refuse(e entry, err error) {
	err = fmt.Errorf("a write of %d changes can't be read and will never be confirmed: %w", e.write.Count, err)
	s.o.Logger.Error("store: internal error", "id", "store-internal-error", "error", err)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats.refused++
	s.lastErr = err
	if e.owed {
		s.owed--
	}
}
