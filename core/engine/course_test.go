package engine_test

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/policy"
	"github.com/lockstep6/lockstep6/core/wire"
)

// narrow is a link whose few leases a dozen clients soon have, with what a reload may make of it: another rule of choice, other limits,
// a pool that retires beside a new one, prefixes of another length.
var narrow = []string{`
listen: {interfaces: [eth0]}
store: {renew-cache: 0.5}
rapid-commit: all
decline: {quarantine: 10m, max-per-client: 2}
lifetimes: {preferred: 600, valid: 1000, renew: 300, rebind: 480}
links:
  - name: lan
    match: {interface: eth0, link-addresses: ["2001:db8:1::/64"]}
    addresses: [{pool: "2001:db8:1::100-2001:db8:1::109", exclude: ["2001:db8:1::103"]}]
    prefixes: [{pool: "2001:db8:8000::/53", length: 56}]
    reservations:
      - {duid: "00:03:00:01:00:00:00:00:00:01", addresses: ["2001:db8:1::100"], prefixes: ["2001:db8:8000:100::/56"]}
      - {duid: "00:03:00:01:00:00:00:00:00:02", addresses: ["2001:db8:1::1000"]}
`, `
listen: {interfaces: [eth0]}
allocation: sequential
store: {capacity: 1024}
limits: {addresses-per-client: 1}
lifetimes: {preferred: 600, valid: 1000, renew: 300, rebind: 480}
links:
  - name: lan
    match: {interface: eth0, link-addresses: ["2001:db8:1::/64"]}
    addresses: [{pool: "2001:db8:1::100-2001:db8:1::109"}]
    prefixes: [{pool: "2001:db8:8000::/53", length: 58}]
`, `
listen: {interfaces: [eth0]}
lifetimes: {preferred: 600, valid: 1000, renew: 300, rebind: 480}
links:
  - name: lan
    match: {interface: eth0, link-addresses: ["2001:db8:1::/64"]}
    addresses: [{pool: "2001:db8:1::100-2001:db8:1::109", retiring: true}, {pool: "2001:db8:1::200-2001:db8:1::203"}]
    prefixes: [{pool: "2001:db8:8000::/53", length: 54}]
`}

// A course is a world whose chances are a fuzzer's octets, and whose messages may be spoilt, relayed or repeated on their way.
type course struct {
	*world
	octets []byte
	spare  *rand.PCG // when there are none left
	others map[string]*client
}

// Uint64 makes each choice of one octet: of what rand.Rand looks at, the upper half and the lowest bits, both are that.
func (c *course) Uint64() uint64 {
	if len(c.octets) == 0 {
		return c.spare.Uint64()
	}
	b := uint64(c.octets[0])
	c.octets = c.octets[1:]
	return b<<56 | 1<<55 | 1<<31 | b
}

func newCourse(t testing.TB, octets []byte, policies []*policy.Policy) *course {
	c := &course{octets: octets, spare: rand.NewPCG(1, 1), others: make(map[string]*client)}
	c.world = newWorldBy(t, rand.New(c), policies, 12)
	c.network = c.way
	return c
}

// step does what the next octets say.
func (c *course) step() {
	switch n := c.rng.IntN(32); {
	case n < 18:
		c.batch(c.workers[c.rng.IntN(len(c.workers))], 1+c.rng.IntN(3))
	case n < 23:
		c.settleOne()
	case n < 26:
		c.now += binding.Time(c.rng.IntN(256))
	case n < 27:
		c.now += binding.Time(c.rng.IntN(2000))
	case n < 29:
		c.sweep()
	case n < 31:
		c.follow(c.policies[c.rng.IntN(len(c.policies))])
	default:
		c.crash()
	}
	if c.mutation == forgets {
		c.forget()
	}
	c.checkTable()
}

// follow puts another policy in force as a node does that is running.
func (c *course) follow(p *policy.Policy) {
	before := c.site
	site, same := before.Follow(p, before.View)
	if !same {
		var err error
		if site, err = engine.NextSite(p, before.View, c.handle, c.table.Shards()); err != nil {
			c.t.Fatal(err)
		}
	}
	view, from := engine.NextView(before.View, before.Policy, p, engine.Memory{}, c.now)
	site.View = view
	view.CatchUp(before.View, from, c.now)
	c.stats.reloads++
	c.site = site
}

// checkTable holds the counts of the site and of the table against a walk.
func (c *course) checkTable() {
	if diff := cmp.Diff(walked(c.handle, c.table.Shards(), c.site.Policy), counted(c.site)); diff != "" {
		c.fault("counts (-walked +counted):\n%s", diff)
	}
	records := int64(0)
	s := session{handle: c.handle, table: c.table}
	s.records(func(*binding.Record) { records++ })
	if live := c.table.Stats().Live; live != records {
		c.fault("the table counts %d leases, a walk %d", live, records)
	}
}

// way is what becomes of a message on its way: it arrives, by a relay perhaps, or in a worse state, or an earlier one does.
func (c *course) way(a *answer) *engine.Input {
	n, good := c.rng.IntN(16), a.sent
	switch {
	case n < 3:
		a.sent = bytes.Clone(good)
		for range n + 1 {
			at := (c.rng.IntN(256)<<8 | c.rng.IntN(256)) % len(a.sent)
			a.sent[at] ^= byte(c.rng.IntN(256))
		}
	case n == 3:
		a.sent = a.sent[:c.rng.IntN(256)*len(a.sent)/256]
	case n == 4 && a.client.last != nil:
		a.sent = a.client.last
	}
	var p wire.Packet
	if p.Parse(a.sent) == wire.DropNone && !readable(a.sent) {
		a.sent = good // the library that reads the reply would refuse the Client Identifier there too
	}
	c.attribute(a)
	in := directInput(a.sent)
	if c.rng.IntN(4) == 0 {
		a.sent = relayed(a.sent, 0, []string{"link=2001:db8:1::1"})
		in = relayedInput(a.sent)
	}
	return in
}

// attribute finds out whose message it is that arrives: a spoilt one may be another client's, or give up what the sender didn't mean to.
func (c *course) attribute(a *answer) {
	var p wire.Packet
	if p.Parse(a.sent) != wire.DropNone {
		return
	}
	m := &p.Message
	if !bytes.Equal(m.ClientID, a.client.duid) {
		a.client = c.named(m.ClientID)
	}
	if x := m.TransactionID; uint32(x[0])<<16|uint32(x[1])<<8|uint32(x[2]) != a.xid&0xffffff {
		a.xid = a.client.xid + 1 // nobody waits for the answer
	}
	if m.Type != wire.Release && m.Type != wire.Decline {
		return
	}
	c.Lock()
	defer c.Unlock()
	for i := range m.IACount {
		ia := &m.IAs[i]
		for l, rest, ok := ia.NextLease(ia.Options); ok; l, rest, ok = ia.NextLease(rest) {
			c.drop(a.client, &clientIA{kind: ia.Kind, iaid: ia.IAID}, &binding.Key{Address: l.Address, Length: l.Length})
		}
	}
}

// named is the client with a DUID, which may be one that nobody thought of.
func (c *course) named(duid []byte) *client {
	for _, known := range c.clients {
		if bytes.Equal(known.duid, duid) {
			return known
		}
	}
	if c.others[string(duid)] == nil {
		c.others[string(duid)] = &client{duid: slices.Clone(duid)}
	}
	return c.others[string(duid)]
}
