package sim

// An event is something that happens at a moment of virtual time.
type event struct {
	at    int64
	order uint64 // events of one moment happen in the order in which they were planned
	run   func()
}

func (e *event) before(other *event) bool {
	return e.at < other.at || e.at == other.at && e.order < other.order
}

// A queue is what is going to happen, and the time: milliseconds since the start of the history.
type queue struct {
	now     int64
	planned uint64
	heap    []event // a binary heap, the next event first
}

// after plans an event delay milliseconds from now, at least at once.
func (q *queue) after(delay int64, run func()) {
	q.planned++
	q.heap = append(q.heap, event{q.now + max(delay, 0), q.planned, run})
	for i := len(q.heap) - 1; i > 0; {
		parent := (i - 1) / 2
		if !q.heap[i].before(&q.heap[parent]) {
			break
		}
		q.heap[i], q.heap[parent] = q.heap[parent], q.heap[i]
		i = parent
	}
}

// step lets the next event happen. False: nothing is planned.
func (q *queue) step() bool {
	if len(q.heap) == 0 {
		return false
	}
	next := q.heap[0]
	last := len(q.heap) - 1
	q.heap[0] = q.heap[last]
	q.heap[last] = event{}
	q.heap = q.heap[:last]
	q.sink()
	q.now = next.at
	next.run()
	return true
}

// sink restores the heap's order below its first event.
func (q *queue) sink() {
	for i := 0; ; {
		child := 2*i + 1
		if child >= len(q.heap) {
			return
		}
		if child+1 < len(q.heap) && q.heap[child+1].before(&q.heap[child]) {
			child++
		}
		if !q.heap[child].before(&q.heap[i]) {
			return
		}
		q.heap[i], q.heap[child] = q.heap[child], q.heap[i]
		i = child
	}
}
