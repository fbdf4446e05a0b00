package config

import (
	"fmt"

	"github.com/lockstep6/lockstep6/core/wire"
)

// DefaultLifetimes hold where the file gives none: T1 and T2 are 0.5 and 0.8 of the preferred lifetime
// (RFC 9915, Section 21.4).
var DefaultLifetimes = Lifetimes{Preferred: 3000, Valid: 4800, Renew: 1500, Rebind: 2400}

// lifetimes checks lifetimes; without any the inherited ones hold. What a part of the file doesn't give follows
// from what it gives: values from two parts would seldom fit together.
func (c *checker) lifetimes(raw *rawLifetimes, inherited Lifetimes) Lifetimes {
	if raw == nil {
		return inherited
	}
	l := DefaultLifetimes
	switch {
	case raw.Preferred.ok:
		l.Preferred = raw.Preferred.value
		l.Valid = raw.Valid.or(share(l.Preferred, 8, 5))
	case raw.Valid.ok:
		l.Valid = raw.Valid.value
		l.Preferred = share(l.Valid, 5, 8)
	}
	l.Renew = raw.Renew.or(share(l.Preferred, 1, 2))
	l.Rebind = raw.Rebind.or(share(l.Preferred, 4, 5))
	order := []struct {
		name  string
		raw   *span
		value uint32
	}{
		{"renew (T1)", &raw.Renew, l.Renew},
		{"rebind (T2)", &raw.Rebind, l.Rebind},
		{"preferred", &raw.Preferred, l.Preferred},
		{"valid", &raw.Valid, l.Valid},
	}
	for i := 1; i < len(order); i++ {
		short, long := order[i-1], order[i]
		if short.value <= long.value || short.raw.given && !short.raw.ok || long.raw.given && !long.raw.ok {
			continue
		}
		at := raw.At
		if long.raw.given {
			at = long.raw.place
		}
		if short.raw.given {
			at = short.raw.place
		}
		c.fail(at, fmt.Sprintf("%s %s is longer than %s %s", short.name, FormatSpan(short.value), long.name, FormatSpan(long.value)),
			"renew <= rebind <= preferred <= valid must hold")
	}
	return l
}

// share is a part of a lifetime, or a multiple. What never ends stays so (RFC 9915, Section 21.4).
func share(seconds uint32, times, by uint64) uint32 {
	if seconds == wire.Infinity {
		return wire.Infinity
	}
	return uint32(min(uint64(seconds)*times/by, uint64(wire.Infinity)-1))
}

func rapidCommit(t *text, inherited RapidCommit) RapidCommit {
	if !t.ok {
		return inherited
	}
	return RapidCommit(wordIndex(t, "off|favoured|all"))
}

func clientIdentity(t *text, inherited Identity) Identity {
	if !t.ok {
		return inherited
	}
	return Identity(wordIndex(t, identityWords))
}
