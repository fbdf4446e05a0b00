package engine

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/cespare/xxhash/v2"

	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/peer"
	"github.com/lockstep6/lockstep6/core/policy"
	"github.com/lockstep6/lockstep6/core/wire"
)

// A site that limits what one client may have (RFC 9663, Section 15) counts bindings by client, link and kind, as its census
// counts them by pool: own and observed ones, and each once whatever is reloaded. A client is what it is known by: clones aren't
// one client for having one DUID, nor is one that changes it several. What has ended counts until it is reclaimed. Leases that
// no pool has are reserved ones, and don't count.

// limitsClients tells whether any link bounds what one client may have.
func limitsClients(p *policy.Policy) bool {
	return slices.ContainsFunc(p.Links, func(l policy.Link) bool { return l.PerClient != config.PerClient{} })
}

// clientCounts makes room for counting by client; nil: no link limits that.
func clientCounts(p *policy.Policy) *peer.Ports {
	if !limitsClients(p) {
		return nil
	}
	return peer.NewSignedPorts(p.Config().Store.Capacity)
}

// clientOf is what stands for an identity's client, a link and a kind in the counts. Nobody can know whose share a number: the salt is the
// node's own.
func (s *Site) clientOf(id *address.Identity, link int) uint64 {
	const derived = 1 << 7 // a DUID can have the octets of what another client is known by
	seed := binary.BigEndian.Uint64(s.View.Salt[:]) + uint64(link)<<8 + uint64(id.Kind)
	if id.Derived {
		seed += derived
	}
	var digest xxhash.Digest
	digest.ResetWithSeed(seed)
	digest.Write(id.DUID) // never fails
	return digest.Sum64() | 1
}

// countClient counts a record of a pool, or takes it out.
func (s *Site) countClient(r *binding.Record, pool *policy.Pool, n int64) {
	if s.clients != nil && r.State() == binding.Bound && !r.Registered() {
		id := r.Identity()
		s.clients.Add(s.clientOf(&id, pool.Link), int(n))
	}
}

// sameClient tells whether two records are one client's, as those are counted.
func sameClient(a, b *binding.Record) bool {
	one, other := a.Identity(), b.Identity()
	return one.Kind == other.Kind && one.Derived == other.Derived && bytes.Equal(one.DUID, other.DUID)
}

// spent tells whether the client has as many leases of the IA's kind on the link, in other IAs, as it may have. The IA's own records
// must be in e.found: one that lives on the link may be replaced. What the client says to hold, by Renew or Rebind, is left to it while the
// node may have missed that.
func (e *Engine) spent(i int) bool {
	kind := e.message.IAs[i].Kind
	limit := e.link.PerClient.Addresses
	if kind == wire.IAPD {
		limit = e.link.PerClient.Prefixes
	}
	if limit == 0 || e.site.clients == nil || e.claims() && !e.policy.Single && !e.gateOpen() {
		return false
	}
	id := e.identity(i)
	count := e.site.clients.Count(e.site.clientOf(&id, e.link.Index))
	for _, r := range e.found {
		if key := r.Key(); r.State() == binding.Bound && e.poolOf(kind, &key) != nil {
			if r.Live(e.now) && e.credible(r, false) {
				return false
			}
			count--
		}
	}
	// What an Advertise offers isn't bound, and counts all the same: a Request for all of it follows.
	for k := range e.grants {
		g := &e.grants[k]
		if e.message.Type == wire.Solicit && !e.rapid && e.message.IAs[g.ia].Kind == kind && !e.holdsAlready(g) && e.poolOf(kind, &g.key) != nil {
			count++
		}
	}
	return count >= limit
}

// holdsAlready tells whether what is granted is bound for its IA as it is.
func (e *Engine) holdsAlready(g *grant) bool {
	id := e.identity(g.ia)
	return g.old != nil && g.old.State() == binding.Bound && g.old.BelongsTo(&id)
}
