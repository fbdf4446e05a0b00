package store

import (
	"encoding/binary"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/peer"
)

// The outbox is changes that are to be told elsewhere. A committer puts those of its group into the group's batch a second time, so they are
// durable exactly when the group is, and stay until somebody has told them, whenever the log is absorbed.
//
//	'o' sequence of the group(8) -> stamp(4) count(4) changes, as in the log
//
// # Invariants
//
//  1. Of a confirmed change that counts and isn't there, it was told, or it is said that some are lost (OutboxStats.Lost).
//  2. Readers see groups in the order of their places, and only those below all that are being committed.
//  3. A change may come twice: its group was rewritten by another instance, or its deletion was lost with the power.
//
// Whoever tells of changes takes them in that order, so what is told is a beginning, which one mark in Pebble deletes.
const (
	outboxKeySize = 1 + 8
	outboxHeader  = 4 + 4
	outboxSpare   = 8 // one part in so many of the bound is left to what comes before it is trimmed

	metaOutbox       = "outbox" // its settings: bound in octets(8), renewals(1); not there: it never was on
	metaOutboxLost   = "outbox.lost"
	metaOutboxListed = "outbox.listed"
	metaOutboxSize   = 9
)

var outboxFrom, outboxTo = []byte{prefixOutbox}, []byte{prefixOutbox + 1}

// An Outbox says what is kept for telling. Zero: nothing.
type Outbox struct {
	Most     int64 // octets
	Renewals bool  // changes too that begin and end nothing
}

// An Outgoing is what one group has for telling.
type Outgoing struct {
	Place   uint64 // places only grow, but where the store was lost
	Stamp   uint32 // of its commit, in seconds that only grow: see docs/store-format.md
	Count   int
	Changes []byte // one behind the other, as workers append them; the caller's
}

// An outboxState is what the store knows of its outbox. Guarded by Store.mu, save for settings and news.
type outboxState struct {
	settings atomic.Pointer[Outbox]
	news     chan struct{} // a token: there may be groups that weren't read
	foundOutbox
	unseen  uint64 // as a taskQueue's
	full    bool   // it was told that changes are dropped
	added   uint64
	dropped uint64
}

// foundOutbox is what there is of an outbox.
type foundOutbox struct {
	count  int    // of changes
	octets int64  // with what each group takes
	first  uint64 // place of the first group; none waits before it
	oldest uint32 // stamp of the first
	next   uint64 // the place behind the last one
	latest uint32 // stamp of that
}

func outboxKey(place uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{prefixOutbox}, place)
}

// outgoing reads a group. Changes is a part of value.
func outgoing(key, value []byte) (Outgoing, error) {
	if len(key) != outboxKeySize || len(value) < outboxHeader {
		return Outgoing{}, fmt.Errorf("%w: a group of the outbox has a key of %d octets and %d behind it", errValue, len(key), len(value))
	}
	return Outgoing{
		Place: binary.BigEndian.Uint64(key[1:]), Stamp: binary.BigEndian.Uint32(value), Count: int(binary.BigEndian.Uint32(value[4:])),
		Changes: value[outboxHeader:],
	}, nil
}

// size is what a group counts.
func (g *Outgoing) size() int64 { return int64(outboxKeySize + outboxHeader + len(g.Changes)) }

// told tells whether a change is for the outbox: where it is about a lease of this node, or one that was its own, and begins or ends
// something, or renewals count too.
func told(key, value []byte, renewals bool) bool {
	s, err := binding.DecodeValue(key, value)
	if err != nil || !s.News && !renewals {
		return false
	}
	if !s.Removed && s.Owner == peer.Self {
		return true
	}
	before, err := binding.DecodeValue(key, s.Before)
	return s.News && err == nil && before.Owner == peer.Self
}

// addOutbox adds what the group has for telling, where there is room.
func (s *Store) addOutbox(g *group) {
	g.untold = 0
	if g.outgoing == 0 {
		return
	}
	one := Outgoing{Stamp: s.stamp(), Changes: g.outbox}
	if !s.reserveOutbox(g, one.size(), one.Stamp) {
		g.untold, g.outgoing = g.outgoing, 0
		_ = g.batch.Set(metaKey(metaOutboxLost), encodePlace(g.sequence), nil) // fails on indexed batches only
		return
	}
	op := g.batch.SetDeferred(outboxKeySize, outboxHeader+len(g.outbox))
	op.Key[0] = prefixOutbox
	binary.BigEndian.PutUint64(op.Key[1:], g.sequence)
	binary.BigEndian.PutUint32(op.Value, one.Stamp)
	binary.BigEndian.PutUint32(op.Value[4:], uint32(g.outgoing))
	copy(op.Value[outboxHeader:], g.outbox)
	_ = op.Finish()
}

