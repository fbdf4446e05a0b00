package hook

import (
	"time"

	"github.com/lockstep6/lockstep6/core/binding"
)

// A lister sends all leases: a beginning that nothing else is under way with, the items between what changes, and an end when all of
// them were taken.
type lister struct {
	again   bool // one is to begin
	running bool
	number  int64  // of the newest one
	sending *entry // its beginning or end, while it isn't taken
	flying  bool   // and it is under way

	shard int           // the next one
	keys  []binding.Key // of the one before, those that haven't had their turn
	room  []binding.Key
	open  int       // items that weren't taken yet
	sent  int       // items of the newest list, so far
	begun time.Time // when that was
	whole time.Time // when the newest one was that was taken to its end; zero: none was
}

// control returns the beginning or the end of a list where it is its turn. It is nil while what is under way has to be waited for.
func (l *lister) control(q *queue, now time.Time) (e *entry, is bool) {
	if l.again && !l.flying && l.sending != nil {
		l.sending = nil // of a list that another one follows
	}
	switch {
	case l.flying:
		return nil, true
	case l.sending != nil:
	case l.again:
		if q.out > 0 {
			return nil, true
		}
		l.begin(now)
	case l.running && l.shard == q.source.Shards() && len(l.keys) == 0 && l.open == 0:
		if q.out > 0 {
			return nil, true
		}
		l.sending = &entry{kind: ListEnd, control: true, due: now}
	default:
		return nil, false
	}
	l.flying = !now.Before(l.sending.ready)
	return l.sending, true
}

func (l *lister) begin(now time.Time) {
	l.number = max(l.number+1, now.UnixMilli()) // so that it is higher than those before a restart
	l.again, l.running, l.begun = false, false, now
	l.shard, l.keys, l.open, l.sent = 0, nil, 0, 0
	l.sending = &entry{kind: ListBegin, control: true, due: now}
}

// refill has items wait, as many as may be sent now, where not many other leases do.
func (l *lister) refill(q *queue, room int, now time.Time) {
	for l.running && len(q.ready)-q.gone < room && q.pending() < listAhead {
		if len(l.keys) == 0 {
			if l.shard == q.source.Shards() {
				return
			}
			l.room = q.source.Keys(l.shard, l.room[:0])
			l.keys = l.room
			l.shard++
			continue
		}
		key := l.keys[0]
		l.keys = l.keys[1:]
		l.item(q, key, now)
	}
}

// item has one lease of the list wait. Where it is being told of anyway, the end of the list waits for that.
func (l *lister) item(q *queue, key binding.Key, now time.Time) {
	e := q.waiting[key]
	if e == nil {
		e = q.flying[key]
	}
	if e == nil {
		if _, ok := q.source.Look(&key); !ok {
			return
		}
		e = &entry{key: key, kind: ListItem, due: now}
		q.add(e, now)
	}
	if !e.item {
		e.item = true
		l.open++
		l.sent++
	}
}

// done ends the sending of a beginning or an end.
func (l *lister) done(e *entry, ok bool, now time.Time) {
	l.flying = false
	if !ok {
		e.ready = now.Add(delay(e.failed))
		e.failed++
		return
	}
	l.sending = nil
	l.running = e.kind == ListBegin
	if !l.running {
		l.whole = now
	}
}
