package scale

import (
	"net"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/lockstep6/lockstep6/bench/subscriber"
	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/core/worker"
)

// ring is how many batches a feed remembers the start of: a worker has at most MaxInFlight under way.
const ring = 4 * worker.MaxInFlight

// A feed is a worker's Socket without a socket. Receive makes the next batch of messages; Send looks at the replies and
// drops them. What Receive owns Send doesn't touch, but for starts: a batch's entry is read by the Send of its flight,
// which is over before the entry is written again.
type feed struct {
	node     *server
	template *subscriber.Template
	renew    bool
	batch    int           // messages of one, 1 to worker.BatchSize
	next     func() uint64 // whose message comes next
	left     int           // messages still to come
	deadline time.Time     // no batch begins after it; zero: none
	buffers  [worker.BatchSize][]byte
	sequence uint32
	duid     [subscriber.DUIDLength]byte
	fed      int
	err      error

	starts [ring]time.Time

	// Send's
	latency *hdrhistogram.Histogram // of batches, from Receive to Send, in microseconds
	last    time.Time
	silence time.Duration
	replies int
	wrong   int // replies of another length than the first: they say something else
	length  int
}

func newFeed(n *server, template *subscriber.Template, next func() uint64, count int) *feed {
	f := &feed{node: n, template: template, next: next, left: count, batch: worker.BatchSize,
		latency: hdrhistogram.New(1, 60e6, 3)}
	for i := range f.buffers {
		f.buffers[i] = make([]byte, template.Len())
	}
	return f
}

// Receive implements worker.Socket.
func (f *feed) Receive(batch []worker.Datagram) (int, error) {
	now := time.Now()
	if f.left == 0 || f.err != nil || !f.deadline.IsZero() && now.After(f.deadline) {
		return 0, net.ErrClosed
	}
	f.sequence++
	f.starts[f.sequence%ring] = now
	count := min(f.batch, f.left, len(batch))
	for i := range batch[:count] {
		number := f.next()
		var lease [16]byte
		if f.renew {
			subscriber.DUID(&f.duid, number)
			if lease, _, f.err = f.node.primary(wire.IANA, f.duid[:]); f.err != nil {
				return 0, net.ErrClosed
			}
		}
		batch[i] = worker.Datagram{
			Data: f.template.Write(f.buffers[i], number, f.sequence, &lease), Source: link, SourcePort: 547, Destination: link, Listen: 1,
		}
	}
	f.left -= count
	f.fed += count
	return count, nil
}

// Send implements worker.Socket.
func (f *feed) Send(lane int, replies []worker.Reply) int {
	if lane == 0 { // a reply that waits for nothing grants nothing
		f.wrong += len(replies)
		return 0
	}
	now := time.Now()
	if !f.last.IsZero() {
		f.silence = max(f.silence, now.Sub(f.last))
	}
	f.last = now
	start := f.starts[subscriber.Transaction(replies[0].Data)%ring]
	_ = f.latency.RecordValue(max(1, now.Sub(start).Microseconds())) // what is beyond a minute is an error elsewhere
	for i := range replies {
		if f.length == 0 {
			f.length = len(replies[i].Data)
		}
		if len(replies[i].Data) != f.length {
			f.wrong++
		}
	}
	f.replies += len(replies)
	return 0
}
