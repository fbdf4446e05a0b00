package peer

import (
	"math"
	"sync"
	"sync/atomic"

	"github.com/lockstep6/lockstep6/core/binding"
)

// MaxListen is the longest time of listening, in seconds.
const MaxListen = 86400

// quietEnough is how many seconds without a message that names a peer end the back seat: nobody else serves.
const quietEnough = 60

// A Reason says why a gate was closed.
type Reason uint32

// Reasons to close the gate.
const (
	ReasonNone     Reason = iota
	ReasonAbsent          // the process was down
	ReasonHistory         // the store was empty, and a client has a lease of which it knows nothing
	ReasonLink            // an interface was down
	ReasonDrops           // the kernel dropped datagrams
	ReasonClock           // the clock's tick was missed: the machine was suspended, or the process stopped
	ReasonOverload        // datagrams were shed
	ReasonRelay           // a relay was silent for ten times its usual interval
	ReasonFull            // an observed binding found no room in the table
	ReasonStore           // what was observed couldn't be written
	ReasonAgain           // the link was out of the configuration for a time
)

// String returns the reason in words, as it is shown.
func (r Reason) String() string {
	names := [...]string{
		"none", "the node was away", "an empty store, and a client with a lease from before", "an interface was down",
		"the kernel dropped datagrams", "the clock stood still", "overload", "a relay was silent", "the binding table was full",
		"the store couldn't write", "the link was out of the configuration",
	}
	if int(r) < len(names) {
		return names[r]
	}
	return "unknown"
}

// A Gate says whether this node's knowledge of its peers' bindings has no known gap. While it is closed, a dense pool's
// shared primaries aren't given to clients that nobody is known to serve. It closes for one T1, in which every
// client renews once and is heard; it closes per link, for the whole node in most cases.
//
// The back seat is the stricter state after a long absence: no preference, and silence to new clients while others answer.
type Gate struct {
	links []gateLink
	after atomic.Uint32 // seconds of absence that lead to the back seat
	fresh atomic.Uint32

	seatFrom, seatUntil atomic.Uint32 // binding.Time; the back seat lasts from .. until
	absent, heard       atomic.Uint32 // when the last absence began, and when its clients have all renewed
	latest              atomic.Uint32 // when the latest gap was found, on whatever link
	unheard             atomic.Uint32 // since when what peers did may have been missed: absent, or before
	returned            atomic.Uint32 // when the last absence ended
	began               atomic.Uint32 // when the node began with an empty store, or, where it was restarted since, when that was
	yields              atomic.Bool   // the node takes the back seat because it was told to

	doubts atomic.Uint32 // until then a node that began with an empty store may find that there was a history

	mu     sync.Mutex // of what changes when a gate closes, or opens early
	closed uint64     // how often
}

type gateLink struct {
	since, until atomic.Uint32 // binding.Time
	reason       atomic.Uint32
	fresh        atomic.Uint32 // binding.Time until which this link is new here; Gate.fresh is the whole node's
	lost         atomic.Uint32 // binding.Time until which there may be leases that this node granted and doesn't know of
	listen       atomic.Uint32 // the longest T1, in seconds
	lasts        atomic.Uint32 // the longest valid lifetime, in seconds
	gaps         uint64        // that were found since the start; guarded by the gate's mutex

	spoke atomic.Uint32 // when somebody on the link was heard last
	some  span          // what is kept apart as somebody was silent,
	whole span          // and as all were; some holds the same for one valid lifetime
}

// NewGate makes an open gate for links with these longest T1 and valid lifetimes, in seconds. One of 0, that isn't there, or of more than
// MaxListen counts as MaxListen.
func NewGate(listen, lasts []uint32, after uint32) *Gate {
	g := &Gate{links: make([]gateLink, len(listen))}
	g.retune(listen, lasts, after)
	return g
}

// retune sets what the configuration says: the links' longest T1 and valid lifetimes, and the absence that leads to the back seat.
func (g *Gate) retune(listen, lasts []uint32, after uint32) {
	g.after.Store(after)
	bound := func(of []uint32, i int) uint32 {
		if i >= len(of) || of[i] == 0 {
			return MaxListen
		}
		return min(of[i], MaxListen)
	}
	for i := range g.links {
		g.links[i].listen.Store(bound(listen, i))
		g.links[i].lasts.Store(bound(lasts, i))
	}
}

// Open tells whether the link's gate is open.
func (g *Gate) Open(link int, now binding.Time) bool {
	return uint32(now) >= g.links[link].until.Load()
}

// Close closes the link's gate for one T1 from now on.
func (g *Gate) Close(link int, now binding.Time, why Reason) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.links[link].gaps++
	g.close(link, now, why)
}

// close is Close for what isn't a new gap. The gate is locked.
func (g *Gate) close(link int, now binding.Time, why Reason) {
	l := &g.links[link]
	g.latest.Store(max(g.latest.Load(), uint32(now)))
	if uint32(now) >= l.until.Load() {
		l.since.Store(uint32(now))
		l.reason.Store(uint32(why))
		g.closed++
	} else if why == ReasonHistory {
		l.reason.Store(uint32(why)) // what the node lacks is more than it missed since the first gap (see Forgot)
	}
	l.until.Store(max(l.until.Load(), uint32(now.Add(l.listen.Load()))))
}

// Missed tells whether a gap was found after a time, or then: what a client has said to a peer since may not have been heard. It stays
// so when the gates are open again.
func (g *Gate) Missed(since binding.Time) bool { return uint32(since) <= g.latest.Load() }

// CloseAll closes all links' gates.
func (g *Gate) CloseAll(now binding.Time, why Reason) {
	for i := range g.links {
		g.Close(i, now, why)
	}
}

