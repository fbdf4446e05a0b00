package store

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// encode is the settings as the meta space has them.
func (o *Outbox) encode() []byte {
	b := append(encodePlace(uint64(o.Most)), 0)
	if o.Renewals {
		b[8] = 1
	}
	return b
}

// decodeOutbox reads them.
func decodeOutbox(b []byte) (o Outbox, err error) {
	if len(b) != metaOutboxSize {
		return o, fmt.Errorf("%w: %s has %d octets, want %d", errValue, metaOutbox, len(b), metaOutboxSize)
	}
	return Outbox{int64(binary.BigEndian.Uint64(b)), b[8] == 1}, nil
}

// settleOutbox learns what is kept, and writes what the options say of it where that is new. Lost: since the store was open last.
func (s *Store) settleOutbox(lost bool, set func(name string, value []byte)) error {
	var was Outbox
	value, known := s.meta[metaOutbox]
	if known {
		var err error
		if was, err = decodeOutbox(value); err != nil {
			return err
		}
	}
	is := was
	if s.o.Outbox != nil {
		is = *s.o.Outbox
	}
	s.outbox.settings.Store(&is)
	if is != was {
		set(metaOutbox, is.encode())
	}
	switch found := binary.BigEndian.Uint32(s.meta[metaFormat]); {
	case is.Most > 0 && found < formatOutbox:
		set(metaFormat, binary.BigEndian.AppendUint32(nil, formatOutbox))
	case is.Most == 0 && found == formatOutbox: // emptyOutbox deletes what there is in the same batch; settings say that what follows is lost
		set(metaFormat, formatValue())
	}
	if known && (lost || is.Most > 0 && was.Most == 0) {
		set(metaOutboxLost, encodePlace(s.sequence))
		s.sequence++
	}
	return nil
}

// emptyOutbox deletes all of an outbox that is off, in an instance that is being opened.
func (s *Store) emptyOutbox(in *instance, b *pebble.Batch) {
	if s.outbox.settings.Load().Most == 0 && in.outboxFound.count > 0 {
		_ = b.DeleteRange(outboxFrom, outboxKey(in.outboxFound.next), nil) // fails on indexed batches only
		in.outboxFound = foundOutbox{next: in.outboxFound.next}
	}
}

// SetOutbox changes what is kept for telling, and returns when that is on disk. It has to return before the first change is made that
// counts. What waits is deleted where it is switched off; where it is switched on again, the changes between are lost.
func (s *Store) SetOutbox(ctx context.Context, o Outbox) error {
	was := *s.outbox.settings.Load()
	if o == was {
		return nil
	}
	s.mu.Lock()
	_, known := s.meta[metaOutbox]
	old := binary.BigEndian.Uint32(s.meta[metaFormat]) < formatOutbox
	s.mu.Unlock()
	if o.Most > 0 && old {
		if err := s.putMeta(ctx, metaFormat, binary.BigEndian.AppendUint32(nil, formatOutbox)); err != nil {
			return err
		}
	}
	if o.Most > 0 && was.Most == 0 {
		if err := s.beginUnsynced(ctx); err != nil {
			return err
		}
		if known {
			if err := s.loseTasks(ctx, metaOutboxLost); err != nil {
				return err
			}
		}
	}
	if err := s.putMeta(ctx, metaOutbox, o.encode()); err != nil {
		return err
	}
	s.outbox.settings.Store(&o)
	if o.Most > 0 {
		return nil
	}
	_, err := s.cutOutbox(false, func(*Outgoing, int64) bool { return true })
	return err
}

// OutboxListed says that who is told had a whole list that began at a moment, and returns when that is on disk. It is false where changes were
// lost since: another list is due.
func (s *Store) OutboxListed(ctx context.Context, since TaskMark) (bool, error) {
	s.mu.Lock()
	lost, there, _ := s.metaPlace(metaOutboxLost)
	again := there && lost >= since.settled
	s.mu.Unlock()
	if again {
		return false, nil
	}
	return true, s.putMeta(ctx, metaOutboxListed, encodePlace(since.settled))
}
