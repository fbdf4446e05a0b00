package daemon

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/query"
	"github.com/lockstep6/lockstep6/io/events"
	"github.com/lockstep6/lockstep6/io/hook"
)

// Names in the store's meta space.
const (
	metaEventsList   = "events.list"   // number of the newest list that has begun (8)
	metaEventsEnded  = "events.ended"  // number of the newest list that was told to its end (8)
	metaEventsWanted = "events.wanted" // number of a list behind which somebody asked for another one (8); not there: nobody did
	metaEventsTarget = "events.target" // SHA-256 of whom and of what the newest whole list was told
)

// readOutbox is how many octets of changes are read at a time.
const readOutbox = 256 << 10

// Read implements events.Source.
func (t *teller) Read(after uint64) (some []events.Event, upTo uint64, err error) {
	groups, err := t.d.store.Outgoing(after, readOutbox)
	if err != nil {
		return nil, after, err
	}
	upTo = after
	for i := range groups {
		g := &groups[i]
		some = t.changes(some, g.Changes, time.Unix(int64(g.Stamp), 0).UTC())
		upTo = g.Place
	}
	return some, upTo, nil
}

// changes appends what is told of changes. One that can't be read was told of by the lease log.
func (t *teller) changes(some []events.Event, changes []byte, at time.Time) []events.Event {
	for len(changes) > 0 {
		key, value, rest, err := binding.NextChange(changes)
		if err != nil {
			return some
		}
		changes = rest
		s, err := binding.DecodeValue(key, value)
		if err != nil {
			continue
		}
		some = t.change(some, &s, at)
	}
	return some
}

// change appends what is told of one change, as of its commit. What goes from client to client is told as a removal and an addition: a consumer may
// follow one of the two only.
func (t *teller) change(some []events.Event, s *binding.Stored, at time.Time) []events.Event {
	key := binding.AppendKey(nil, &s.Key)
	before, err := binding.DecodeValue(key, s.Before)
	was := err == nil && query.Usable(&before, 0) && t.concerns(&before)
	kind := t.changed(s, was, 0)
	moved := kind == hook.Change && was && !bytes.Equal(before.DUID, s.DUID)
	if kind == hook.Remove || moved {
		gone := t.event(&before)
		gone.Event, gone.Reason = hook.Remove, gonePast(s)
		some = append(some, events.Event{Event: gone, Version: s.Version, Time: at})
	}
	if moved {
		kind = hook.Add
	}
	if kind == hook.Add || kind == hook.Change {
		is := t.event(s)
		is.Event = kind
		some = append(some, events.Event{Event: is, Version: s.Version, Time: at})
	}
	return some
}

// Done implements events.Source.
func (t *teller) Done(upTo uint64) error { return t.d.store.DoneOutgoing(upTo) }

// Now implements events.Source.
func (t *teller) Now() time.Time { return t.d.store.Now() }

// News implements events.Source.
func (t *teller) News() <-chan struct{} { return t.d.store.OutboxNews() }

// target is whom is told, and of what.
func (t *teller) target() []byte {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %s %v %v", t.config.Cluster, t.config.Target(t.d.options.Node), t.config.Addresses, t.config.Prefixes))
	return sum[:]
}

// ListDue implements events.Source.
func (t *teller) ListDue() bool {
	target, _ := t.d.store.Meta(metaEventsTarget)
	newest, _ := t.d.listNumber(metaEventsList)
	ended, _ := t.d.listNumber(metaEventsEnded)
	wanted, asked := t.d.listNumber(metaEventsWanted)
	return ended != newest || asked && newest <= wanted || t.d.store.OutboxStats().Lost || !bytes.Equal(target, t.target())
}

// List implements events.Source.
func (t *teller) List() int64 {
	number, _ := t.d.listNumber(metaEventsList)
	return number
}

// listNumber is the number of a list that the store has under a name; false: it has none.
func (d *Daemon) listNumber(name string) (int64, bool) {
	value, _ := d.store.Meta(name)
	if len(value) != 8 {
		return 0, false
	}
	return int64(binary.BigEndian.Uint64(value)), true
}

// putListNumber keeps one there, and returns when that is on disk.
func (d *Daemon) putListNumber(ctx context.Context, name string, number int64) error {
	return d.store.PutMeta(ctx, name, binary.BigEndian.AppendUint64(nil, uint64(number)))
}

// BeginList implements events.Source.
func (t *teller) BeginList(ctx context.Context) (number int64, below uint64, err error) {
	number = max(t.List()+1, t.d.clock()/int64(time.Millisecond))
	if err := t.d.putListNumber(ctx, metaEventsList, number); err != nil {
		return 0, 0, err
	}
	t.list = t.d.store.TaskMark() // before the table is looked at
	return number, t.list.Below(), nil
}

// EndList implements events.Source.
func (t *teller) EndList(ctx context.Context) (bool, error) {
	if err := t.d.store.PutMeta(ctx, metaEventsTarget, t.target()); err != nil {
		return false, err
	}
	if err := t.d.putListNumber(ctx, metaEventsEnded, t.List()); err != nil {
		return false, err
	}
	return t.d.store.OutboxListed(ctx, t.list)
}

// Look implements events.Source. Time is when it looked.
func (t *teller) Look(key *binding.Key) (events.Event, bool) {
	e, version, ok := t.look(key)
	return events.Event{Event: e, Version: version, Time: t.Now()}, ok
}
