package load

import (
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/lockstep6/lockstep6/core/worker"
	"github.com/lockstep6/lockstep6/io/udp"
)

// Counts of one site; only added to.
type counters struct {
	done, failed, sent, again, received, stray, bound atomic.Uint64
	sentOctets, receivedOctets                        atomic.Uint64
}

// A site is some relays, each a socket, and the clients behind them: numbers i, i+sites, i+2*sites and so on. Two goroutines
// play it. Its mutex guards all but the sockets and the counters: the receiving goroutine and the clock's work on the
// same clients.
type site struct {
	config  *Config
	number  int
	server  *udp.Server
	socket  worker.Socket
	selves  [][16]byte // the relays' own addresses; client i is behind relay i modulo their number, which has the socket of that number, if not all share one
	servers []worker.Reply
	now     func() int64
	counts  counters
	closing chan struct{}

	mu       sync.Mutex
	machine  machine
	script   script
	clients  []client // by number / sites
	ids      [MaxServers][]byte
	window   window
	active   []int32 // indexes of clients that aren't idle, in a Run
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
	stream   *stream // the running Offer; nil: none
}

// openSite opens the sockets of a site's relays.
func openSite(c *Config, number int, now func() int64) (*site, error) {
	interfaces, err := c.interfaces()
	if err != nil {
		return nil, err
	}
	server, err := udp.Open(udp.Config{Workers: 1, Addresses: c.local(number), GRO: c.GRO, Logger: c.Logger})
	if err != nil {
		return nil, err
	}
	r := newSite(c, number)
	r.server, r.socket, r.now = server, server.Worker(0), now
	for _, a := range server.Addresses() {
		r.selves = append(r.selves, a.Addr().As16())
	}
	if c.Shared {
		r.selves = r.selves[:0]
		for n := number; n < c.Relays; n += c.Workers {
			r.selves = append(r.selves, c.Sources[n].As16())
		}
	}
	for i := range r.servers {
		r.servers[i].Interface = interfaces[i]
	}
	return r, nil
}

// newSite is a site that has no sockets yet.
func newSite(c *Config, number int) *site {
	r := &site{
		config: c, number: number, closing: make(chan struct{}),
		machine: machine{
			times: c.Times, servers: len(c.Servers), wants: c.wants(),
			rng: rand.New(rand.NewPCG(c.Seed, uint64(number))),
		},
		script: script{
			link: c.LinkAddress.As16(), wants: c.wants(), anyPort: c.anyPort(),
			interfaceID: c.InterfaceID, remoteID: c.RemoteID, faster: c.Times.Faster,
		},
		clients: make([]client, (c.Clients-number+c.Workers-1)/c.Workers),
		latency: newLatency(),
	}
	for _, s := range c.Servers {
		r.servers = append(r.servers, worker.Reply{Destination: s.Addr().As16(), Port: s.Port()})
	}
	for i := range r.clients {
		r.clients[i].server = nobody
	}
	return r
}

// newLatency is a histogram of microseconds.
func newLatency() *hdrhistogram.Histogram { return hdrhistogram.New(1, time.Hour.Microseconds(), 3) }

// clientAt is the number of the site's i-th client.
func (r *site) clientAt(i int32) int { return int(i)*r.config.Workers + r.number }

// stop gives the run up: clients under way become idle.
func (r *site) stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stream != nil {
		r.stream.stop(r.clients)
	}
	r.queue = nil
	for _, i := range r.active {
		r.clients[i].phase = idle
	}
	r.active = r.active[:0]
	r.settle()
}

// settle closes idle once the run's or the stream's last client has finished.
func (r *site) settle() {
	if r.idle != nil && len(r.queue) == 0 && len(r.active) == 0 && (r.stream == nil || r.stream.over()) {
		close(r.idle)
		r.idle = nil
	}
}

