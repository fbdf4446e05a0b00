package ddns

import (
	"container/heap"
	"time"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/upkeep"
)

// probes is how many leases are held for a zone however many others wait.
const probes = 16

// refusedMost is of how many leases it is remembered that an update was refused.
const refusedMost = 1 << 16

// Times of the walk through the queue.
const (
	againSoon  = time.Minute      // after which tasks that were let go are read anew: those that failed or listen
	againLater = 10 * time.Minute // and those whose zone fails, where it doesn't come up before
	queueWait  = time.Second      // after which a queue that couldn't be read or written is asked again
)

// A task is one in memory.
type task struct {
	upkeep.Task
	id    TaskID
	stamp uint32
	later bool // the last plan was: ask again
}

// An item is a lease with its tasks, or a name where a task is of no lease.
type item struct {
	key     string
	tasks   []task
	state   state
	due     time.Time     // in the heap: when it is tried again
	place   int           // in the heap
	wait    time.Duration // after its last failure; 0: none
	touches []string      // running: the names
}

// A state is where an item is.
type state uint8

const (
	ready     state = iota // in tasks.ready
	blocked                // waits for a name, in Updater.busy
	running                // a goroutine has it
	failing                // in the heap: it failed
	listening              // in the heap: nobody knows yet what became of the lease
	zoned                  // in its zone's list
)

func (s state) parked() bool { return s >= failing }

// tasks are those that are held. Run's goroutine alone has them.
type tasks struct {
	window  int // how many are held at most
	items   map[string]*item
	known   map[TaskID]struct{} // those of items, and those of done
	refused map[string]struct{} // keys of items of which an update was refused, and that haven't been done since
	leave   map[string]int      // of items: how many say that a lease had this name before
	ready   []*item
	timed   timed
	done    []TaskID // to be taken off the queue

	after     TaskID // how far the queue was read
	more      bool   // there may be more behind
	parked    int    // tasks of items that are parked
	listening int    // of them
	again     time.Time
	skipped   bool // tasks of zones that fail were let go: again, once one is up
	retry     time.Time
}

func (t *tasks) begin() {
	t.window, t.items, t.known, t.leave, t.refused, t.more = window, map[string]*item{}, map[TaskID]struct{}{}, map[string]int{}, map[string]struct{}{}, true
}

// refuse notes that an update of an item was refused. That is remembered though the item is let go; of too many one is forgotten.
func (t *tasks) refuse(it *item) {
	for key := range t.refused {
		if len(t.refused) < refusedMost {
			break
		}
		delete(t.refused, key)
	}
	t.refused[it.key] = struct{}{}
}

// wasRefused tells whether it was noted of an item, which hasn't been done since.
func (t *tasks) wasRefused(it *item) bool {
	_, refused := t.refused[it.key]
	return refused
}

// room is how many more tasks may be read.
func (t *tasks) room() int { return t.window - len(t.known) }

// rewind begins the walk anew.
func (t *tasks) rewind() {
	t.after, t.more, t.skipped, t.again = TaskID{}, true, false, time.Time{}
}

// keyOf is what a task is about.
func keyOf(t *upkeep.Task) string {
	key := string(binding.AppendKey(nil, &t.Key))
	if t.Key.Length == 0 {
		key += string(t.Name())
	}
	return key
}

// take takes a task in. Where its lease waits and too many do, it is let go.
func (t *tasks) take(one task) {
	key := keyOf(&one.Task)
	it := t.items[key]
	if it != nil && it.state.parked() && t.crowded() {
		t.letGo(it.state)
		return
	}
	t.known[one.id] = struct{}{}
	if it == nil {
		it = &item{key: key}
		t.items[key] = it
		t.ready = append(t.ready, it)
	}
	if it.state == listening { // what is new may be certain
		heap.Remove(&t.timed, it.place)
		t.unpark(it)
	}
	if it.state.parked() {
		t.countParked(it.state, 1)
	}
	it.tasks = append(it.tasks, one)
	if name := one.Name(); name != nil {
		t.leave[string(name)]++
	}
}

// left notes that a task isn't an item's any more.
func (t *tasks) left(one *task) {
	name := string(one.Name())
	if t.leave[name]--; t.leave[name] <= 0 {
		delete(t.leave, name)
	}
}

// leaving tells whether a task of another item may take a name from its client.
func (t *tasks) leaving(it *item, name []byte) bool {
	own := 0
	for i := range it.tasks {
		if string(it.tasks[i].Name()) == string(name) {
			own++
		}
	}
	return t.leave[string(name)] > own
}

// drop puts an item's first tasks on the list of what is to leave the queue.
func (t *tasks) drop(it *item, n int) {
	for i := range it.tasks[:n] {
		t.done = append(t.done, it.tasks[i].id)
		t.left(&it.tasks[i])
	}
	it.tasks = it.tasks[n:]
	if len(it.tasks) == 0 {
		delete(t.refused, it.key)
		delete(t.items, it.key)
	}
}

// settle takes an item's first tasks as done, but for those that are to be asked again. Others have come meanwhile: it is ready again.
func (t *tasks) settle(it *item, n int) (done int) {
	var left []task
	for i, one := range it.tasks {
		switch {
		case i >= n:
			left = append(left, one)
		case one.later:
			one.Tried = true
			left = append(left, one)
		default:
			t.done = append(t.done, one.id)
			t.left(&one)
			done++
		}
	}
	fresh := len(it.tasks) > n
	it.tasks, it.wait = left, 0
	delete(t.refused, it.key)
	switch {
	case len(left) == 0:
		delete(t.items, it.key)
	case fresh:
		it.state = ready
		t.ready = append(t.ready, it)
	default:
		t.park(it, listening, time.Now().Add(listenAgain), nil)
	}
	return done
}

// forget lets an item go. Its tasks stay in the queue.
func (t *tasks) forget(it *item) {
	for i := range it.tasks {
		delete(t.known, it.tasks[i].id)
		t.left(&it.tasks[i])
	}
	delete(t.items, it.key)
}
