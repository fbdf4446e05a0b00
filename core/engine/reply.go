package engine

import (
	"slices"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/policy"
	"github.com/lockstep6/lockstep6/core/wire"
)

// open starts the reply: its type, the client's transaction-id, both identifiers
// (RFC 9915, Section 18.3; no Client Identifier where the client sent none, Section 16.10).
func (e *Engine) open(t wire.MessageType) {
	e.dst = wire.AppendHeader(e.dst, t, e.message.TransactionID)
	if e.message.ClientID != nil {
		e.dst = wire.AppendOption(e.dst, wire.OptionClientID, e.message.ClientID)
	}
	e.dst = wire.AppendOption(e.dst, wire.OptionServerID, e.policy.ServerID)
}

// refuse is the whole reply to a message that the server can't answer otherwise (RFC 9915, Section 16).
// What was bound for the message stays: its client may come back for less.
func (e *Engine) refuse() {
	t := wire.Reply
	if e.message.Type == wire.Solicit {
		t = wire.Advertise // a Reply would need the Rapid Commit option, and commit to nothing
	}
	e.open(t)
	e.noteStatus(wire.StatusUnspecFail)
	e.dst = wire.AppendStatus(e.dst, wire.StatusUnspecFail, "the answer is too long for one message")
}

// close ends the reply: T1 and T2, the same in all IAs (RFC 9915, Section 18.1), and the options
// that the client asked for or that are always sent. The lease whose lifetimes began first decides T1 and T2.
func (e *Engine) close() {
	renew, rebind := e.tees()
	if e.unseen {
		renew = e.showsAt(renew, rebind)
	}
	if e.outgoing != 0 {
		renew, rebind = soon(renew, rebind, e.outgoing)
	}
	for _, mark := range e.granted {
		wire.SetTimes(e.dst, mark, renew, rebind)
	}
	e.tellName()
	e.tellAcceptance()
	e.configure()
}

// tees are T1 and T2: the shortest of all leases that the reply grants. A 0 leaves the time to the client, of whichever lease it is.
func (e *Engine) tees() (renew, rebind uint32) {
	switch {
	case e.link == nil:
		return 0, 0
	case e.shortest.Valid == 0: // nothing is granted
		return e.terms.Renew, e.terms.Rebind
	default:
		return e.shortest.Renew, e.shortest.Rebind
	}
}

// shorten notes the times of a lease that the reply grants, some seconds after its lifetimes began.
func (e *Engine) shorten(t *policy.Terms, age uint32) {
	renew, rebind := left(t.Renew, age), left(t.Rebind, age)
	if s := &e.shortest; s.Valid == 0 {
		s.Preferred, s.Valid, s.Renew, s.Rebind = t.Preferred, t.Valid, renew, rebind
	} else {
		s.Preferred, s.Renew, s.Rebind = min(s.Preferred, t.Preferred), min(s.Renew, renew), min(s.Rebind, rebind)
	}
}

// showSoon is the T1, in seconds, of a grant that peers can't have seen, so that a Renew shows it.
const showSoon = 60

// showsAt is the T1 of a grant that peers can't have seen, where it would be renew otherwise. 0 leaves the time to the
// client (RFC 9915, Section 14.2): it is named then, well before the lease's preferred lifetime ends, and before T2, which
// may not be the earlier one (RFC 9915, Section 21.4).
func (e *Engine) showsAt(renew, rebind uint32) uint32 {
	if renew == 0 {
		renew = e.shortest.Preferred / 2
		if rebind != 0 {
			renew = min(renew, rebind/2)
		}
	}
	return min(renew, showSoon)
}

// hidden tells whether peers can't know of a grant from the client's messages: it is another lease than the message
// names, or a Reply to a Solicit or a Rebind, which name no server; or peers may know less than they should.
func (e *Engine) hidden(g *grant) bool {
	if e.policy.Single || e.message.Type == wire.Solicit && !e.rapid {
		return false
	}
	id := e.identity(g.ia)
	extended := g.old != nil && !Observed(g.old) && g.old.Live(e.now) && g.old.BelongsTo(&id)
	switch {
	case e.rapid || !e.names(&e.message.IAs[g.ia], &g.key):
		return true
	default:
		return !extended && (e.message.Type == wire.Rebind || !e.gateOpen())
	}
}

// configure appends configuration options, the reservation's before the classes' before the link's before the global ones,
// and then what relays supplied (RFC 6422).
func (e *Engine) configure() {
	options := e.optionLayers()
	e.dst = options.Append(e.dst, e.message)
	e.dst = e.policy.AppendSupplied(e.dst, options, &e.packet)
}

// A withdrawal says which of the leases that a client names, and doesn't get, are returned with lifetimes 0.
type withdrawal uint8

const (
	withdrawNothing withdrawal = iota
	// withdrawWrong: what isn't appropriate for the link (RFC 9915, Sections 18.3.4 and 18.3.5), and what the
	// client IA had from this node and doesn't keep.
	withdrawWrong
	// withdrawAll: on a server without siblings all that isn't granted; in a cluster withdrawWrong, for what
	// belongs to a sibling must outlive this message. Only for a message that names this server.
	withdrawAll
)