// reserveOutbox takes room for a group. What is reserved is written with it; where the instance breaks it is counted anew (see install).
func (s *Store) reserveOutbox(g *group, size int64, stamp uint32) bool {
	o := &s.outbox
	most := o.settings.Load().Most
	s.mu.Lock()
	fits := o.octets+size <= most+most/outboxSpare
	tell := !fits && !o.full
	o.full = o.full || tell
	if fits {
		if o.count == 0 {
			o.oldest = stamp
		}
		o.count += g.outgoing
		o.octets += size
	}
	s.mu.Unlock()
	if tell {
		s.o.Logger.Warn("store: the outbox is full and isn't trimmed in time; changes are dropped", "id", "store-outbox-full", "most", most)
	}
	return fits
}

// confirmOutbox counts what a group had for telling that is durable. Store.mu is held.
func (s *Store) confirmOutbox(g *group) {
	o := &s.outbox
	if g.outgoing > 0 {
		o.added += uint64(g.outgoing)
		o.unseen = max(o.unseen, g.sequence+1)
	}
	if g.untold > 0 {
		o.dropped += uint64(g.untold)
		s.notePlace(metaOutboxLost, g.sequence)
	}
	if o.unseen == 0 {
		return
	}
	if s.settledBelow() >= o.unseen {
		o.unseen = 0
	}
	o.tell()
}

// notePlace raises a place of the meta space that is on disk. Store.mu is held.
func (s *Store) notePlace(name string, place uint64) {
	if was, there, _ := s.metaPlace(name); !there || was < place {
		s.meta[name] = encodePlace(place)
	}
}

func (o *outboxState) tell() {
	select {
	case o.news <- struct{}{}:
	default:
	}
}

// begin takes over what an instance has found. Store.mu is held.
func (o *outboxState) begin(found *foundOutbox) {
	o.foundOutbox, o.unseen = *found, 0
	if o.count > 0 {
		o.tell()
	}
}

// findOutbox counts what there is for telling.
func (in *instance) findOutbox() (found foundOutbox, err error) {
	err = scan(in.db, outboxFrom, outboxTo, func(key, value []byte) error {
		g, err := outgoing(key, value)
		if err != nil {
			return err
		}
		found.add(&g)
		return nil
	})
	return found, err
}

func (f *foundOutbox) add(g *Outgoing) {
	if f.count == 0 {
		f.first, f.oldest = g.Place, g.Stamp
	}
	f.count += g.Count
	f.octets += g.size()
	f.next, f.latest = g.Place+1, g.Stamp
}

// OutboxStats are figures of the outbox. Added and Dropped count changes since the store was opened.
type OutboxStats struct {
	Outbox
	Waiting int   // changes, those that are being committed included
	Octets  int64 // of them
	Oldest  time.Time
	Added   uint64
	Dropped uint64 // for want of room, or because they were too old
	Lost    bool   // changes were lost, or there never was a list, since the last OutboxListed
}

// OutboxStats returns figures of the outbox. It never waits for the disk.
func (s *Store) OutboxStats() OutboxStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := &s.outbox
	t := OutboxStats{Outbox: *o.settings.Load(), Waiting: o.count, Octets: o.octets, Added: o.added, Dropped: o.dropped, Lost: s.unlisted()}
	if o.count > 0 {
		t.Oldest = time.Unix(int64(o.oldest), 0).UTC()
	}
	return t
}

// unlisted tells whether who is told must get a whole list. Store.mu is held.
func (s *Store) unlisted() bool {
	listed, ever, _ := s.metaPlace(metaOutboxListed)
	lost, there, _ := s.metaPlace(metaOutboxLost)
	return !ever || there && lost >= listed
}

// OutboxNews gets a token after changes were committed that are to be told, and where an instance was opened in which some wait. There is
// room for one token.
func (s *Store) OutboxNews() <-chan struct{} { return s.outbox.news }
