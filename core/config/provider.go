package config

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A ProviderPrefix is a prefix that isn't in the file: somebody else gives it, and it can change while the node runs. Exactly one
// of File, Interface and API is set.
type ProviderPrefix struct {
	Name      string
	File      string // its first line is the prefix
	Interface string // has an address in the prefix
	API       bool   // an operator, or a program, sets it
	Length    int    // of the prefix; 0: any
	Provided         // what the file was read with
	Links     []string
}

// Provided is what is known of a provider's prefix.
type Provided struct {
	Prefix netip.Prefix   // invalid: none is known
	Former []netip.Prefix // those before it, of which bindings may live
}

// An offset is what is written NAME+SUFFIX: the address bits behind a provider's prefix. Zero: it isn't written so.
type offset struct{ name, suffix string }

// A use is a place where an offset stands.
type use struct {
	offset
	place
}

const (
	offsetRemedy = "write NAME+SUFFIX, such as \"uplink+0:0:0:1::/64\" for the subnet number 1 of a /56"
	maxProviders = 16
)

var providerName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

// offsetPlaces are where a provider's prefix can stand: on links, in options, and in stored reservations.
var offsetPlaces = regexp.MustCompile(`^(links\[\d+\]\.(match\.link-addresses|addresses|prefixes|reservations|address-registration|options)|options|stored|classes\[\d+\]\.options)\b`)

// behind replaces NAME+SUFFIX by addresses, as the configuration would write them. False: there is nothing to read on; either that is a
// fault, or no prefix is known, which counts.
func (c *checker) behind(s string, at place) (text string, from offset, ok bool) {
	name, suffix, is := strings.Cut(s, "+")
	if !is {
		return s, offset{}, true
	}
	from = offset{strings.TrimSpace(name), strings.TrimSpace(suffix)}
	if !offsetPlaces.MatchString(at.path) {
		c.fail(at, "a provider's prefix can't stand here", "it can in link-addresses, addresses, prefixes, reservations and options of links, and in options")
		return "", from, false
	}
	c.uses = append(c.uses, use{from, at})
	prefix := c.provided[from.name].Prefix
	known := prefix.IsValid()
	if !known {
		prefix = netip.PrefixFrom(netip.IPv6Unspecified(), 0)
	}
	text, problem := from.under(prefix)
	if problem != "" {
		c.fail(at, problem, offsetRemedy)
		return "", from, false
	}
	if !known {
		c.absent++
	}
	return text, from, known
}

// under is what the offset means behind a prefix, or what is wrong with it.
func (o offset) under(prefix netip.Prefix) (text, problem string) {
	if front, length, is := strings.Cut(o.suffix, "/"); is {
		bits, err := strconv.ParseUint(length, 10, 8)
		switch {
		case err != nil || bits > 128:
			return "", printable(o.suffix) + " has no proper length"
		case int(bits) < prefix.Bits():
			return "", fmt.Sprintf("%s is larger than the provider's prefix, which has %d bits", printable(o.suffix), prefix.Bits())
		}
		text, problem = behindPrefix(prefix, front)
		return text + "/" + length, problem
	}
	first, last, isRange := strings.Cut(o.suffix, "-")
	text, problem = behindPrefix(prefix, first)
	if problem != "" || !isRange {
		return text, problem
	}
	end, problem := behindPrefix(prefix, last)
	return text + "-" + end, problem
}

// ParsePrefix reads a prefix that a provider gives, of a length in bits, or (0) any.
func ParsePrefix(text string, length int) (netip.Prefix, error) {
	prefix, err := netip.ParsePrefix(text)
	switch {
	case err != nil || !prefix.Addr().Is6():
		return netip.Prefix{}, fmt.Errorf("%s isn't an IPv6 prefix; write one such as 2001:db8:ab00::/56", printable(text))
	case prefix != prefix.Masked():
		return netip.Prefix{}, fmt.Errorf("%s has bits set behind its length; write %s", prefix, prefix.Masked())
	case length > 0 && prefix.Bits() != length:
		return netip.Prefix{}, fmt.Errorf("%s has %d bits, and length says %d", prefix, prefix.Bits(), length)
	case prefix.Bits() == 0 || prefix.Bits() == 128:
		return netip.Prefix{}, fmt.Errorf("%s is no prefix that addresses could stand behind", prefix)
	}
	if why := unassignable(prefix.Addr(), lastOf(prefix)); why != "" {
		return netip.Prefix{}, fmt.Errorf("%s %s", prefix, why)
	}
	return prefix, nil
}

// LongestValid is the longest valid lifetime that any client is told, in seconds.
func (c *Config) LongestValid() (longest uint32) {
	for i := range c.Links {
		longest = max(longest, c.Links[i].Defaults.Lifetimes.Valid)
		for _, pools := range [][]Pool{c.Links[i].Addresses, c.Links[i].Prefixes} {
			for k := range pools {
				if own := pools[k].Lifetimes; own != nil {
					longest = max(longest, own.Valid)
				}
			}
		}
	}
	for i := range c.Classes {
		if own := c.Classes[i].Lifetimes; own != nil {
			longest = max(longest, own.Valid)
		}
	}
	return longest
}

