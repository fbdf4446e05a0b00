package daemon

import (
	"bytes"
	"context"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/reconfigure"
	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/core/worker"
)

// A requests answers Reconfigure-requests of relays (RFC 6977), one after the other: what asks for nothing that may be asked at once, the others
// together after a walk through the table for their clients. The zero value takes nothing before it runs.
type requests struct {
	once    sync.Once
	waiting chan worker.Datagram

	// run's
	d       *Daemon
	packet  wire.Packet
	pending []*requested
	sources map[netip.Addr]int // requests of this second
	second  int64

	mu       sync.Mutex
	outcomes map[string]uint64 // by result
	clients  map[string]uint64
}

// A requested is a request that is in order.
type requested struct {
	datagram worker.Datagram
	asker    netip.Addr
	request  reconfigure.Request
	links    []int
	picker   *picker
	of       []int  // by picker.clients: which of request.Clients that is
	asked    []bool // by request.Clients
}

const (
	requestsMost = 1024 // datagrams that wait; beyond that they are dropped and counted
	pendingMost  = 128  // requests that wait for a walk
	sourcesMost  = 4096 // relays that can ask in one second

	// A walk takes its time of the processor, and then ten times as long none is made, but no longer than a relay waits for
	// its answer (RFC 6977, Section 6.3: 1 s).
	walkRest = 10
	restMost = time.Second / 2
)

// What becomes of requests, as it is counted.
const (
	requestTaken         = "taken"
	requestNotAllowed    = "not-allowed"    // no relay may ask
	requestStranger      = "unknown-relay"  // this one may not
	requestTooFast       = "too-fast"       // it asks more often than it may
	requestMalformed     = "malformed"      // told UnspecFail
	requestNotConfigured = "not-configured" // no link has its link-address
	requestInvalid       = "invalid"        // it names no client or no link, or another server
	requestOverload      = "overload"       // too many wait
)

func (q *requests) queue() chan worker.Datagram {
	q.once.Do(func() { q.waiting = make(chan worker.Datagram, requestsMost) })
	return q.waiting
}

// take takes a datagram of a worker; false: there is no room for it.
func (q *requests) take(d *worker.Datagram) bool {
	queue := q.queue()
	if len(queue) == cap(queue) {
		return false
	}
	own := *d
	own.Data = bytes.Clone(d.Data)
	select {
	case queue <- own:
		return true
	default:
		return false
	}
}

// run answers until the context ends.
func (q *requests) run(ctx context.Context, d *Daemon) {
	q.d = d
	h := d.table.NewHandle()
	defer h.Close()
	walk := time.NewTimer(0)
	<-walk.C
	defer walk.Stop()
	var rested time.Time
	for {
		select {
		case datagram := <-q.queue():
			before := len(q.pending)
			if q.read(&datagram); before == 0 && len(q.pending) > 0 {
				walk.Reset(time.Until(rested))
			}
		case <-walk.C:
			begun := time.Now()
			q.serve(h)
			now := time.Now()
			rested = now.Add(min(walkRest*now.Sub(begun), restMost))
		case <-ctx.Done():
			return
		}
	}
}

// read reads a request, and answers it unless it has to be served.
func (q *requests) read(d *worker.Datagram) {
	p := q.d.site.Load().Policy
	c := p.Config().Reconfigure
	if q.packet.Parse(d.Data) != wire.DropNone || q.packet.Message.Type != wire.ReconfigureRequest {
		return // the worker has parsed it, so it can't be
	}
	asker := q.asker(d)
	may := c != nil && len(c.Requestors) > 0
	request, drop, fault := reconfigure.ReadRequest(&q.packet.Message, p.ServerID)
	links := p.LinksAt(&request.Link)
	switch {
	case may && !trusts(c, d, asker):
		q.drop(d, asker, requestStranger)
	case !q.paces(asker, c):
		q.drop(d, asker, requestTooFast)
	case drop != wire.DropNone:
		q.drop(d, asker, requestInvalid)
	case !may:
		q.answer(d, asker, requestNotAllowed, wire.StatusNotAllowed, "no relay may have clients asked: reconfigure.requestors names none", nil)
	case fault != "":
		q.answer(d, asker, requestMalformed, wire.StatusUnspecFail, fault, nil)
	case len(links) == 0:
		q.answer(d, asker, requestNotConfigured, wire.StatusNotConfigured, "no link has this link-address", nil)
	case len(q.pending) == pendingMost:
		q.drop(d, asker, requestOverload)
	default:
		ask := request.Ask
		if ask == 0 {
			ask = wire.Renew
		}
		q.pending = append(q.pending, &requested{
			datagram: *d, asker: asker, request: request, links: slices.Clone(links), picker: q.d.emptyPicker(p, ask), asked: make([]bool, len(request.Clients)),
		})
	}
}

// asker is who made the request: where relays passed it on, whom the first of them heard.
func (q *requests) asker(d *worker.Datagram) netip.Addr {
	if relay := q.packet.Innermost(); relay != nil {
		return netip.AddrFrom16(relay.PeerAddress)
	}
	return netip.AddrFrom16(d.Source)
}

// trusts tells whether a request may have come from a relay that may ask. One that another relay passed on needs both: relays pass on
// what clients send, too.
func trusts(c *config.Reconfigure, d *worker.Datagram, asker netip.Addr) bool {
	return mayAsk(c, asker) && mayAsk(c, netip.AddrFrom16(d.Source))
}

// mayAsk tells whether the one with an address may make requests.
func mayAsk(c *config.Reconfigure, a netip.Addr) bool {
	return slices.ContainsFunc(c.Requestors, func(p netip.Prefix) bool { return p.Contains(a) })
}

// paces tells whether a relay asks no more often than it may, by the second.
func (q *requests) paces(asker netip.Addr, c *config.Reconfigure) bool {
	most := config.DefaultReconfigureRequestRate
	if c != nil {
		most = c.RequestRate
	}
	if second := q.d.clock() / int64(time.Second); second != q.second || q.sources == nil {
		q.second, q.sources = second, make(map[netip.Addr]int)
	}
	n, known := q.sources[asker]
	if n == most || !known && len(q.sources) == sourcesMost {
		return false
	}
	q.sources[asker] = n + 1
	return true
}

func (q *requests) count(result string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.outcomes == nil {
		q.outcomes = make(map[string]uint64)
	}
	q.outcomes[result]++
}

// countClients counts the clients of a request that was taken, before its relay is answered.
func (q *requests) countClients(asked, notAsked int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.clients == nil {
		q.clients = make(map[string]uint64)
	}
	q.clients["asked"] += uint64(asked)
	q.clients["not-asked"] += uint64(notAsked)
}

// counts are the requests by what became of them, and the clients of those that were taken; empty: there were none.
func (q *requests) counts() (outcomes, clients map[string]uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return maps.Clone(q.outcomes), maps.Clone(q.clients)
}
