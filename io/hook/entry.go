package hook

import (
	"time"

	"github.com/lockstep6/lockstep6/core/binding"
)

// An entry is a lease of which something is to be told, or the beginning or end of a list.
type entry struct {
	key     binding.Key
	kind    string    // of the event
	gone    *Event    // of Remove: what stood last
	again   *entry    // what happened while it was under way
	due     time.Time // since when it waits
	ready   time.Time // it isn't sent before
	failed  int       // tries
	told    bool      // the receiver may have got something of it
	item    bool      // the end of the list waits for it
	control bool      // it is no lease
}

// merge puts a newer change behind one that wasn't taken.
func (e *entry) merge(kind string, gone *Event) {
	switch {
	case kind == Remove:
	case e.kind == ListItem:
		kind = ListItem
	case e.kind == Remove || e.told:
		kind = Change // the receiver may have what was there before
	case e.kind == Add:
		kind = Add
	}
	e.kind, e.gone = kind, gone
}

// delayed is a heap of entries by when they are ready.
type delayed []*entry

// Len implements heap.Interface.
func (d delayed) Len() int { return len(d) }

// Less implements heap.Interface.
func (d delayed) Less(i, j int) bool { return d[i].ready.Before(d[j].ready) }

// Swap implements heap.Interface.
func (d delayed) Swap(i, j int) { d[i], d[j] = d[j], d[i] }

// Push implements heap.Interface.
func (d *delayed) Push(e any) { *d = append(*d, e.(*entry)) }

// Pop implements heap.Interface.
func (d *delayed) Pop() any {
	last := len(*d) - 1
	e := (*d)[last]
	(*d)[last] = nil
	*d = (*d)[:last]
	return e
}