// Returned says that the process was down from a time on, and had a store. All gates close; after a long absence the
// node takes the back seat.
func (g *Gate) Returned(from, now binding.Time) {
	g.CloseAll(now, ReasonAbsent)
	g.absent.Store(uint32(from))
	g.unheard.Store(uint32(from))
	g.returned.Store(uint32(now))
	g.heard.Store(uint32(now.Add(g.longest())))
	if uint32(max(now, from)-from) >= g.after.Load() {
		g.sit(now)
	}
}

// ReturnedAgain says, after Returned, that the node had gaps that weren't made good yet when it went: since then it may have missed
// what peers did, though it served. A node that is started twice after an absence is as careful as after the first start.
func (g *Gate) ReturnedAgain(since, now binding.Time) {
	if uint32(since) >= g.unheard.Load() {
		return
	}
	g.unheard.Store(uint32(since))
	if uint32(max(now, since)-since) >= g.after.Load() {
		g.sit(now)
	}
}

// Begun says that the node started with an empty store: a new cluster, until there is evidence of a history. Clients
// that were there before are heard within one T1, the longest of all links.
func (g *Gate) Begun(now binding.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.doubt(now)
	g.fresh.Store(g.doubts.Load())
}

// BegunLink says that a link came while the node serves, on which it never granted anything: the same, of that link alone.
func (g *Gate) BegunLink(link int, now binding.Time) {
	l := &g.links[link]
	l.fresh.Store(uint32(now.Add(l.listen.Load())))
}

// Fresh tells whether evidence of a history on the link would still mean something.
func (g *Gate) Fresh(link int, now binding.Time) bool {
	return g.FreshAll(now) || uint32(now) < g.links[link].fresh.Load()
}

// FreshAll tells whether the node began with an empty store, and evidence of a history would still mean something.
func (g *Gate) FreshAll(now binding.Time) bool { return uint32(now) < g.fresh.Load() }

// Evidence says that a client of the link has a lease of which the node has no record. What is missing was so at the start
// already: it is no gap that begins now (see Inquiry).
func (g *Gate) Evidence(link int, now binding.Time) {
	if !g.Fresh(link, now) {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.FreshAll(now) {
		g.fresh.Store(0)
		for i := range g.links {
			g.close(i, now, ReasonHistory)
		}
		g.sit(now)
		return
	}
	if l := &g.links[link]; uint32(now) < l.fresh.Load() { // else another client was faster
		l.fresh.Store(0)
		g.close(link, now, ReasonHistory)
	}
}

func (g *Gate) sit(now binding.Time) {
	g.seatFrom.Store(uint32(now))
	g.seatUntil.Store(uint32(now.Add(g.longest())))
}

func (g *Gate) longest() (t1 uint32) {
	for i := range g.links {
		t1 = max(t1, g.links[i].listen.Load())
	}
	return t1
}

// BackSeat tells whether the node is in the back seat.
func (g *Gate) BackSeat(now binding.Time) bool {
	return g.yields.Load() || uint32(now) < g.seatUntil.Load()
}

// Forgot tells whether the node may have forgotten what it granted itself, and hasn't listened for long enough since: it came back
// after a long absence, or without a store to a link that had clients.
func (g *Gate) Forgot(link int, now binding.Time) bool {
	l := &g.links[link]
	if uint32(now) >= l.until.Load() {
		return false
	}
	sat := g.seatFrom.Load()
	return sat != 0 && sat >= l.since.Load() || Reason(l.reason.Load()) == ReasonHistory
}

// Yield puts the node into the back seat until it is called with false: before maintenance new clients go to other nodes,
// while the node still serves its own.
func (g *Gate) Yield(yes bool) { g.yields.Store(yes) }

// Relearns tells whether the node was away, and not all clients have had the time to renew once since.
func (g *Gate) Relearns(now binding.Time) bool { return uint32(now) < g.heard.Load() }

// Older tells whether a time lies before this node's return from its last absence.
func (g *Gate) Older(t binding.Time) bool { return uint32(t) < g.returned.Load() }

// Before tells whether a time lies before the end of the store that this node came back with: what it wrote after
// that may be missing, if the store is an older copy.
func (g *Gate) Before(t binding.Time) bool { return uint32(t) <= g.absent.Load() }

// tick ends the back seat where nobody names a peer. The gates stay closed: that costs nobody anything.
func (g *Gate) tick(now, lastNamed binding.Time) {
	if uint32(now) < g.seatUntil.Load() && uint32(now) >= max(g.seatFrom.Load(), uint32(lastNamed))+quietEnough {
		g.seatUntil.Store(uint32(now))
	}
}

// A Listening is how far a link's gate is from opening.
type Listening struct {
	Link     int
	Reason   Reason
	Since    binding.Time
	Until    binding.Time
	Progress float64 // of T1, 0 to 1
}

// Listening returns the closed gates.
func (g *Gate) Listening(now binding.Time) (out []Listening) {
	for i := range g.links {
		l := &g.links[i]
		since, until := l.since.Load(), l.until.Load()
		if uint32(now) >= until {
			continue
		}
		// A gap that was found anew while the gate was closed starts the T1 again.
		progress := 1 - float64(until-uint32(now))/float64(l.listen.Load())
		out = append(out, Listening{
			Link: i, Reason: Reason(l.reason.Load()), Since: binding.Time(since), Until: binding.Time(until),
			Progress: math.Max(0, progress),
		})
	}
	return out
}

// Longest is the longest T1 of all links, in seconds.
func (g *Gate) Longest() uint32 { return g.longest() }

// Closed is how often a link's gate was closed so far.
func (g *Gate) Closed() uint64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.closed
}
