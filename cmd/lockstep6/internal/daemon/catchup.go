package daemon

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/peer"
	"github.com/lockstep6/lockstep6/core/policy"
	"github.com/lockstep6/lockstep6/core/worker"
)

// catchUpID is the number of a catching-up node as a writer, below the operator's.
const catchUpID = operatorID - 1

const (
	// What this node granted without peers hearing of it, its client renews within a minute (the engine's showSoon). So a node that
	// lost its disk doesn't trust what its peers know of it any earlier.
	shownAfter = 90 * time.Second
	// A query after a short absence begins so many seconds before it, so that nodes' clocks needn't agree exactly.
	sinceMargin = 600
	maxSkew     = 300
	// One peer's answers may take so long in a round, and half of a T1 at most: ten million leases take some minutes.
	answerLimit = 15 * time.Minute
)

// catchUpPauses are the waits before each round of questions. A peer that is being restarted at the same time has some minutes.
var catchUpPauses = []time.Duration{0, time.Second, 4 * time.Second, 16 * time.Second, 64 * time.Second, 256 * time.Second}

// A catchUp asks the peers, by bulk leasequery, for what this node missed while it was away. The node serves meanwhile as if there
// were none. Each peer is asked by a goroutine of its own, so that none keeps the node from hearing the others; what they tell is
// adopted one message at a time.
type catchUp struct {
	d       *Daemon
	site    *engine.Site // as it was at the beginning
	config  *config.Config
	inquiry *peer.Inquiry
	areas   []area
	peers   []*askedPeer
	others  []string // peers that have no address to ask at
	tls     *tls.Config
	pauses  []time.Duration
	shown   time.Duration
	limit   time.Duration // of one peer's answers in a round
	fresh   bool          // the node began with an empty store

	mu       sync.Mutex // of what follows
	engine   *engine.Engine
	sequence uint64
	changes  []byte // that aren't handed to the store yet
	count    int

	became    [engine.Adoptions]int
	anonymous int  // leases that came without an IAID, and whose IAID isn't known here either
	lost      bool // a peer told of what this node granted, perhaps, and has no record of
}

// errHeard is why nobody is asked any more after a T1.
var errHeard = errors.New("all clients have had the time to renew meanwhile")

// An area is what one question is about: the links that an address is on.
type area struct {
	address [16]byte
	links   []int
}

// An askedPeer is how far the questions to one peer are. It belongs to the goroutine that asks it.
type askedPeer struct {
	node    int
	server  netip.AddrPort
	since   binding.Time // only what changed since is asked for; 0: all
	told    []bool       // by area
	partial bool         // the peer has a gap itself
	err     error        // of the last question that failed
	leases  int
	tally   tally // of the leases in this round
}

// newCatchUp prepares it; nil: there is nobody to ask. Gaps that begin from now on aren't made good.
func newCatchUp(d *Daemon) *catchUp {
	site := d.site.Load()
	if site.Policy.Single {
		return nil
	}
	c := &catchUp{
		d: d, site: site, config: d.inForce.config, areas: areasOf(site.Policy), pauses: catchUpPauses, shown: shownAfter,
		fresh: site.View.Gate.FreshAll(worker.Time(d.clock())),
	}
	for i := range c.config.Cluster.Nodes {
		n := &c.config.Cluster.Nodes[i]
		switch {
		case i == site.Policy.Self:
		case n.Leasequery.IsValid():
			c.peers = append(c.peers, &askedPeer{node: i, server: n.Leasequery, since: d.knew - min(d.knew, sinceMargin), told: make([]bool, len(c.areas))})
		default:
			c.others = append(c.others, n.Name)
		}
	}
	if len(c.peers) == 0 {
		return nil
	}
	c.inquiry = site.View.Gate.Inquire()
	c.limit = min(answerLimit, time.Duration(site.View.Gate.Longest())*time.Second/2)
	// What else may be missing the gates know. A node with an empty store may take itself for the first of a new cluster.
	d.asking.Store(c.fresh)
	return c
}

// areasOf are addresses that together are on all links. What has no address has no leases.
func areasOf(p *policy.Policy) (out []area) {
	covered := make([]bool, len(p.Links))
	for i := range p.Links {
		prefixes := append(p.Links[i].OnLink[:len(p.Links[i].OnLink):len(p.Links[i].OnLink)], p.Links[i].Delegable...)
		if covered[i] || len(prefixes) == 0 {
			continue
		}
		a := area{address: prefixes[0].Addr().As16()}
		if a.address == [16]byte{} { // which would be any link
			a.address[15] = 1
		}
		a.links = p.LinksAt(&a.address)
		for _, link := range a.links {
			covered[link] = true
		}
		out = append(out, a)
	}
	return out
}

