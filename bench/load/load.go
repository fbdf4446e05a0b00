package load

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/lockstep6/lockstep6/core/wire"
)

// A Generator plays the clients. Run, Offer, Holding and Close belong to one goroutine; the others may be called from any.
type Generator struct {
	config Config
	sites  []*site
	group  sync.WaitGroup
	once   sync.Once
	failed error // a relay's socket; read after group
}

// Open opens the relays' sockets. They belong to the network namespace of the calling thread.
func Open(c Config) (*Generator, error) {
	c, err := c.checked()
	if err != nil {
		return nil, err
	}
	g := &Generator{config: c}
	start := time.Now()
	now := func() int64 { return int64(time.Since(start)) }
	for i := range c.Workers {
		r, err := openSite(&g.config, i, now)
		if err != nil {
			return nil, errors.Join(err, g.Close())
		}
		g.sites = append(g.sites, r)
	}
	for _, r := range g.sites {
		g.group.Go(func() {
			runtime.LockOSThread() // Receive blocks in the kernel
			if err := r.receive(); !errors.Is(err, net.ErrClosed) {
				g.once.Do(func() { g.failed = err })
			}
		})
		g.group.Go(r.clock)
	}
	return g, nil
}

// A Job is one task for some clients.
type Job struct {
	Task Task
	Pace float64        // most beginnings per second; 0: as the window allows
	Only func(int) bool // which clients; nil: all
}

// SetPace changes the pace of the running Job from now on. It may be called from any goroutine.
func (g *Generator) SetPace(pace float64) {
	for _, r := range g.sites {
		r.mu.Lock()
		r.pace, r.from, r.begun = pace/float64(len(g.sites)), r.now(), 0
		r.mu.Unlock()
	}
}

// A Report is what became of a Job.
type Report struct {
	Asked    int // clients that had the task
	Done     uint64
	Failed   uint64
	Took     time.Duration
	Counts   Counts                  // during the job
	Latency  *hdrhistogram.Histogram // of whole exchanges that succeeded, in microseconds
	Failures []int                   // numbers of clients that failed
}

// Run has clients do a task and returns when the last has finished, or with the context's cause when it ends.
func (g *Generator) Run(ctx context.Context, job Job) (*Report, error) {
	start, before := time.Now(), g.Counts()
	report := &Report{Latency: hdrhistogram.New(1, time.Hour.Microseconds(), 3)}
	var idle []<-chan struct{}
	for _, r := range g.sites {
		queue := r.choose(job.Only)
		report.Asked += len(queue)
		idle = append(idle, r.begin(job.Task, job.Pace/float64(len(g.sites)), queue))
	}
	var err error
	for i, r := range g.sites {
		select {
		case <-idle[i]:
		case <-ctx.Done():
			err = context.Cause(ctx)
			r.stop()
			<-idle[i]
		}
		r.mu.Lock()
		report.Latency.Merge(r.latency)
		report.Failures = append(report.Failures, r.failures...)
		r.mu.Unlock()
	}
	report.Took = time.Since(start)
	report.Counts = g.Counts().minus(before)
	report.Done, report.Failed = report.Counts.Done, report.Counts.Failed
	return report, err
}

// choose lists the site's clients that a job is for.
func (r *site) choose(only func(int) bool) []int32 {
	queue := make([]int32, 0, len(r.clients))
	for i := range r.clients {
		if only == nil || only(r.clientAt(int32(i))) {
			queue = append(queue, int32(i))
		}
	}
	return queue
}

// Counts are what the generator has counted since Open.
type Counts struct {
	Done          uint64 // exchanges that succeeded
	Failed        uint64 // exchanges that were given up
	Bound         uint64 // of Done, those that gave the client a lease by a Solicit and a Request
	Sent          uint64 // datagrams; a message counts once for each server
	Retransmitted uint64 // messages sent again
	Received      uint64 // datagrams
	Stray         uint64 // of those, such as nobody waited for: late, repeated, or not the client's
}

// Counts adds up what the sites have counted. It may be called at any time.
func (g *Generator) Counts() (c Counts) {
	for _, r := range g.sites {
		c.Done += r.counts.done.Load()
		c.Failed += r.counts.failed.Load()
		c.Bound += r.counts.bound.Load()
		c.Sent += r.counts.sent.Load()
		c.Retransmitted += r.counts.again.Load()
		c.Received += r.counts.received.Load()
		c.Stray += r.counts.stray.Load()
	}
	return c
}

func (c Counts) minus(o Counts) Counts {
	return Counts{
		Done: c.Done - o.Done, Failed: c.Failed - o.Failed, Bound: c.Bound - o.Bound, Sent: c.Sent - o.Sent,
		Retransmitted: c.Retransmitted - o.Retransmitted, Received: c.Received - o.Received, Stray: c.Stray - o.Stray,
	}
}

// Holding tells which lease client n has of a kind, and which server gave it. Not during a Run.
func (g *Generator) Holding(n int, kind wire.Kind) (lease netip.Prefix, server int, ok bool) {
	r := g.sites[n%g.config.Workers]
	r.mu.Lock()
	defer r.mu.Unlock()
	c := &r.clients[n/g.config.Workers]
	l := &c.leases[kind-1]
	return netip.PrefixFrom(netip.AddrFrom16(l.address), int(l.length)), int(c.server), l.ok
}

// Close ends the clients and frees the sockets. It returns the first fault of a socket.
func (g *Generator) Close() error {
	var errs []error
	for _, r := range g.sites {
		errs = append(errs, r.close())
	}
	g.group.Wait()
	return errors.Join(append(errs, g.failed)...)
}