// receive runs until the socket is closed.
func (r *site) receive() error {
	batch := make([]worker.Datagram, worker.BatchSize)
	box := &r.boxes[0]
	for {
		n, err := r.socket.Receive(batch)
		if err != nil {
			return err
		}
		r.counts.received.Add(uint64(n))
		octets := 0
		for i := range batch[:n] {
			octets += len(batch[i].Data)
		}
		r.counts.receivedOctets.Add(uint64(octets))
		now := r.now()
		r.mu.Lock()
		for i := range batch[:n] {
			r.hear(&batch[i], box, now)
		}
		r.proceed(box, now)
		r.mu.Unlock()
		r.flush(0, box)
	}
}

// clock runs until the generator closes.
func (r *site) clock() {
	runtime.LockOSThread() // it sleeps in the kernel, and the thread's timer slack is its own
	preciseSleep()
	box := &r.boxes[1]
	for wake := int64(0); ; {
		sleep(wake - r.now())
		select {
		case <-r.closing:
			return
		default:
		}
		now := r.now()
		r.mu.Lock()
		for _, i := range r.active {
			if c := &r.clients[i]; c.due <= now && c.phase != idle {
				r.act(i, r.machine.expire(c, now), box, now)
			}
		}
		if r.stream != nil {
			r.expire(box, now)
		}
		r.proceed(box, now)
		wake = now + int64(tick)
		if r.stream != nil {
			wake = max(min(wake, r.stream.plan.due()), now+int64(shortest))
		}
		r.mu.Unlock()
		r.flush(1, box)
	}
}

// proceed lets clients begin after others have ended.
func (r *site) proceed(box *outbox, now int64) {
	if r.stream != nil {
		r.advance(box, now)
	} else {
		r.drop()
		r.fill(box, now)
	}
	r.settle()
}

// hear takes one datagram.
func (r *site) hear(d *worker.Datagram, box *outbox, now int64) {
	server := r.config.serverAt(&d.Source, d.SourcePort)
	if server == nobody || !r.reply.parse(d.Data) {
		r.counts.stray.Add(1)
		return
	}
	n := r.reply.client - r.config.First
	i := n / r.config.Workers
	if n < 0 || n%r.config.Workers != r.number || i >= len(r.clients) {
		r.counts.stray.Add(1)
		return
	}
	if string(r.ids[server]) != string(r.reply.serverID) {
		r.ids[server] = append([]byte(nil), r.reply.serverID...)
	}
	c := &r.clients[i]
	asked := c.phase.message()
	for k := range r.reply.answers {
		a := &r.reply.answers[k]
		a.Client, a.Server, a.Asked, a.Named = n, server, asked, r.reply.xid == c.xid && c.names(a)
	}
	v := r.machine.hear(c, server, &r.reply, now)
	if r.config.Heard != nil {
		for k := range r.reply.answers {
			r.reply.answers[k].Stray = v == ignore
			r.config.Heard(&r.reply.answers[k])
		}
	}
	if v == ignore {
		r.counts.stray.Add(1)
		return
	}
	r.act(int32(i), v, box, now)
}

// act does what a machine says.
func (r *site) act(i int32, v verdict, box *outbox, now int64) {
	c := &r.clients[i]
	if s := r.stream; s != nil && s.resend && (v == transmit || v == again) {
		s.alarms.set(i, c.due)
	}
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
		if c.task == Acquire || c.task == Rapid {
			r.counts.bound.Add(1)
		}
		if r.stream != nil {
			r.stream.finished(i, c, now)
			return
		}
		r.window.completed()
		_ = r.latency.RecordValue(max((now-c.began)/1000, 1)) // an hour bounds it
	case failed:
		r.counts.failed.Add(1)
		if r.stream != nil {
			r.stream.refused(i, c)
			return
		}
		r.failures = append(r.failures, r.clientAt(i))
	}
}

// close ends the site's goroutines.
func (r *site) close() error {
	close(r.closing)
	r.server.Drain()
	return r.server.Close()
}