// run asks until all peers have told all, or for one T1 at most, by when all clients have been heard.
func (c *catchUp) run(ctx context.Context) {
	defer c.d.asking.Store(false)
	gate := c.site.View.Gate
	ctx, cancel := context.WithTimeoutCause(ctx, time.Duration(gate.Longest())*time.Second, errHeard)
	defer cancel()
	handle := c.d.table.NewHandle()
	defer handle.Close()
	c.engine = engine.New(handle, c.d.marks)
	var err error
	if c.config.Leasequery != nil {
		if c.tls, err = c.d.queryTLS(c.config.Leasequery.TLS); err != nil {
			c.d.log.Warn("this node's certificate can't be read again: peers aren't asked for what it missed", "id", "catch-up-certificate", "error", err)
			return
		}
	}
	c.d.log.Info("asking the peers for what this node missed", "id", "catch-up-begun", "peers", len(c.peers), "questions", len(c.areas))
	start := time.Now()
	c.askAll(ctx)
	if c.lost {
		sleep(ctx, time.Until(c.d.started.Add(c.shown)))
	}
	if !errors.Is(ctx.Err(), context.Canceled) { // the node doesn't end
		c.conclude(time.Since(start))
	}
}

// askAll asks all peers side by side, until each has told all or was asked often enough.
func (c *catchUp) askAll(ctx context.Context) {
	var first, all sync.WaitGroup
	for _, p := range c.peers {
		first.Add(1)
		all.Go(func() {
			for round, pause := range c.pauses {
				// What a peer missed too it may have by one of the last rounds.
				if sleep(ctx, pause) && (!p.partial || round >= len(c.pauses)-2) {
					c.ask(ctx, p, round+1 < len(c.pauses))
				}
				if round == 0 {
					first.Done()
				}
				if p.done() || ctx.Err() != nil {
					return
				}
			}
		})
	}
	first.Wait()
	c.d.asking.Store(false)
	all.Wait()
}

// sleep waits; false: the context has ended.
func sleep(ctx context.Context, pause time.Duration) bool {
	select {
	case <-time.After(pause):
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

func (p *askedPeer) done() bool {
	for _, told := range p.told {
		if !told {
			return false
		}
	}
	return true
}

// unheard are the peers that haven't told all, with the reason.
func (c *catchUp) unheard() (out []string) {
	for _, p := range c.peers {
		name := c.site.Policy.Nodes[p.node].Name
		switch {
		case p.done():
		case p.err != nil:
			out = append(out, fmt.Sprintf("%s: %v", name, p.err))
		case p.partial:
			out = append(out, name+": it has missed something itself")
		default:
			out = append(out, name+": it wasn't asked in time")
		}
	}
	return out
}

// conclude opens the gates of the links of which all peers have told, and says what came of it.
func (c *catchUp) conclude(took time.Duration) {
	told := make([]bool, len(c.site.Policy.Links))
	for i := range told {
		told[i] = len(c.others) == 0
	}
	for i, a := range c.areas {
		for _, p := range c.peers {
			for _, link := range a.links {
				told[link] = told[link] && p.told[i]
			}
		}
	}
	open := 0
	if c.d.site.Load().View.Gate == c.site.View.Gate { // else a reload has made another one, which knows best
		open = c.inquiry.End(told, worker.Time(c.d.clock()))
	}
	took = took.Round(time.Millisecond)
	if missing := append(c.unheard(), c.others...); len(missing) > 0 {
		c.d.log.Warn("not all peers told what this node missed: it goes on listening to their clients", "id", "catch-up-incomplete",
			"missing", missing, "links", open, "of", len(told), "leases", c.outcome(), "took", took)
	} else {
		c.d.log.Info("caught up with the peers", "id", "caught-up", "links", open, "of", len(told), "leases", c.outcome(), "took", took)
	}
	if c.anonymous > 0 {
		c.d.log.Info("leases came without an IAID; each is known by it once its client names the lease", "id", "catch-up-no-iaid", "leases", c.anonymous)
	}
}

// outcome is what became of the leases that peers told of.
func (c *catchUp) outcome() slog.Value {
	return slog.GroupValue(
		slog.Int("new", c.became[engine.AdoptedNew]), slog.Int("extended", c.became[engine.AdoptedLater]),
		slog.Int("contested", c.became[engine.AdoptedBeside]), slog.Int("known", c.became[engine.KnownBetter]),
		slog.Int("refused", c.became[engine.AdoptionRefused]), slog.Int("elsewhere", c.became[engine.NotHere]),
	)
}
