package engine

import (
	"net/netip"

	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/policy"
	"github.com/lockstep6/lockstep6/core/wire"
)

// A Registering is what became of an address that a client registered and was told so (RFC 9686, Section 4.2.1). Its String is
// the metric's label.
type Registering uint8

// Registerings.
const (
	RegisteringNone    Registering = iota // the message registers nothing
	RegisteringNew                        // it is kept
	RegisteringAgain                      // it was kept for this client; its lifetime is what the client says now
	RegisteringMoved                      // it was kept for another client; it is this one's now
	RegisteringEnded                      // the client doesn't use it any more
	RegisteringUnknown                    // the client doesn't use it any more, and it wasn't kept for it
	RegisteringTooMany                    // it isn't kept: the client has as many as it may, or all clients together have
	RegisteringCount                      // how many there are; not one of them
)

// String is the metric's label.
func (r Registering) String() string {
	return [RegisteringCount]string{"none", "new", "again", "moved", "ended", "unknown", "too-many"}[r]
}

// registrationShare is the part of the table that registered addresses may take: what servers grant has the rest for itself.
const registrationShare = 2

// keptRecords is how many records of one client's registered addresses there may be for each that it may have: those that have
// ended stay for a while.
const keptRecords = 4

// register answers an ADDR-REG-INFORM (RFC 9686, Section 4.2.1). Every node of a cluster hears it, keeps the address and
// answers; the client takes the first reply.
func (e *Engine) register() wire.Drop {
	if e.link.Registration == nil {
		return wire.DropNotRegistering
	}
	said, drop := e.packet.Registration(&e.source)
	if drop != wire.DropNone {
		return drop
	}
	if !e.link.Registers(&said.Address) && !e.delegatedTo(&said.Address) {
		return wire.DropOffLink
	}
	key := binding.Key{Address: said.Address, Length: said.Length}
	for range claimTries {
		r := e.handle.Find(&key)
		if e.leased(r, &key) {
			return wire.DropLeased
		}
		if e.interfere != nil {
			e.interfere()
		}
		became, outcome := e.enter(r, &key, &said)
		switch outcome {
		case binding.Published:
			e.registering = became
			e.open(wire.AddrRegReply)
			e.dst = wire.AppendOption(e.dst, wire.OptionIAAddress, said.Data)
			return wire.DropNone
		case binding.Full:
			return wire.DropTableFull
		}
	}
	return wire.DropContended
}

// enter does with the address's record what the message says.
func (e *Engine) enter(r *binding.Record, key *binding.Key, said *wire.Registration) (Registering, binding.Outcome) {
	own := r != nil && r.Of(e.message.ClientID, wire.Registered)
	switch {
	case said.Valid == 0 && !own:
		return RegisteringUnknown, binding.Published
	case said.Valid == 0:
		// RFC 9686, Section 4.6.3: as if it had expired.
		return RegisteringEnded, e.end(r, binding.Released)
	case own && r.Live(e.now):
		return RegisteringAgain, e.publish(r, e.registered(r, key, said, r.Since()))
	}
	if e.registersEnough(r) {
		return RegisteringTooMany, binding.Published
	}
	became, draft := RegisteringNew, e.registered(r, key, said, e.now)
	if r != nil && r.Registered() && r.Live(e.now) {
		became, draft.Flags = RegisteringMoved, FlagMoved
	}
	return became, e.publish(r, draft)
}

// registered is the record of an address that a client registers; it has had it since then.
func (e *Engine) registered(r *binding.Record, key *binding.Key, said *wire.Registration, since binding.Time) *binding.Draft {
	id := address.Identity{DUID: e.message.ClientID, Kind: wire.Registered}
	e.registration = binding.Draft{
		Key: *key, Kind: wire.Registered, DUID: e.message.ClientID,
		State: binding.Bound, Mark: e.mark,
		Preferred: min(said.Preferred, said.Valid), Valid: said.Valid,
		LastTransaction: e.now, Expires: e.now.Add(said.Valid), Since: since,
		Extension: e.keptWith(&id, key, r),
	}
	return &e.registration
}

// registersEnough tells whether one more address is too much for the client, or for the table. Where one takes the place of
// another client's the table has none more; where it takes that of a lease which has ended it has.
func (e *Engine) registersEnough(r *binding.Record) bool {
	limit := e.link.Registration.PerClient
	if live, all := e.handle.Registrations(e.message.ClientID, e.now); live >= limit || all >= limit*keptRecords {
		return true
	}
	return (r == nil || !r.Registered()) && e.site.Registered() >= uint64(e.policy.Config().Store.Capacity)/registrationShare
}

// leased tells whether an address is one that a server gave to a client, this one too, or declined for one, or keeps for another
// client than this: such a one isn't registered (RFC 9686, Section 4.2.1).
func (e *Engine) leased(r *binding.Record, key *binding.Key) bool {
	if holder := e.link.Reserved(&key.Address, key.Length); holder != nil && holder != e.reserved {
		return true
	}
	if !e.policy.Single {
		for _, c := range e.view.Conflicts.On(key) {
			if c.Expires > e.now {
				return true
			}
		}
	}
	switch {
	case r == nil || r.Registered() || r.State() == binding.Released:
		return false
	case r.State() == binding.Declined:
		return r.Taken(e.now)
	default:
		return !e.over(r)
	}
}

// delegatedTo tells whether an address lies in a prefix that the client was delegated.
func (e *Engine) delegatedTo(addr *[16]byte) bool {
	holds := func(key binding.Key) bool {
		r := e.handle.Find(&key)
		return r != nil && r.Live(e.now) && r.Of(e.message.ClientID, wire.IAPD)
	}
	if prefix, length, ok := e.link.Around(addr); ok && holds(binding.Key{Address: prefix, Length: length}) {
		return true
	}
	return e.reserved != nil && e.inReserved(e.reserved, addr, holds)
}

// inReserved tells whether an address lies in a prefix that is reserved for the client and that it holds.
func (e *Engine) inReserved(own *policy.Reservation, addr *[16]byte, holds func(binding.Key) bool) bool {
	for _, p := range own.Prefixes {
		if p.Contains(netip.AddrFrom16(*addr)) && holds(binding.Key{Address: p.Addr().As16(), Length: uint8(p.Bits())}) {
			return true
		}
	}
	return false
}

// yields tells whether a registered address may be given to IA number i: to the client that registered it; and in a cluster to one that
// says to hold it, unless this node would know: a server gave it that, and anybody can register.
func (e *Engine) yields(r *binding.Record, i int) bool {
	if r.Of(e.message.ClientID, wire.Registered) {
		return true
	}
	key := r.Key()
	return !e.policy.Single && e.claims() && e.names(&e.message.IAs[i], &key) && !(e.message.Type == wire.Renew && e.neverGranted(r))
}
