package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Tasks can be lost: they found no room, were off for a while, were added after the backup that the store was made of, or were on no
// stable storage, with their bindings, when an unsynced store ended; or the store's user knows of something else (LoseTasks). Then whoever does tasks has to look at everything once:
// an audit. That one is due is kept in the meta space: the place of a group that lost some, written with that group, and the place from
// which on the last audit says nothing. It is due where the first isn't below the second.
//
// Two groups that lose some may be committed in another order than their places, and the lower place is left on disk. That does no
// harm: an audit counts only where no group of before it was under way any more when it ended, and none has lost tasks since it began.
//
// What may have lost bindings too leaves its place under another name besides.
const (
	metaLost     = "tasks.lost"
	metaBindings = "tasks.bindings"
	metaAudited  = "tasks.audited"
	metaRuns     = "tasks.runs" // a store that isn't synced is open, or didn't end in order
	placeSize    = 8

	restoredFile = "restored" // the store was restored, and wasn't opened since
)

func encodePlace(place uint64) []byte { return binary.BigEndian.AppendUint64(nil, place) }

// metaPlace reads a number of the meta space. Store.mu is held, or the store isn't open yet.
func (s *Store) metaPlace(name string) (place uint64, there bool, err error) {
	b, ok := s.meta[name]
	switch {
	case !ok:
		return 0, false, nil
	case len(b) != placeSize:
		return 0, false, fmt.Errorf("%w: %s has %d octets, want %d", errValue, name, len(b), placeSize)
	}
	return binary.BigEndian.Uint64(b), true, nil
}

// lostBefore tells whether tasks were lost since the store was open last: it was restored from a backup, or a store that wasn't synced
// didn't end in order. It checks both places, and has new groups come behind them.
func (s *Store) lostBefore(in *instance) (bool, error) {
	for _, name := range []string{metaOutboxLost, metaOutboxListed} {
		place, _, err := s.metaPlace(name)
		if err != nil {
			return false, err
		}
		s.sequence = max(s.sequence, place+1)
	}
	lost, there, err := s.metaPlace(metaLost)
	if err != nil {
		return false, err
	}
	bindings, _, err := s.metaPlace(metaBindings)
	if err != nil {
		return false, err
	}
	audited, _, err := s.metaPlace(metaAudited)
	if err != nil {
		return false, err
	}
	s.sequence = max(s.sequence, in.logNext, in.found.next, in.outboxFound.next, audited)
	if there {
		s.sequence = max(s.sequence, lost+1, bindings+1)
	}
	_, ran := s.meta[metaRuns]
	_, err = s.o.FS.Stat(s.o.FS.PathJoin(s.o.Path, restoredFile))
	if err != nil && !notThere(err) {
		return false, err
	}
	return ran || err == nil, nil
}

// markRestored has the next who opens a store take tasks for lost: of what happened after the backup it has none.
func markRestored(fs vfs.FS, dir string) error {
	file, err := fs.Create(fs.PathJoin(dir, restoredFile), vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	parent, err := fs.OpenDir(dir)
	if err != nil {
		return errors.Join(err, file.Close())
	}
	return errors.Join(file.Sync(), file.Close(), parent.Sync(), parent.Close())
}

// forgetRestored removes that mark.
func (s *Store) forgetRestored() error {
	if err := s.o.FS.Remove(s.o.FS.PathJoin(s.o.Path, restoredFile)); err != nil && !notThere(err) {
		return err
	}
	return nil
}

// unsynced tells whether a crash may lose tasks, or changes that are to be told, while what followed from them was done.
func (s *Store) unsynced() bool {
	return s.o.Sync == SyncNever && (s.tasks.most.Load() > 0 || s.outbox.settings.Load().Most > 0)
}

// loseUnsynced says in an instance that follows a broken one what that may have lost.
func (s *Store) loseUnsynced(in *instance) error {
	if !s.unsynced() {
		return nil
	}
	s.mu.Lock()
	place := s.sequence
	s.sequence++
	s.mu.Unlock()
	b := in.db.NewBatch()
	for _, name := range []string{metaBindings, metaLost, metaOutboxLost} {
		_ = b.Set(metaKey(name), encodePlace(place), nil) // fails on indexed batches only
	}
	if err := in.run(func() error { return in.db.Apply(b, pebble.Sync) }); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.meta[metaBindings] = encodePlace(place)
	s.noteLost(place)
	s.notePlace(metaOutboxLost, place)
	return nil
}

// endUnsynced says that an unsynced store has ended in order.
func (s *Store) endUnsynced(in *instance) error {
	s.mu.Lock()
	_, ran := s.meta[metaRuns]
	s.mu.Unlock()
	if !ran {
		return nil
	}
	return in.db.Delete(metaKey(metaRuns), pebble.Sync)
}

// unaudited tells whether the place under a name is none from before the last audit. Store.mu is held.
func (s *Store) unaudited(name string) bool {
	lost, there, _ := s.metaPlace(name) // lostBefore has checked them
	audited, _, _ := s.metaPlace(metaAudited)
	return there && lost >= audited
}

// noteLost notes that the group of a place has lost tasks, which is on disk. Store.mu is held.
func (s *Store) noteLost(place uint64) {
	s.notePlace(metaLost, place)
}

// beginTasks says durably what has to be said before the first task, and, where there were some before, that those between are lost.
func (s *Store) beginTasks(ctx context.Context, again bool) error {
	if err := s.beginUnsynced(ctx); err != nil || !again {
		return err
	}
	return s.loseTasks(ctx, metaLost)
}

// beginUnsynced says durably that a store runs of which a crash may lose tasks, or changes that are to be told.
func (s *Store) beginUnsynced(ctx context.Context) error {
	if s.o.Sync != SyncNever {
		return nil
	}
	return s.putMeta(ctx, metaRuns, []byte{1})
}

// LoseTasks says durably that tasks are missing, and perhaps bindings, for a reason that the store doesn't know of, so that an audit is due.
func (s *Store) LoseTasks(ctx context.Context) error { return s.loseTasks(ctx, metaBindings, metaLost) }

func (s *Store) loseTasks(ctx context.Context, names ...string) error {
	s.mu.Lock()
	place := s.sequence
	s.sequence++
	s.mu.Unlock()
	for _, name := range names {
		if err := s.putMeta(ctx, name, encodePlace(place)); err != nil {
			return err
		}
	}
	return nil
}

// A TaskMark is a moment in the life of an open store.
type TaskMark struct {
	settled uint64 // places below it are settled
	next    uint64 // the first place that wasn't given yet
}

// Below is a place below which all was settled then.
func (m TaskMark) Below() uint64 { return m.settled }

// TaskMark is the present moment. Who makes an audit takes it before he begins.
func (s *Store) TaskMark() TaskMark {
	s.mu.Lock()
	defer s.mu.Unlock()
	return TaskMark{s.settledBelow(), s.sequence}
}

// TasksAudited says that everything was looked at since a moment, so that what was lost before it does no harm any more, and returns when that is
// on disk. It is false where tasks were lost since, or may have been: another audit is due.
func (s *Store) TasksAudited(ctx context.Context, since TaskMark) (bool, error) {
	s.mu.Lock()
	lost, there, _ := s.metaPlace(metaLost)
	again := s.settledBelow() < since.next || there && lost >= since.settled
	s.mu.Unlock()
	if again {
		return false, nil
	}
	return true, s.putMeta(ctx, metaAudited, encodePlace(since.settled))
}
