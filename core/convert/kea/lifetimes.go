package kea

import (
	"fmt"
	"math"

	"github.com/lockstep6/lockstep6/core/convert/draft"
)

// Kea's lifetimes where it is told none, in seconds.
const (
	defaultPreferred = 3600
	defaultValid     = 7200
)

// times are the lifetimes and timers that hold in a place.
type times struct {
	preferred, valid uint32
	renew, rebind    uint32
	at               draft.Place
	spoken           bool // rebind stands in the file, or its share of the preferred lifetime
	altered          string
}

// lifetimesOf is what holds for the innermost of these maps.
func (t *translator) lifetimesOf(scopes ...*value) times {
	l := times{at: scopes[0].at, valid: lifetime("valid-lifetime", defaultValid, scopes), preferred: lifetime("preferred-lifetime", defaultPreferred, scopes)}
	l.timers(scopes)
	l.fit()
	return l
}

// lifetime is the value of a lifetime.
func lifetime(name string, byDefault uint32, scopes []*value) uint32 {
	if f := inherited(name, scopes...); f != nil {
		return uint32(f.number)
	}
	return byDefault
}

// classLifetimes are those of a class's members. Where a class has only bounds of a lifetime, the lower one counts.
func (t *translator) classLifetimes(v *value) times {
	l := t.lifetimesOf(v, t.kea)
	for name, to := range map[string]*uint32{"valid-lifetime": &l.valid, "preferred-lifetime": &l.preferred} {
		for _, bound := range []string{"max-" + name, "min-" + name} {
			if f := v.get(bound); f != nil && !v.has(name) {
				*to = uint32(f.number)
			}
		}
	}
	l.timers([]*value{v, t.kea})
	l.altered = ""
	l.fit()
	return l
}

// share is a part of a lifetime, as Kea rounds it.
func share(of uint32, name string, byDefault float64, scopes []*value) uint32 {
	part := byDefault
	if f := inherited(name, scopes...); f != nil {
		part = f.float()
	}
	if of == math.MaxUint32 {
		return of
	}
	return uint32(math.Round(part * float64(of)))
}

func (f *field) float() float64 {
	if f.kind == kindInteger {
		return float64(f.number)
	}
	return f.real
}

// timers are T1 and T2 as Kea sends them: those that are configured, else their share of the preferred lifetime, else 0.
// A T1 that isn't below T2 is sent as 0.
func (l *times) timers(scopes []*value) {
	calculate := flag("calculate-tee-times", true, scopes...)
	first, second := share(l.preferred, "t1-percent", 0.5, scopes), share(l.preferred, "t2-percent", 0.8, scopes)
	one := func(name string, share uint32) uint32 {
		if f := inherited(name, scopes...); f != nil {
			l.spoken = true
			return uint32(f.number)
		}
		if calculate {
			return share
		}
		return 0
	}
	l.rebind = one("rebind-timer", second)
	if l.renew = one("renew-timer", first); l.renew >= l.rebind && l.renew != math.MaxUint32 {
		l.renew = 0
	}
	for _, v := range scopes {
		l.spoken = l.spoken || v.has("t1-percent") || v.has("t2-percent")
	}
	l.spoken = l.spoken || !calculate
}

// fit makes lifetimes keep to renew <= rebind <= preferred <= valid, which Kea doesn't ask for.
func (l *times) fit() {
	before := *l
	l.valid = max(l.valid, 1)
	l.preferred = min(l.preferred, l.valid)
	l.rebind = min(l.rebind, l.preferred)
	l.renew = min(l.renew, l.rebind)
	if *l != before {
		l.altered = fmt.Sprintf("Kea has preferred %d, valid %d, T1 %d and T2 %d; T1 <= T2 <= preferred <= valid holds here", before.preferred, before.valid, before.renew, before.rebind)
	}
}

// same tells whether lifetimes are equal, wherever they stand.
func (l times) same(o times) bool {
	return l.preferred == o.preferred && l.valid == o.valid && l.renew == o.renew && l.rebind == o.rebind
}

// putLifetimes writes a table of lifetimes. Timers that are the halves and fifths that hold here anyway are left out.
func (t *translator) putLifetimes(n *draft.Node, l times) {
	n.Set("preferred", draft.Seconds(l.preferred))
	n.Set("valid", draft.Seconds(l.valid))
	if l.spoken || l.altered != "" {
		n.Set("renew", draft.Seconds(l.renew))
		n.Set("rebind", draft.Seconds(l.rebind))
	}
	if l.altered != "" {
		t.d.Changed(n, l.at, "lifetimes", l.altered)
	}
}

// wishes says where clients may choose lifetimes in Kea.
func (t *translator) wishes(n *draft.Node, v *value) {
	for _, name := range []string{"preferred-lifetime", "valid-lifetime"} {
		least, most := v.get("min-"+name), v.get("max-"+name)
		given := v.get(name)
		for _, f := range []*field{least, most} {
			if f != nil && (given == nil || f.number != given.number) {
				t.d.Changed(n, f.at, f.name, "a client that wishes for another lifetime gets the one that is set, not one between min and max")
				break
			}
		}
	}
	if f := v.get("adaptive-lease-time-threshold"); f != nil {
		t.lost(n, f.value, f.name, "lifetimes don't depend on how full pools are")
	}
}

// checkTimes finds what Kea refuses of the lifetimes and timers of a place.
func (t *translator) checkTimes(scopes ...*value) {
	v := scopes[0]
	t.checkTriplet("preferred-lifetime", defaultPreferred, scopes)
	t.checkTriplet("valid-lifetime", defaultValid, scopes)
	one, two := inherited("renew-timer", scopes...), inherited("rebind-timer", scopes...)
	if one != nil && two != nil && one.number > two.number && (v.has("renew-timer") || v.has("rebind-timer")) {
		t.refuse(one.at, fmt.Sprintf("renew-timer %d is greater than rebind-timer %d", one.number, two.number), "T1 comes before T2")
	}
	for _, name := range []string{"t1-percent", "t2-percent", "cache-threshold"} {
		if f := v.get(name); f != nil && (f.float() <= 0 || f.float() >= 1) {
			t.refuse(f.at, fmt.Sprintf("%s is %v", name, f.float()), "it must be greater than 0 and less than 1")
		}
	}
	one, two = inherited("t1-percent", scopes...), inherited("t2-percent", scopes...)
	first, second := 0.5, 0.8
	at := v.at
	if one != nil {
		first, at = one.float(), one.at
	}
	if two != nil {
		second, at = two.float(), two.at
	}
	if (v.has("t1-percent") || v.has("t2-percent")) && first >= second && flag("calculate-tee-times", true, scopes...) {
		t.refuse(at, fmt.Sprintf("t1-percent %v isn't less than t2-percent %v", first, second), "")
	}
}

func (t *translator) checkTriplet(name string, byDefault int64, scopes []*value) {
	v := scopes[0]
	given, least, most := inherited(name, scopes...), v.get("min-"+name), v.get("max-"+name)
	set, bounded := byDefault, true
	if given != nil {
		set = given.number
	} else {
		bounded = scopes[len(scopes)-1] == t.kea // a class has no value but its bounds
	}
	low, high := int64(math.MinInt64), int64(math.MaxInt64)
	if least != nil {
		low = least.number
	}
	if most != nil {
		high = most.number
	}
	switch {
	case low > high:
		t.refuse(least.at, fmt.Sprintf("min-%s %d isn't less than max-%s %d", name, low, name, high), "")
	case bounded && (set < low || set > high):
		t.refuse(v.at, fmt.Sprintf("%s %d isn't between its min and its max", name, set), "")
	}
}
