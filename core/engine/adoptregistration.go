package engine

import (
	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/wire"
)

// adoptRegistration is Adopt for an address that its client registered, while this node was away perhaps. All nodes hear
// registrations, so the one that heard the client last knows best.
func (e *Engine) adoptRegistration(told *Told) Adoption {
	if e.link.Registration == nil {
		return NotHere
	}
	for range claimTries {
		r := e.handle.Find(&told.Key)
		own := r != nil && r.Of(told.DUID, wire.Registered)
		became := AdoptedNew
		switch {
		case e.leased(r, &told.Key):
			return KnownBetter
		case r != nil && r.Registered() && (own || r.Live(e.now)):
			if heard := max(r.LastTransaction(), r.Since()); told.Last <= heard.Add(toldSlack) {
				return KnownBetter
			}
			became = AdoptedLater
		}
		if !(own && r.Live(e.now)) && e.registersEnough(r) {
			return AdoptionRefused
		}
		switch e.publish(r, e.toldRegistration(r, told)) {
		case binding.Published:
			return became
		case binding.Full:
			return AdoptionRefused
		}
	}
	return KnownBetter
}

// toldRegistration is the record of a registered address as the peer tells of it. It doesn't tell the lifetimes that the client
// said, only what is left of them.
func (e *Engine) toldRegistration(r *binding.Record, told *Told) *binding.Draft {
	valid := wire.Infinity
	if told.Expires != binding.Never {
		valid = uint32(told.Expires - told.Last)
	}
	e.registration = binding.Draft{
		Key: told.Key, Kind: wire.Registered, DUID: told.DUID,
		State: binding.Bound, Mark: e.mark, Preferred: valid, Valid: valid,
		LastTransaction: min(told.Last, e.now), Expires: told.Expires, Since: min(told.Since, told.Last, e.now),
		Extension: e.keptAs(told, r),
	}
	return &e.registration
}
