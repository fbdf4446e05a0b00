package daemon

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"slices"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/peer"
	"github.com/lockstep6/lockstep6/core/query"
	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/core/worker"
	"github.com/lockstep6/lockstep6/io/leasequery"
)

const (
	askedLimit  = 60e9      // nanoseconds within which a peer must send something
	adoptedSize = 256 << 10 // octets of changes that make a write
)

// told are the options that a catching-up node asks for: identity associations, and what is kept of relays, hardware and names.
var toldOptions = func() (codes []byte) {
	for _, code := range []wire.OptionCode{
		wire.OptionIANA, wire.OptionIAPD, wire.OptionInterfaceID, wire.OptionRemoteID, wire.OptionSubscriberID,
		wire.OptionRelayID, wire.OptionClientLinkLayer, wire.OptionClientFQDN,
	} {
		codes = binary.BigEndian.AppendUint16(codes, uint16(code))
	}
	return codes
}()

// Errors of a peer's answer.
var (
	errOther = errors.New("another server answers there; is cluster.nodes[].leasequery right?")
	// errTimeless says that a start time means nothing to the peer: it knows RFC 5460 only, and tells no time, or its clock is another one.
	errTimeless = errors.New("the peer's clock isn't this node's")
	// errTimes: who is asked for OPTION_LQ_BASE_TIME and knows it tells it in every message (RFC 7653, Section 9.3).
	errTimes = errors.New("some messages of its answer have OPTION_LQ_BASE_TIME, and others haven't")
)

// ask puts the questions to a peer that it hasn't answered yet; again: it is asked once more where it doesn't tell all.
func (c *catchUp) ask(ctx context.Context, p *askedPeer, again bool) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.limit, fmt.Errorf("its answers take more than %v", c.limit))
	defer cancel()
	before := p.leases
	p.err, p.partial, p.tally = nil, false, newTally(c.d.table.Stats().Capacity)
	for i := range c.areas {
		if p.told[i] {
			continue
		}
		err := c.hear(ctx, p, &c.areas[i])
		if errors.Is(err, errTimeless) && p.since > 0 {
			p.since = 0
			err = c.hear(ctx, p, &c.areas[i])
		}
		var refused *leasequery.StatusError
		switch {
		case err == nil:
			p.told[i] = true
			continue
		case errors.As(err, &refused) && refused.Code == wire.StatusDataMissing:
			p.partial = true
			continue
		}
		if p.err = err; ctx.Err() != nil {
			p.err = context.Cause(ctx)
		}
		if refused == nil {
			break // the next question would fare no better
		}
	}
	p.tally = tally{}
	c.tell(p, p.leases-before, again)
}

// tell says what came of one round with a peer.
func (c *catchUp) tell(p *askedPeer, leases int, again bool) {
	name := c.site.Policy.Nodes[p.node].Name
	var op *net.OpError
	switch {
	case errors.Is(p.err, context.Canceled): // the node ends
	case errors.As(p.err, &op) && op.Op == "dial":
		c.d.log.Info("a peer can't be reached, so it doesn't tell what this node missed", "id", "catch-up-unreached", "peer", name, "server", p.server,
			"error", p.err, "again", again)
	case p.err != nil:
		c.d.log.Warn("a peer didn't tell what this node missed", "id", "catch-up-failed", "peer", name, "server", p.server,
			"error", p.err, "leases", leases, "again", again)
	default:
		c.d.log.Info("a peer told what this node may have missed", "id", "catch-up-peer", "peer", name, "leases", leases, "complete", p.done())
	}
}

// hear asks about one area, takes what comes, and waits until that is written.
func (c *catchUp) hear(ctx context.Context, p *askedPeer, about *area) error {
	q := query.Question{
		Type: query.ByLink, LinkAddress: about.address, Options: toldOptions, BaseTime: true, Start: uint32(p.since), HasStart: p.since > 0,
	}
	err := c.listen(ctx, p, &q)
	c.mu.Lock()
	defer c.mu.Unlock()
	return errors.Join(err, c.write(ctx))
}

// listen asks a question and takes what comes.
func (c *catchUp) listen(ctx context.Context, p *askedPeer, q *query.Question) error {
	policy := c.site.Policy
	r := leasequery.Requestor{DUID: policy.ServerID, Server: p.server, Limit: askedLimit}
	if c.tls != nil {
		r.TLS = c.tls.Clone()
		r.TLS.RootCAs, r.TLS.ServerName = c.tls.ClientCAs, p.server.Addr().String()
	}
	timed := false
	for a, err := range r.Bulk(ctx, q) {
		switch {
		case err != nil:
			return err
		case a.ServerID != nil && !bytes.Equal(a.ServerID, policy.Nodes[p.node].ServerID):
			return errOther
		case q.HasStart && c.skewed(&a):
			return errTimeless
		case a.Type == wire.LeasequeryReply:
			timed = a.HasBaseTime
		case timed != a.HasBaseTime:
			return errTimes
		}
		if err := c.takeWritten(ctx, p, &a); err != nil {
			return err
		}
	}
	return nil
}

// takeWritten takes one message, and writes when enough has come together.
func (c *catchUp) takeWritten(ctx context.Context, p *askedPeer, a *query.Answer) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.take(p, a); err != nil || len(c.changes) < adoptedSize {
		return err
	}
	return c.write(ctx)
}

