package load

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/lockstep6/lockstep6/core/worker"
	"github.com/lockstep6/lockstep6/io/udp"
)

// tick is how often the clock looks at the clients under way.
const tick = 2 * time.Millisecond

// Counts of one relay; only added to.
type counters struct {
	done, failed, sent, again, received, stray, bound atomic.Uint64
}

// A relay is one socket and the clients behind it: numbers i, i+relays, i+2*relays and so on. Its mutex guards all
// but the socket and the counters: the receiving goroutine and the clock's work on the same clients.
type relay struct {
	config  *Config
	number  int
	server  *udp.Server
	socket  worker.Socket
	self    [16]byte
	now     func() int64
	counts  counters
	closing chan struct{}

	mu       sync.Mutex
	machine  machine
	script   script
	clients  []client // by number / relays
	ids      [MaxServers][]byte
	window   window
	active   []int32 // indexes of clients that aren't idle
	queue    []int32 // indexes of clients that wait for their turn
	task     Task
	pace     float64 // most beginnings per second; 0: no bound
	from     int64   // since when the pace holds
	begun    int     // clients that have begun since
	idle     chan struct{}
	latency  *hdrhistogram.Histogram // of this run's exchanges, in microseconds
	failures []int
	reply    reply
	boxes    [worker.Lanes]outbox
}

// An outbox is what one goroutine of a relay is about to send. Its messages lie in the arena.
type outbox struct {
	arena   []byte
	replies []worker.Reply
}

func newRelay(c *Config, number int, now func() int64) (*relay, error) {
	server, err := udp.Open(udp.Config{Workers: 1, Addresses: c.local(), Logger: c.Logger})
	if err != nil {
		return nil, err
	}
	r := &relay{
		config: c, number: number, server: server, socket: server.Worker(0), now: now, closing: make(chan struct{}),
		self: server.Addresses()[0].Addr().As16(),
		machine: machine{
			times: c.Times, servers: len(c.Servers), prefix: c.Prefixes,
			rng: rand.New(rand.NewPCG(c.Seed, uint64(number))),
		},
		script: script{
			link: c.LinkAddress.As16(), prefixes: c.Prefixes,
			interfaceID: c.InterfaceID, remoteID: c.RemoteID, faster: c.Times.Faster,
		},
		clients: make([]client, (c.Clients-number+c.Relays-1)/c.Relays),
		latency: hdrhistogram.New(1, time.Hour.Microseconds(), 3),
	}
	for i := range r.clients {
		r.clients[i].server = nobody
	}
	return r, nil
}

// begin hands out a task. It returns a channel that is closed when no client has it any more.
func (r *relay) begin(task Task, pace float64, queue []int32) <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	r.task, r.pace, r.queue, r.from, r.begun = task, pace, queue, now, 0
	r.failures = nil
	r.latency.Reset()
	r.window = newWindow(max(r.config.Window/r.config.Relays, 1), r.machine.times.Request.Initial)
	idle := make(chan struct{})
	r.idle = idle
	r.settle() // with nobody to run it is over already
	return idle
}

// stop gives the run up: clients under way become idle.
func (r *relay) stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.queue = nil
	for _, i := range r.active {
		r.clients[i].phase = idle
	}
	r.active = r.active[:0]
	r.settle()
}

// settle closes idle once the run's last client has finished.
func (r *relay) settle() {
	if r.idle != nil && len(r.queue) == 0 && len(r.active) == 0 {
		close(r.idle)
		r.idle = nil
	}
}

// receive runs until the socket is closed.
func (r *relay) receive() error {
	batch := make([]worker.Datagram, worker.BatchSize)
	box := &r.boxes[0]
	for {
		n, err := r.socket.Receive(batch)
		if err != nil {
			return err
		}
		r.counts.received.Add(uint64(n))
		now := r.now()
		r.mu.Lock()
		for i := range batch[:n] {
			r.hear(&batch[i], box, now)
		}
		r.drop()
		r.fill(box, now)
		r.settle()
		r.mu.Unlock()
		r.flush(0, box)
	}
}

