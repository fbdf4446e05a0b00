package load

import (
	"errors"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"time"

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

// Counts are what the generator has counted since Open.
type Counts struct {
	Done          uint64 // exchanges that succeeded
	Failed        uint64 // exchanges that were given up
	Bound         uint64 // of Done, those that gave the client a lease by a Solicit and a Request
	Sent          uint64 // datagrams; a message counts once for each server
	Retransmitted uint64 // messages sent again
	Received      uint64 // datagrams
	Stray         uint64 // of those, such as nobody waited for: late, repeated, or not the client's

	SentOctets, ReceivedOctets uint64 // of all datagrams' payloads, those that the kernel refused included
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
		c.SentOctets += r.counts.sentOctets.Load()
		c.ReceivedOctets += r.counts.receivedOctets.Load()
	}
	return c
}

func (c Counts) minus(o Counts) Counts {
	return Counts{
		Done: c.Done - o.Done, Failed: c.Failed - o.Failed, Bound: c.Bound - o.Bound, Sent: c.Sent - o.Sent,
		Retransmitted: c.Retransmitted - o.Retransmitted, Received: c.Received - o.Received, Stray: c.Stray - o.Stray,
		SentOctets: c.SentOctets - o.SentOctets, ReceivedOctets: c.ReceivedOctets - o.ReceivedOctets,
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