// skewed tells whether the peer's clock is so far from this node's that a time means another one there.
func (c *catchUp) skewed(a *query.Answer) bool {
	now := worker.Time(c.d.clock())
	return !a.HasBaseTime || max(now, a.BaseTime)-min(now, a.BaseTime) > maxSkew
}

// take adopts what one message tells.
func (c *catchUp) take(p *askedPeer, a *query.Answer) error {
	if len(a.Clients) == 0 {
		return nil
	}
	if !c.d.store.Healthy() {
		return fmt.Errorf("this node's store can't write: %w", c.d.store.State().Err)
	}
	// A reload may have changed the policy since, and mustn't now: see engine.NextSite.
	c.d.changing.sweeping.Lock()
	defer c.d.changing.sweeping.Unlock()
	site, at := c.d.site.Load(), c.d.clock()
	mark := engine.NewMark(catchUpID, c.sequence+1)
	c.engine.Begin(site, binding.MomentOf(at), mark, true, c.changes)
	for i := range a.Clients {
		data := &a.Clients[i]
		p.leases += len(data.Leases)
		c.takeAnonymous(site, p, data, a, worker.Time(at))
		for k := range data.Associations {
			of := &data.Associations[k]
			told := toldOf(data, of, a, worker.Time(at))
			if node, ok := site.Policy.NodeOf(of.ServerID); ok {
				told.Node, told.Granted = node, bytes.Equal(of.ServerID, c.site.Policy.Nodes[p.node].ServerID)
			}
			c.adopt(site, p, &told, worker.Time(at))
		}
	}
	c.engine.End()
	c.changes, c.count = c.engine.Changes, c.count+c.engine.Count
	return p.tally.excess()
}

// takeAnonymous adopts the leases of which the peer doesn't tell the IAIDs: what a server of another make tells is what it granted
// (RFC 5007, Section 4.1.2.2). lockstep6 tells of what it observed too, so it isn't taken for the one that granted them where it
// hides the IAIDs, or doesn't know them itself. Unlike others, who know of no active leasequery, it tells the time.
func (c *catchUp) takeAnonymous(site *engine.Site, p *askedPeer, data *query.Data, a *query.Answer, now binding.Time) {
	for i := range data.Leases {
		lease := &data.Leases[i]
		if slices.ContainsFunc(data.Associations, func(of query.Association) bool {
			return of.Key == lease.Key && (of.Kind == wire.IAPD) == (lease.Kind == wire.IAPD)
		}) {
			continue
		}
		told := toldOf(data, &query.Association{Lease: *lease, Age: data.Age}, a, now)
		told.Anonymous = true
		if name, ok := data.Options.Find(wire.OptionClientFQDN); ok {
			told.Name = name
		}
		if !a.HasBaseTime {
			told.Node, told.Granted = site.Policy.NodeOf(c.site.Policy.Nodes[p.node].ServerID)
		}
		c.adopt(site, p, &told, now)
		if told.Anonymous {
			c.anonymous++
		}
	}
}

// toldOf is a lease of an answer as the engine takes it. Times are this node's: the peer says how long ago all was. What is cut off
// when both count whole seconds mustn't shorten the lease.
func toldOf(data *query.Data, of *query.Association, a *query.Answer, now binding.Time) engine.Told {
	told := engine.Told{
		Key: of.Key, Kind: of.Kind, IAID: of.IAID, DUID: data.DUID, Known: of.Known, Node: peer.Nobody, Superseded: of.Superseded,
		Last: now - min(now, binding.Time(of.Age)), Expires: now.Add(of.Valid).Add(1), Relay: data.Relay(), Name: of.FQDN,
	}
	told.Since, told.Relay.LinkAddress = told.Last, of.Link
	if a.HasBaseTime && of.Start > 0 && of.Start <= a.BaseTime {
		told.Since = now - min(now, a.BaseTime-of.Start)
	}
	return told
}

// adopt takes one lease. To a node that began with an empty store it is evidence that the cluster isn't new.
func (c *catchUp) adopt(site *engine.Site, p *askedPeer, told *engine.Told, now binding.Time) {
	p.tally.add(&told.Key)
	became := c.engine.Adopt(told)
	c.became[became]++
	if became != engine.AdoptedNew && became != engine.AdoptedBeside || told.Kind == wire.Registered {
		return
	}
	site.View.Gate.Evidence(site.Policy.LinkOf(told.Kind, &told.Key.Address, told.Key.Length), now)
	if became == engine.AdoptedNew && told.Node == site.Policy.Self {
		site.View.Gate.Lose(now)
	}
	perhapsOwn := told.Node == site.Policy.Self || told.Anonymous && told.Node == peer.Nobody
	c.lost = c.lost || c.fresh && became == engine.AdoptedNew && perhapsOwn
}

// write hands the changes to the store, and waits for that so that a peer isn't faster than the disk. Nobody waits for this.
func (c *catchUp) write(ctx context.Context) error {
	if c.count == 0 {
		return nil
	}
	done := make(chan *worker.Write, 1)
	changes := c.changes
	c.d.store.Append(&worker.Write{Changes: changes, Count: c.count, Done: done})
	c.sequence++
	c.changes, c.count = nil, 0
	select {
	case <-done:
	case <-ctx.Done():
		return ctx.Err() // the store keeps the write; its mark isn't settled, so replies wait for writes of their own
	}
	c.d.marks.Settle(engine.NewMark(catchUpID, c.sequence))
	c.d.observe(changes)
	return nil
}