// clock runs until the generator closes.
func (r *relay) clock() {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	box := &r.boxes[1]
	for {
		select {
		case <-r.closing:
			return
		case <-ticker.C:
		}
		now := r.now()
		r.mu.Lock()
		for _, i := range r.active {
			if c := &r.clients[i]; c.due <= now && c.phase != idle {
				r.act(i, r.machine.expire(c, now), box, now)
			}
		}
		r.drop()
		r.fill(box, now)
		r.settle()
		r.mu.Unlock()
		r.flush(1, box)
	}
}

// hear takes one datagram.
func (r *relay) hear(d *worker.Datagram, box *outbox, now int64) {
	server := r.config.serverAt(&d.Source, d.SourcePort)
	if server == nobody || !r.reply.parse(d.Data) {
		r.counts.stray.Add(1)
		return
	}
	n := r.reply.client
	i := n / r.config.Relays
	if n%r.config.Relays != r.number || i >= len(r.clients) {
		r.counts.stray.Add(1)
		return
	}
	if string(r.ids[server]) != string(r.reply.serverID) {
		r.ids[server] = append([]byte(nil), r.reply.serverID...)
	}
	c := &r.clients[i]
	if r.config.Heard != nil {
		for k := range r.reply.answers {
			a := &r.reply.answers[k]
			a.Server, a.Named = server, r.reply.xid == c.xid && c.names(a)
			r.config.Heard(a)
		}
	}
	v := r.machine.hear(c, server, &r.reply, now)
	if v == ignore {
		r.counts.stray.Add(1)
		return
	}
	r.act(int32(i), v, box, now)
}

// act does what a machine says.
func (r *relay) act(i int32, v verdict, box *outbox, now int64) {
	c := &r.clients[i]
	switch v {
	case again:
		r.counts.again.Add(1)
		if c.phase != soliciting && c.phase != rebinding || c.tries > 2 {
			// Nodes may leave the first Solicit and Rebind to each other: that it is sent again tells nothing of losses.
			r.window.lost(now)
		}
		r.post(i, box, now)
	case transmit:
		r.post(i, box, now)
	case done:
		r.counts.done.Add(1)
		if c.task == Acquire {
			r.counts.bound.Add(1)
		}
		r.window.completed()
		_ = r.latency.RecordValue(max((now-c.began)/1000, 1)) // an hour bounds it
	case failed:
		r.counts.failed.Add(1)
		r.failures = append(r.failures, int(i)*r.config.Relays+r.number)
	}
}

// drop takes the clients that have finished out of the active ones.
func (r *relay) drop() {
	kept := r.active[:0]
	for _, i := range r.active {
		if r.clients[i].phase != idle {
			kept = append(kept, i)
		}
	}
	r.active = kept
}

// fill lets clients begin while there is room.
func (r *relay) fill(box *outbox, now int64) {
	for len(r.queue) > 0 && r.window.room(len(r.active)) {
		if r.pace > 0 && float64(r.begun) >= r.pace*float64(now-r.from)/1e9 {
			return
		}
		i := r.queue[0]
		r.queue = r.queue[1:]
		r.begun++
		v := r.machine.start(&r.clients[i], r.task, now)
		if v == transmit {
			r.active = append(r.active, i)
		}
		r.act(i, v, box, now)
	}
}

// post puts a copy of the client's message for every server into the outbox.
func (r *relay) post(i int32, box *outbox, now int64) {
	c := &r.clients[i]
	var id []byte
	if c.target != nobody {
		id = r.ids[c.target]
	}
	start := len(box.arena)
	box.arena = r.script.append(box.arena, int(i)*r.config.Relays+r.number, c, id, now)
	data := box.arena[start:]
	for _, s := range r.config.Servers {
		box.replies = append(box.replies, worker.Reply{Data: data, Destination: s.Addr().As16(), Port: s.Port(), Source: r.self})
	}
}

func (r *relay) flush(lane int, box *outbox) {
	if len(box.replies) > 0 {
		refused := r.socket.Send(lane, box.replies)
		r.counts.sent.Add(uint64(len(box.replies) - refused))
	}
	box.arena, box.replies = box.arena[:0], box.replies[:0]
}

// close ends the relay's goroutines.
func (r *relay) close() error {
	close(r.closing)
	r.server.Drain()
	return r.server.Close()
}
