package udp

import "time"

// What clients send in excess costs the worker nothing where the kernel drops it: before the socket, as its queue is full. But
// a long queue is full of what nobody waits for any more, and one queue for all lets the Solicits of those who return push out
// the Requests and Renews of those who were promised something. So with Config.Urgency
//
//   - messages of clients that have, or were offered, a lease have sockets of their own, which are read first, and
//   - each socket's queue is cut to what the worker takes within waitTarget, and grows back when the wait is short.
//
// A queue that is cut keeps what it has; the worker drops that by its age (worker.MaxWait, worker.MaxWaitLater).
// Measured alternatives: docs/decisions/0007-two-sockets-and-short-queues.md.
const (
	waitTarget   = int64(200 * time.Millisecond) // a fifth of a client's first retransmission
	queueWindow  = int64(200 * time.Millisecond) // how long is looked on before a queue's length is changed
	queueLeast   = 32 << 10                      // octets
	perDatagram  = 512                           // octets of SO_RCVBUF: the kernel doubles it, and charges a datagram 768 to 1280
	urgencyClass = 2
)

// classes is how many sockets a worker has for each address.
func (c *Config) classes() int {
	if c.Urgency {
		return urgencyClass
	}
	return 1
}

// A queue decides how long a socket's may be. It looks at the shortest wait of a window: a burst, or a worker that stood still
// for a moment, makes a long queue too, but not one that stands.
type queue struct {
	limit, most int   // octets of SO_RCVBUF, now and at most
	since       int64 // begin of the present window
	taken       int   // datagrams since
	wait        int64 // the shortest since, where taken isn't 0
}

// note takes notice of datagrams that were read, of which the oldest had waited for age. It returns the queue's limit, and
// whether that is another one now. Times are nanoseconds.
func (q *queue) note(n int, age, now int64) (limit int, changed bool) {
	if q.taken == 0 || age < q.wait {
		q.wait = age
	}
	q.taken += n
	took := now - q.since
	if took >= 0 && took < queueWindow {
		return q.limit, false
	}
	before := q.limit
	switch {
	case q.wait < waitTarget/2:
		q.limit = min(2*q.limit, q.most)
	case q.wait > waitTarget && took > 0 && took < 2*queueWindow: // else nobody read for a while, or the clock was set
		served := float64(q.taken) * float64(waitTarget) / float64(took)
		q.limit = max(min(int(served*perDatagram), q.limit), min(queueLeast, q.most))
	}
	q.since, q.taken = now, 0
	return q.limit, q.limit != before
}