// appendGrant appends the IA with its lease, and with lifetime 0 the leases that the client shall give up.
func (e *Engine) appendGrant(g *grant, w withdrawal) {
	ia := &e.message.IAs[g.ia]
	dst, mark := wire.OpenIA(e.dst, ia.Kind, ia.IAID)
	e.dst = dst
	e.granted = append(e.granted, mark)
	e.noteName(ia.Kind)
	e.accepting.tells = e.accepting.tells || e.accepting.keyed
	e.unseen = e.unseen || e.hidden(g)
	terms := e.termsOf(ia.Kind, &g.key)
	e.shorten(terms, g.age)
	e.appendLease(ia.Kind, &g.key, left(terms.Preferred, g.age), left(terms.Valid, g.age))
	e.appendWithdrawn(g.ia, &g.key, w)
	e.dst = wire.CloseOption(e.dst, mark)
}

// appendRefusal appends the IA without a lease: the leases to give up, and a status. T1 and T2 are 0, as long as the
// valid lifetime of what is withdrawn (RFC 9915, Section 18.3.4). It reports whether it withdrew any; then there is no status.
func (e *Engine) appendRefusal(i int, code wire.StatusCode, text string, w withdrawal) bool {
	ia := &e.message.IAs[i]
	dst, mark := wire.OpenIA(e.dst, ia.Kind, ia.IAID)
	e.dst = dst
	before := len(e.dst)
	outgoing := e.appendWithdrawn(i, &binding.Key{}, w)
	withdrawn := len(e.dst) != before
	if outgoing != 0 { // the client keeps a lease, and asks for another one in time
		e.granted = append(e.granted, mark)
		if e.outgoing == 0 || outgoing < e.outgoing {
			e.outgoing = outgoing
		}
	}
	// Leases to give up and a status are alternatives (RFC 9915, Sections 18.3.4 and 18.3.5): clients drop an IA with a
	// status whole, and would keep what they shall give up.
	if code != wire.StatusSuccess && !withdrawn {
		e.noteStatus(code)
		e.dst = wire.AppendStatus(e.dst, code, text)
	}
	e.dst = wire.CloseOption(e.dst, mark)
	return withdrawn
}

// appendUnavailable says that there is nothing to assign (RFC 9915, Sections 18.3.2 and 18.3.9).
func (e *Engine) appendUnavailable(i int, w withdrawal) {
	e.lack = e.lackOf(i)
	if e.message.IAs[i].Kind == wire.IAPD {
		e.appendRefusal(i, wire.StatusNoPrefixAvail, "no prefix is free for you on this link", w)
		return
	}
	e.appendRefusal(i, wire.StatusNoAddrsAvail, "no address is free for you on this link", w)
}

func (e *Engine) appendLease(kind wire.Kind, key *binding.Key, preferred, valid uint32) {
	if kind == wire.IANA {
		e.dst = wire.AppendIAAddress(e.dst, &key.Address, preferred, valid)
		return
	}
	var exclude []byte
	var room [32]byte
	// RFC 6603, Section 5.2: only to a client that asks for it.
	if valid != 0 && e.message.Requests(wire.OptionPrefixExclude) {
		if pool := e.poolOf(kind, key); pool != nil && pool.Cut != nil {
			exclude = pool.ExcludeData(room[:0], &key.Address)
		}
	}
	e.dst = wire.AppendIAPrefix(e.dst, &key.Address, key.Length, preferred, valid, exclude)
}

// appendWithdrawn appends, with lifetimes 0, the leases in the client's IA that it has to give up; those of retiring pools with
// what is left of them, the shortest rest of which it returns.
func (e *Engine) appendWithdrawn(i int, keep *binding.Key, w withdrawal) (outgoing uint32) {
	if w == withdrawNothing {
		return 0
	}
	ia := &e.message.IAs[i]
	all := w == withdrawAll && e.policy.Single
	for lease, rest, ok := ia.NextLease(ia.Options); ok; lease, rest, ok = ia.NextLease(rest) {
		key := binding.Key{Address: lease.Address, Length: lease.Length}
		if key == *keep || lease.Address == [16]byte{} {
			continue
		}
		if rest, done := e.appendOutgoing(i, &key); done {
			if rest != 0 && (outgoing == 0 || rest < outgoing) {
				outgoing = rest
			}
			continue
		}
		if all || e.ours(&key) || slices.Contains(e.forfeit, key) || e.foreign(ia.Kind, &key) {
			e.appendLease(ia.Kind, &key, 0, 0)
		}
	}
	return outgoing
}

// ours tells whether the client IA has the lease from this node, and it lasts; or declined it here. Of a lease that has ended
// here, was superseded by a peer's, or belongs to a sibling's pool, a peer may know better; what no pool has any more, because
// the configuration has changed, none does.
func (e *Engine) ours(key *binding.Key) bool {
	r := e.held(key)
	if r == nil || e.policy.Single {
		return r != nil
	}
	return r.State() != binding.Superseded && r.Taken(e.now) && !Observed(r) && e.link.SiblingPool(r.Kind(), &key.Address, key.Length) == nil
}

// foreign tells whether a lease is known not to be appropriate for the client's link (RFC 9915, Section 4.2). A link
// without any configured prefix of the kind is one whose prefixes others know. A cluster's file says what all its
// nodes delegate; but what servers beside a single one delegate isn't configured anywhere, and a Rebind reaches them all.
func (e *Engine) foreign(kind wire.Kind, key *binding.Key) bool {
	if kind == wire.IANA {
		return len(e.link.OnLink) > 0 && !e.link.Appropriate(&key.Address)
	}
	known := len(e.link.Delegable) > 0 && (e.message.ServerID != nil || !e.policy.Single)
	return known && !e.link.AppropriatePrefix(&key.Address, key.Length)
}

// held is the client IA's record of the lease among those in e.found, or nil.
func (e *Engine) held(key *binding.Key) *binding.Record {
	for _, r := range e.found {
		if r.Key() == *key {
			return r
		}
	}
	return nil
}
