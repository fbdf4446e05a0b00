package store

import (
	"bytes"
	"errors"

	"github.com/cockroachdb/pebble/v2"
)

// Outgoing returns what is to be told behind a place, in order: at least one group where there is any, and further ones up to so many octets.
// It reads the disk, and fails while the store is broken or closed.
func (s *Store) Outgoing(after uint64, most int) ([]Outgoing, error) {
	in, done, err := s.use()
	if err != nil {
		return nil, err
	}
	defer done()
	s.mu.Lock()
	from, below := max(s.outbox.first, after+1), s.settledBelow()
	s.mu.Unlock()
	if from >= below {
		return nil, nil
	}
	var groups []Outgoing
	err = in.run(func() (err error) {
		groups, err = readOutbox(in.db, from, below, most)
		return err
	})
	if err != nil { // then the goroutine may run still
		return nil, explain(s.o.Path, err)
	}
	return groups, nil
}

func readOutbox(db pebble.Reader, from, below uint64, most int) (groups []Outgoing, err error) {
	err = scan(db, outboxKey(from), outboxKey(below), func(key, value []byte) error {
		g, err := outgoing(key, value)
		if err != nil {
			return err
		}
		g.Changes = bytes.Clone(g.Changes)
		groups = append(groups, g)
		if most -= len(g.Changes); most <= 0 {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return groups, err
}

// DoneOutgoing deletes what was told: all up to a place. It needs no sync: what comes back with the power is told twice.
func (s *Store) DoneOutgoing(upTo uint64) error {
	_, err := s.cutOutbox(false, func(g *Outgoing, _ int64) bool { return g.Place <= upTo })
	return err
}

// TrimOutbox drops the oldest changes until no more octets wait than the bound, nor any that were stamped before a moment, in Unix time.
// It returns how many it dropped; then a list is due.
func (s *Store) TrimOutbox(before int64) (dropped int, err error) {
	stats := s.OutboxStats()
	if stats.Octets <= stats.Most && (stats.Waiting == 0 || stats.Oldest.Unix() >= before) {
		return 0, nil
	}
	return s.cutOutbox(true, func(g *Outgoing, left int64) bool { return left > stats.Most || int64(g.Stamp) < before })
}

// cutOutbox deletes groups from the first on while a condition holds of them and of the octets that are left. Lost: it is said that they are.
func (s *Store) cutOutbox(lost bool, holds func(g *Outgoing, left int64) bool) (int, error) {
	in, done, err := s.use()
	if err != nil {
		return 0, err
	}
	defer done()
	count := 0
	err = in.run(func() (err error) {
		count, err = s.cutOutboxOf(in, lost, holds)
		return err
	})
	if err != nil { // then the goroutine may run still
		return 0, explain(s.o.Path, err)
	}
	return count, nil
}

func (s *Store) cutOutboxOf(in *instance, lost bool, holds func(g *Outgoing, left int64) bool) (int, error) {
	in.outbox.Lock()
	defer in.outbox.Unlock()
	s.mu.Lock()
	from, below, left := s.outbox.first, s.settledBelow(), s.outbox.octets
	s.mu.Unlock()
	gone, rest := foundOutbox{next: from}, foundOutbox{first: below, oldest: s.stamp()}
	err := scan(in.db, outboxKey(from), outboxKey(below), func(key, value []byte) error {
		g, err := outgoing(key, value)
		if err != nil {
			return err
		}
		if !holds(&g, left) {
			rest.first, rest.oldest = g.Place, g.Stamp
			return errEnough
		}
		gone.add(&g)
		left -= g.size()
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) || gone.count == 0 {
		return 0, ignoreEnough(err)
	}
	b := in.db.NewBatch()
	_ = b.DeleteRange(outboxFrom, outboxKey(gone.next), nil) // fails on indexed batches only
	if lost {
		s.mu.Lock()
		was, _, _ := s.metaPlace(metaOutboxLost)
		s.mu.Unlock()
		_ = b.Set(metaKey(metaOutboxLost), encodePlace(max(was, gone.next-1)), nil)
	}
	if err := in.apply(b, pebble.NoSync); err != nil {
		in.fail(err)
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.in == in { // else it is counted anew
		o := &s.outbox
		o.count -= gone.count
		o.octets -= gone.octets
		o.first, o.oldest = rest.first, rest.oldest
		o.full = o.full && o.octets > o.settings.Load().Most
		if lost {
			o.dropped += uint64(gone.count)
			s.notePlace(metaOutboxLost, gone.next-1)
		}
	}
	return gone.count, nil
}

func ignoreEnough(err error) error {
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}
