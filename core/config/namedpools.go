package config

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/lockstep6/lockstep6/core/wire"
)

// Bounds of named pools.
const (
	MaxNameOptions = 8   // options that name pools, so that what they cost per message is bounded
	MaxPoolName    = 255 // octets
)

// NamedPools says where relays name the pools that a client's new leases come from.
type NamedPools struct {
	Options []NameOption // of those that tell the same thing the first one counts that is there
	Ignore  bool         // a name or a length that no pool of the link has is as good as none; else nothing is assigned
}

// A NameOption is an option of relays, or a part of one.
type NameOption struct {
	Code       wire.OptionCode
	Enterprise *uint32 // of Vendor-specific Information (RFC 9915, Section 21.17) and Remote-ID (RFC 4649); nil: of any
	Suboption  uint16  // of Vendor-specific Information
	Relay      int     // counted from the client's, from 0; -1: the nearest that has it
	Tells      NameTells
}

// NameTells says what the value of an option is.
type NameTells uint8

// What options of relays can tell.
const (
	TellsPool         NameTells = iota // the name of pools, of both kinds
	TellsAddressPool                   // of pools for IA_NA
	TellsPrefixPool                    // of pools for IA_PD
	TellsPrefixLength                  // the length of the prefix to delegate
)

const tellsWords = "pool|address-pool|prefix-pool|prefix-length"

// String is what a file calls it.
func (t NameTells) String() string { return strings.Split(tellsWords, "|")[t] }

// enterpriseNokia is the enterprise number of Nokia's service routers.
const enterpriseNokia = 6527

// nokia is what the relay of a 7750 SR adds: the suboptions WAN_POOL, PFX_POOL and PFX_LEN of its Vendor-specific Information (Nokia,
// Triple Play Service Delivery Architecture Guide, "DHCPv6 relay to third party
// DHCPv6 external server").
func nokia() []NameOption {
	enterprise := uint32(enterpriseNokia)
	return []NameOption{
		{wire.OptionVendorInformation, &enterprise, 1, -1, TellsAddressPool},
		{wire.OptionVendorInformation, &enterprise, 2, -1, TellsPrefixPool},
		{wire.OptionVendorInformation, &enterprise, 3, -1, TellsPrefixLength},
	}
}

// namedPools checks where relays name pools.
func (c *checker) namedPools(raw *rawRelays) *NamedPools {
	if raw == nil || raw.NamedPools == nil {
		return nil
	}
	r := raw.NamedPools
	n := &NamedPools{Ignore: r.Unknown.value == "ignore"}
	if r.Preset.ok {
		n.Options = nokia()
	}
	if !r.Preset.given && len(r.Options) == 0 {
		c.fail(r.At, "has no option in which relays name pools", "write preset: nokia, or options: [{option: ...}]")
	}
	for i := range r.Options {
		if o, ok := c.nameOption(&r.Options[i]); ok {
			n.Options = append(n.Options, o)
		}
	}
	if len(n.Options) > MaxNameOptions {
		c.fail(r.At.in("options"), fmt.Sprintf("has %d options, those of the preset included", len(n.Options)),
			fmt.Sprintf("up to %d are looked at", MaxNameOptions))
	}
	return n
}

// nameOption checks one option that names pools.
func (c *checker) nameOption(raw *rawNameOption) (o NameOption, ok bool) {
	code := c.anyCode(&raw.Option)
	o = NameOption{Code: wire.OptionCode(code), Suboption: uint16(raw.Suboption.value), Relay: -1, Tells: NameTells(wordIndex(&raw.Tells, tellsWords))}
	if raw.Relay.ok {
		o.Relay = int(raw.Relay.value)
	}
	if raw.Enterprise.ok {
		enterprise := uint32(raw.Enterprise.value)
		o.Enterprise = &enterprise
	}
	vendor := o.Code == wire.OptionVendorInformation
	before := len(c.errors)
	switch {
	case code == 0:
		return o, false
	case o.Code == wire.OptionRelayMessage:
		c.fail(raw.Option.place, "the Relay Message option holds the client's message, and no name", "write another option")
	case vendor && !raw.Enterprise.given:
		c.fail(raw.At.in("enterprise"), "is missing: each vendor has suboptions of its own", "add it: enterprise: 6527")
	case vendor && !raw.Suboption.given:
		c.fail(raw.At.in("suboption"), "is missing", "add it: suboption: 1")
	case !vendor && raw.Suboption.given:
		c.fail(raw.Suboption.place, "only option 17, Vendor-specific Information, has suboptions", "remove it, or write option: 17")
	case !vendor && o.Code != wire.OptionRemoteID && raw.Enterprise.given:
		c.fail(raw.Enterprise.place, fmt.Sprintf("option %d has no enterprise number", o.Code), "remove it; options 17 and 37 have one")
	}
	return o, len(c.errors) == before
}

// poolName checks a pool's name and who it is for.
func (c *checker) poolName(pool *Pool, name *text, only *flag, named *NamedPools) {
	if name.ok {
		c.poolNameForm(name)
		pool.Name = name.value
	}
	pool.NamedOnly = only.value
	switch {
	case !only.value:
	case !name.given:
		c.fail(only.place, "the pool has no name", "give it one: name: gold")
	case named == nil:
		c.fail(only.place, "nobody gets leases from the pool, for no relay can name it", "add relays: {named-pools: {preset: nokia}}, or the option that yours have")
	}
}

func (c *checker) poolNameForm(t *text) {
	control := strings.ContainsFunc(t.value, func(r rune) bool { return !unicode.IsPrint(r) })
	if len(t.value) > MaxPoolName || control || !utf8.ValidString(t.value) {
		c.fail(t.place, printable(t.value)+" can't be a pool's name", fmt.Sprintf("write up to %d printable octets, as the relay sends them", MaxPoolName))
	}
}

// matchNames checks the pools' names by which a link is found. It must be called when the link's pools are known.
func (c *checker) matchNames(l *Link, raw *rawMatch, named *NamedPools) {
	if raw == nil {
		return
	}
	for i := range raw.PoolNames.list {
		t := &raw.PoolNames.list[i]
		if !t.ok {
			continue
		}
		c.poolNameForm(t)
		l.PoolNames = append(l.PoolNames, t.value)
		called := func(p Pool) bool { return p.Name == t.value }
		switch {
		case named == nil:
			c.fail(t.place, "no relay can name a pool", "add relays: {named-pools: {preset: nokia}}, or the option that yours have")
		case !named.Ignore && !slices.ContainsFunc(l.Addresses, called) && !slices.ContainsFunc(l.Prefixes, called):
			c.fail(t.place, "no pool of the link has the name "+printable(t.value), "give it to a pool, or write relays: {named-pools: {unknown: ignore}}")
		}
	}
}

// nobodyNamed warns where relays name pools and no pool has a name.
func (c *checker) nobodyNamed(raw *rawRelays, cfg *Config) {
	named := cfg.Relays.NamedPools
	if named == nil || named.Ignore {
		return
	}
	lengthOnly := !slices.ContainsFunc(named.Options, func(o NameOption) bool { return o.Tells != TellsPrefixLength })
	has := func(p Pool) bool { return p.Name != "" }
	if !lengthOnly && !slices.ContainsFunc(cfg.Links, func(l Link) bool {
		return slices.ContainsFunc(l.Addresses, has) || slices.ContainsFunc(l.Prefixes, has)
	}) {
		c.warn(raw.NamedPools.At, "no pool has a name, so whoever's relay names a pool gets nothing", "give pools the names that relays use, or write unknown: ignore")
	}
}
