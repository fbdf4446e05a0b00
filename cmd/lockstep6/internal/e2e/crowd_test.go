package e2e

import (
	"errors"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
)

// every calls do for each number, so many at a time.
func every(workers int, numbers []uint32, do func(n uint32)) {
	next := make(chan uint32)
	var busy sync.WaitGroup
	for range workers {
		busy.Go(func() {
			for n := range next {
				do(n)
			}
		})
	}
	for _, n := range numbers {
		next <- n
	}
	close(next)
	busy.Wait()
}

// between are the numbers from first up to, not including, end.
func between(first, end uint32) (all []uint32) {
	for n := first; n < end; n++ {
		all = append(all, n)
	}
	return all
}

// A Crowd is clients of our own behind one agent, with the ledger of what they were told.
type Crowd struct {
	t     testing.TB
	agent *Agent
	link  string // the link-address that the agent names
	nodes []*Node
	book  *ledger
	dress func(c *OwnClient, n uint32) // makes what a client is more than others; nil: nothing
}

const (
	// crowdWorkers is how many clients of a crowd act at a time.
	crowdWorkers = 128
	// renewFor is how long an own client tries to renew before it turns to all servers: T2, in the tests' time.
	renewFor = 4 * repeatAfter
)

// NewCrowd makes a crowd that has nothing yet.
func NewCrowd(t testing.TB, agent *Agent, link string, nodes []*Node) *Crowd {
	return &Crowd{t: t, agent: agent, link: link, nodes: nodes, book: newLedger()}
}

// client is the nth client.
func (c *Crowd) client(n uint32) *OwnClient {
	client := c.agent.Client(c.link, n)
	if c.dress != nil {
		c.dress(client, n)
	}
	return client
}

// Acquire lets clients get their leases by Solicit and Request.
func (c *Crowd) Acquire(numbers []uint32) {
	c.t.Helper()
	every(crowdWorkers, numbers, func(n uint32) { c.acquire(n, offersWithin) })
}

// AcquireFavoured is Acquire while the favoured node serves new clients: they wait for its Advertise for longer than real ones do, for on a busy machine it
// comes late, to a hundred clients at once.
func (c *Crowd) AcquireFavoured(numbers []uint32) {
	c.t.Helper()
	every(crowdWorkers, numbers, func(n uint32) { c.acquire(n, patience/4) })
}

func (c *Crowd) acquire(n uint32, offers time.Duration) {
	c.t.Helper()
	client := c.client(n)
	client.offers = offers
	l, err := retry(time.Now().Add(patience), func() (Lease, error) { return client.Acquire(2 * offers) })
	if err != nil {
		c.t.Errorf("client %d got no lease: %v", n, err)
		return
	}
	c.book.note(n, l)
}

// Keep lets clients renew what they have, and rebind what their server doesn't extend.
func (c *Crowd) Keep(numbers []uint32) {
	c.t.Helper()
	every(crowdWorkers, numbers, func(n uint32) {
		if !c.extend(n, dhcpv6.MessageTypeRenew, renewFor) {
			c.rebind(n)
		}
	})
}

// Overheard waits until all nodes list what the crowd has. One that shed a message, as a busy machine's does, hears of it by a Renew.
func (c *Crowd) Overheard() {
	c.t.Helper()
	for _, n := range c.nodes {
		polls := 0
		n.host.eventually("what all clients have", func() bool {
			if polls++; polls%40 == 0 {
				c.Keep(c.book.clients())
			}
			return len(n.listed()) >= 2*len(c.book.clients())
		})
	}
}

// confirmedAfter is how long after its first sight a Renew confirms a claim, and a second for the whole seconds that
// nodes count in.
const confirmedAfter = 31 * time.Second

// Confirm lets clients renew what they have once per T1 until every node must have confirmed what it has heard of so far.
func (c *Crowd) Confirm(numbers []uint32, t1 time.Duration) {
	c.t.Helper()
	due := time.NewTicker(t1)
	defer due.Stop()
	for end := time.Now().Add(confirmedAfter); time.Now().Before(end); {
		<-due.C
		c.Keep(numbers)
	}
	c.Keep(numbers)
}

// Rebind lets clients ask all servers to extend what they have.
func (c *Crowd) Rebind(numbers []uint32) {
	c.t.Helper()
	every(crowdWorkers, numbers, c.rebind)
}

func (c *Crowd) rebind(n uint32) {
	c.t.Helper()
	for deadline := time.Now().Add(patience); !c.extend(n, dhcpv6.MessageTypeRebind, 16*repeatAfter); {
		if time.Now().After(deadline) {
			l, _ := c.book.lease(n)
			c.t.Errorf("nobody extends what client %d has: %v", n, l)
			c.tellHolders(l.Prefix)
			return
		}
	}
}

// extend sends a Renew or Rebind and notes what the client has now. False: the answer left out something, or there was none.
func (c *Crowd) extend(n uint32, kind dhcpv6.MessageType, limit time.Duration) (whole bool) {
	c.t.Helper()
	l, known := c.book.lease(n)
	if !known {
		return true // its acquiring failed, and has said so
	}
	if kind == dhcpv6.MessageTypeRebind {
		l.Server = nil
	}
	reply, err := c.client(n).Send(kind, l, limit)
	if errors.Is(err, errUnanswered) {
		return false
	}
	if err != nil {
		c.t.Errorf("client %d: %v", n, err)
		return true
	}
	l, whole = l.updated(reply)
	if !l.Address.IsValid() || !l.Prefix.IsValid() {
		c.t.Errorf("client %d lost its lease without getting another\n%s", n, reply.Summary())
		return true
	}
	c.book.note(n, l)
	return whole
}

// Release lets clients give back what they have.
func (c *Crowd) Release(numbers []uint32) {
	c.t.Helper()
	every(crowdWorkers, numbers, func(n uint32) {
		l, known := c.book.lease(n)
		if !known {
			return // as in extend
		}
		if _, err := c.client(n).Send(dhcpv6.MessageTypeRelease, l, patience); err != nil {
			c.t.Errorf("client %d wasn't released: %v", n, err)
		}
		c.book.forget(n)
	})
}

// tellHolders says who holds a lease, by which node, and for whom each node lists it.
func (c *Crowd) tellHolders(p netip.Prefix) {
	c.t.Helper()
	for _, k := range c.book.holders(p) {
		l, _ := c.book.lease(k)
		c.t.Logf("%v is held by client %d, %x, of the node %v", p, k, c.client(k).DUID().ToBytes(), l.Server)
	}
	for _, n := range c.nodes {
		if n.Running() {
			c.t.Logf("node %s, %v, lists it for %+v", n.Name, n.DUID, n.listed()[p])
		}
	}
}
