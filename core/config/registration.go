package config

import "net/netip"

// Registration says which addresses are registered on a link that clients gave themselves (RFC 9686).
type Registration struct {
	PerClient int            // how many one client may have
	Prefixes  []netip.Prefix // on the link, beside its link-addresses and address pools
}

// DefaultRegistrations is how many addresses one client may have registered: stable and temporary ones of some prefixes
// (RFC 8981, Section 3.8, has a new one each day, and each lasts two), with room for containers.
const DefaultRegistrations = 32

// registration is what a link says of address registration, over what holds for all links; nil: its addresses aren't registered.
// It is called when the link's other prefixes are checked.
func (c *checker) registration(raw *rawLink, all *rawRegistration) *Registration {
	r := &Registration{PerClient: DefaultRegistrations}
	on, at := false, raw.At.in("address-registration")
	if all != nil {
		on = !all.On.ok || all.On.value
		r.PerClient = int(all.PerClient.or(DefaultRegistrations))
	}
	if own := raw.Registration; own != nil {
		on, at = !own.On.ok || own.On.value, own.At
		r.PerClient = int(own.PerClient.or(uint64(r.PerClient)))
		for i := range own.Prefixes {
			if p := &own.Prefixes[i]; p.ok {
				r.Prefixes = append(r.Prefixes, p.value)
			}
		}
	}
	if !on || raw.Registration != nil && raw.Registration.On.given && !raw.Registration.On.ok {
		return nil
	}
	if !raw.hasPrefixes() {
		c.fail(at, "addresses are to be registered, and nothing says which prefixes are on the link",
			"write address-registration: {prefixes: [...]} for the link, or address-registration: {enabled: false}")
	}
	return r
}

// hasPrefixes tells whether any address can be appropriate to the link, or lie in a prefix that its client was delegated.
func (l *rawLink) hasPrefixes() bool {
	if len(l.Addresses)+len(l.Prefixes)+len(l.Reservations) > 0 || l.Registration != nil && len(l.Registration.Prefixes) > 0 {
		return true
	}
	if l.Match == nil {
		return false
	}
	for i := range l.Match.LinkAddresses {
		p := &l.Match.LinkAddresses[i]
		if !p.ok || p.value.Bits() < 128 && !p.value.Addr().IsLinkLocalUnicast() {
			return true // what is no prefix has its own fault, and what a provider hasn't given yet will be one
		}
	}
	return false
}
