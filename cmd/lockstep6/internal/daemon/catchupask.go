package daemon

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"

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

// told are the options that a catching-up node asks for: identity associations, and what is kept of relays and hardware.
var toldOptions = func() (codes []byte) {
	for _, code := range []wire.OptionCode{
		wire.OptionIANA, wire.OptionIAPD, wire.OptionInterfaceID, wire.OptionRemoteID, wire.OptionSubscriberID,
		wire.OptionRelayID, wire.OptionClientLinkLayer,
	} {
		codes = binary.BigEndian.AppendUint16(codes, uint16(code))
	}
	return codes
}()

// Errors of a question.
var (
	errAnonymous = errors.New("it tells of leases without their IAIDs")
	errOther     = errors.New("another server answers there; is cluster.nodes[].leasequery right?")
)

// ask puts the questions to a peer that it hasn't answered yet.
func (c *catchUp) ask(ctx context.Context, p *askedPeer) {
	before := p.leases
	p.err, p.partial = nil, false
	for i := range c.areas {
		if p.told[i] {
			continue
		}
		err := c.hear(ctx, p, &c.areas[i])
		err = errors.Join(err, c.write(ctx))
		var refused *leasequery.StatusError
		switch {
		case err == nil:
			p.told[i] = true
		case !errors.As(err, &refused):
			p.err = err
			c.d.log.Debug("a peer didn't tell what this node missed", "id", "catch-up-failed", "peer", c.site.Policy.Nodes[p.node].Name, "server", p.server, "error", err)
			return // the next question would fare no better
		case refused.Code == wire.StatusDataMissing:
			p.partial = true
		default:
			p.err = err
		}
	}
	c.d.log.Info("a peer told what this node may have missed", "id", "catch-up-peer", "peer", c.site.Policy.Nodes[p.node].Name,
		"leases", p.leases-before, "complete", p.done())
}

// hear asks about one area and takes what comes.
func (c *catchUp) hear(ctx context.Context, p *askedPeer, about *area) error {
	q := query.Question{
		Type: query.ByLink, LinkAddress: about.address, Options: toldOptions, BaseTime: true, Start: uint32(p.since), HasStart: p.since > 0,
	}
	policy := c.site.Policy
	r := leasequery.Requestor{DUID: policy.ServerID, Server: p.server, Limit: askedLimit}
	if c.tls != nil {
		r.TLS = c.tls.Clone()
		r.TLS.RootCAs, r.TLS.ServerName = c.tls.ClientCAs, p.server.Addr().String()
	}
	anonymous := c.anonymous
	for a, err := range r.Bulk(ctx, &q) {
		switch {
		case err != nil:
			return err
		case a.ServerID != nil && !bytes.Equal(a.ServerID, policy.Nodes[p.node].ServerID):
			return errOther
		case q.HasStart && c.skewed(&a):
			p.since = 0 // its clock can't be trusted to tell what is new
			return c.hear(ctx, p, about)
		}
		if err := c.take(p, &a); err != nil {
			return err
		}
		if len(c.changes) < adoptedSize {
			continue
		}
		if err := c.write(ctx); err != nil {
			return err
		}
	}
	if c.anonymous > anonymous {
		return errAnonymous
	}
	return nil
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
		c.anonymous += max(0, len(data.Leases)-len(data.Associations))
		for k := range data.Associations {
			of := &data.Associations[k]
			told := toldOf(data, of, a, worker.Time(at))
			if node, ok := site.Policy.NodeOf(of.ServerID); ok {
				told.Node, told.Granted = node, bytes.Equal(of.ServerID, c.site.Policy.Nodes[p.node].ServerID)
			}
			c.adopt(site, &told, worker.Time(at))
		}
	}
	c.engine.End()
	c.changes, c.count = c.engine.Changes, c.count+c.engine.Count
	return nil
}

// toldOf is a lease of an answer as the engine takes it. Times are this node's: the peer says how long ago all was. What is cut off
// when both count whole seconds mustn't shorten the lease.
func toldOf(data *query.Data, of *query.Association, a *query.Answer, now binding.Time) engine.Told {
	told := engine.Told{
		Key: of.Key, Kind: of.Kind, IAID: of.IAID, DUID: data.DUID, Node: peer.Nobody, Superseded: of.Superseded,
		Last: now - min(now, binding.Time(of.Age)), Expires: now.Add(of.Valid).Add(1), Relay: data.Relay(),
	}
	told.Since, told.Relay.LinkAddress = told.Last, of.Link
	if a.HasBaseTime && of.Start > 0 && of.Start <= a.BaseTime {
		told.Since = now - min(now, a.BaseTime-of.Start)
	}
	return told
}

// adopt takes one lease. To a node that began with an empty store it is evidence that the cluster isn't new.
func (c *catchUp) adopt(site *engine.Site, told *engine.Told, now binding.Time) {
	became := c.engine.Adopt(told)
	c.became[became]++
	if became != engine.AdoptedNew && became != engine.AdoptedBeside {
		return
	}
	site.View.Gate.Evidence(site.Policy.LinkOf(told.Kind, &told.Key.Address, told.Key.Length), now)
	c.lost = c.lost || c.fresh && became == engine.AdoptedNew && told.Node == site.Policy.Self
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
