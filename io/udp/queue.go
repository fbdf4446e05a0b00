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
const (
	waitTarget   = int64(200 * time.Millisecond) // a fifth of a client's first retransmission
	queueWindow  = int64(100 * time.Millisecond) // how long is looked on before a queue's length is changed
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

// A queue decides how long a socket's may be.
type queue struct {
	limit, most int   // octets of SO_RCVBUF, now and at most
	since       int64 // begin of the present window
	taken       int   // datagrams since
	oldest      int64 // the longest wait among them
}

// note takes notice of datagrams that were read, of which the oldest had waited for age. It returns the queue's limit, and
// whether that is another one now. Times are nanoseconds.
func (q *queue) note(n int, age, now int64) (limit int, changed bool) {
	q.taken += n
	q.oldest = max(q.oldest, age)
	took := now - q.since
	if took >= 0 && took < queueWindow {
		return q.limit, false
	}
	before := q.limit
	switch {
	case took < 0: // the clock was set back
	case q.oldest > waitTarget:
		served := float64(q.taken) * float64(waitTarget) / float64(took)
		q.limit = max(min(int(served*perDatagram), q.limit), min(queueLeast, q.most))
	case q.oldest < waitTarget/2:
		q.limit = min(2*q.limit, q.most)
	}
	q.since, q.taken, q.oldest = now, 0, 0
	return q.limit, q.limit != before
}