// behindPrefix puts the bits of an address behind a prefix.
func behindPrefix(prefix netip.Prefix, suffix string) (text, problem string) {
	suffix = strings.TrimSpace(suffix)
	addr, err := netip.ParseAddr(suffix)
	if err != nil || !addr.Is6() || addr.Is4In6() || addr.Zone() != "" {
		return "", printable(suffix) + " isn't an IPv6 address whose bits could stand behind a provider's prefix"
	}
	if netip.PrefixFrom(addr, prefix.Bits()).Masked().Addr() != netip.IPv6Unspecified() {
		return "", fmt.Sprintf("%s has bits set among the first %d, which are the provider's", suffix, prefix.Bits())
	}
	octets, front := addr.As16(), prefix.Addr().As16()
	for i := range octets {
		octets[i] |= front[i]
	}
	return netip.AddrFrom16(octets).String(), ""
}

// providers checks the sources of prefixes, and that what stands behind them has one.
func (c *checker) providers(raw *rawConfig) (out []ProviderPrefix) {
	if len(raw.Providers) > maxProviders {
		c.fail(raw.Providers[maxProviders].At, fmt.Sprintf("is one more than the %d that there can be", maxProviders), "write fewer")
	}
	names := make([]string, 0, len(raw.Providers))
	for i := range raw.Providers {
		p := &raw.Providers[i]
		if !p.At.given() {
			continue
		}
		c.provider(p, names)
		names = append(names, p.Name.value)
		out = append(out, ProviderPrefix{
			Name: p.Name.value, File: p.File.value, Interface: p.Interface.value, API: p.API.value, Length: int(p.Length.value),
			Provided: c.provided[p.Name.value],
		})
	}
	for _, u := range c.uses {
		at := slices.Index(names, u.name)
		if at < 0 {
			c.fail(u.place, "there is no provider prefix "+printable(u.name), suggest(u.name, names)+"; provider-prefixes lists them")
			continue
		}
		c.used(&out[at], &u, raw)
	}
	for i := range out {
		c.unknownPrefix(&out[i], raw.Providers)
	}
	return out
}

// provider checks one source by itself. Names are those of the sources before it.
func (c *checker) provider(p *rawProvider, names []string) {
	switch {
	case !p.Name.ok:
	case !providerName.MatchString(p.Name.value):
		c.fail(p.Name.place, printable(p.Name.value)+" can't be a name", "write up to 63 letters, digits, hyphens, underscores and dots")
	case slices.Contains(names, p.Name.value):
		c.fail(p.Name.place, "another one has this name", "give each its own name")
	}
	given := 0
	for _, is := range []bool{p.File.ok && p.File.value != "", p.Interface.ok && p.Interface.value != "", p.API.value} {
		if is {
			given++
		}
	}
	if given != 1 {
		c.fail(p.At, fmt.Sprintf("has %d sources", given), "write exactly one of file, interface and api: true")
	}
	if p.Interface.given && !p.Length.given {
		c.fail(p.At.in("length"), "is missing: an interface's address doesn't tell it", "write the length of the delegated prefix: length: 56")
	}
}

// used notes on which link a prefix is used, and checks what stands behind one whose length is known while it isn't.
func (c *checker) used(p *ProviderPrefix, u *use, raw *rawConfig) {
	if !p.Prefix.IsValid() && p.Length > 0 {
		_, wrong := u.under(netip.PrefixFrom(netip.IPv6Unspecified(), 0)) // that is told already
		if _, problem := u.under(netip.PrefixFrom(netip.IPv6Unspecified(), p.Length)); problem != "" && wrong == "" {
			c.fail(u.place, problem, offsetRemedy)
		}
	}
	var link int
	if _, err := fmt.Sscanf(u.path, "links[%d]", &link); err != nil || link >= len(raw.Links) {
		return
	}
	if name := raw.Links[link].Name.value; !slices.Contains(p.Links, name) {
		p.Links = append(p.Links, name)
	}
}

// unknownPrefix warns of what a prefix lacks that isn't known.
func (c *checker) unknownPrefix(p *ProviderPrefix, raw []rawProvider) {
	at := slices.IndexFunc(raw, func(r rawProvider) bool { return r.Name.value == p.Name })
	switch {
	case len(p.Links) == 0 && !slices.ContainsFunc(c.uses, func(u use) bool { return u.name == p.Name }):
		c.warn(raw[at].At, "nothing uses the provider prefix "+printable(p.Name), "write "+p.Name+"+SUFFIX in a pool, or leave it out")
	case !p.Prefix.IsValid():
		links := make([]string, len(p.Links))
		for i := range links {
			links[i] = printable(p.Links[i])
		}
		c.warn(raw[at].At, fmt.Sprintf("no prefix is known of %s yet, so what stands behind it is left out, on links %s", p.Name, strings.Join(links, ", ")),
			"a node takes it from its source when there is one; to check what comes of it: --provider-prefix "+p.Name+"=PREFIX")
	}
}
