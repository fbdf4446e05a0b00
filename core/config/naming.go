package config

import (
	"bytes"
	"slices"

	"github.com/lockstep6/lockstep6/core/naming"
)

// naming lays what a part of the file says of names over what it inherits. Kept: there are zones.
func (c *checker) naming(raw *rawLinkDNS, r naming.Rules, kept bool) naming.Rules {
	r.Updates = raw.Updates.or(r.Updates)
	r.AllowOwn, r.AllowNone = raw.AllowOwn.or(r.AllowOwn), raw.AllowNone.or(r.AllowNone)
	if raw.Updates.value && !kept {
		c.fail(raw.Updates.place, "keeps DNS, and there is no zone", "add dns.zones, or say updates: false")
	}
	if raw.Domain.ok {
		r.Domain = raw.Domain.name()
		if r.Updates && kept && naming.Longest(r.Zones, r.Domain) < 0 {
			c.warn(raw.Domain.place, "lies in no forward zone, so names in it get no AAAA record", "add its zone to dns.zones")
		}
	}
	if raw.Clients.ok {
		r.Ignore = raw.Clients.value == "ignore"
	}
	if raw.Generate.ok {
		r.Generate = naming.Generate(wordIndex(&raw.Generate, "never|missing|always|sent"))
	}
	if raw.Prefix.ok {
		if r.Prefix = bytes.ToLower([]byte(raw.Prefix.value)); len(r.Prefix) > naming.MaxPrefix || !hostLetters(r.Prefix) || r.Prefix[0] == '-' {
			c.fail(raw.Prefix.place, printable(raw.Prefix.value)+" can't begin a name", "write up to 23 letters, digits and hyphens, no hyphen first")
		}
	}
	if raw.Substitute.ok {
		if r.Substitute = append([]byte(nil), bytes.ToLower(raw.Substitute.value)...); !hostLetters(r.Substitute) {
			c.fail(raw.Substitute.place, printable(string(raw.Substitute.value))+" has what hosts' names don't have", "write letters, digits and hyphens")
		}
	}
	if raw.Refused != nil {
		r.Refused = c.refusedNames(raw.Refused)
	}
	return r
}

func (c *checker) refusedNames(raw []text) (labels [][]byte) {
	for i := range raw {
		t := &raw[i]
		label := bytes.ToLower([]byte(t.value))
		switch {
		case !t.ok:
		case !hostLetters(label) || len(label) > maxLabel:
			c.fail(t.place, printable(t.value)+" is no first label of a name", "write one label of letters, digits and hyphens, as in wpad")
		default:
			labels = append(labels, label)
		}
	}
	return labels
}

// hostLetters tells whether all octets are such as hosts' names have (RFC 1123, Section 2.1).
func hostLetters(label []byte) bool {
	return !slices.ContainsFunc(label, func(c byte) bool {
		return !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-')
	})
}

// linkNaming is how a link's clients are named; nil: not at all.
func (c *checker) linkNaming(raw *rawLink, global *DNS) *naming.Rules {
	switch {
	case global == nil && raw.DNS != nil:
		c.fail(raw.DNS.At, "there is no section dns, from which links inherit", "add dns with the zones, or leave this out")
		return nil
	case global == nil:
		return nil
	case raw.DNS == nil:
		return &global.Naming
	}
	r := c.naming(raw.DNS, global.Naming, len(global.Zones) > 0)
	global.Updates = global.Updates || r.Updates
	return &r
}

// hostname is the name that a reservation gives its client: whole, or one label that the link's domain completes.
func (c *checker) hostname(raw *domain, rules *naming.Rules) naming.Name {
	if !raw.ok {
		return nil
	}
	name := raw.name()
	switch single := int(name[0])+2 == len(name); {
	case rules == nil:
		c.fail(raw.place, "names its client, and there is no section dns", "add dns: {domain: example.net}, or leave hostname out")
		return nil
	case single && rules.Domain == nil:
		c.fail(raw.place, "isn't whole, and there is no domain to complete it", "write the whole name, or add domain to dns or to the link's dns")
		return nil
	case single:
		name = append(name[:len(name)-1], rules.Domain...)
	}
	text := plainName(name)
	switch {
	case len(name) > naming.MaxName:
		c.fail(raw.place, text+" is too long", "255 octets are possible")
		return nil
	case string(name) == string(rules.Domain) || slices.ContainsFunc(rules.Zones, func(zone naming.Name) bool { return string(zone) == string(name) }):
		c.fail(raw.place, text+" is the name of a zone or of the domain", "give the client a name in it")
		return nil
	}
	return name
}
