package config

type rawRegistration struct {
	At        place  `json:"-"`
	On        flag   `json:"enabled,omitempty" jsonschema:"Whether addresses are registered, on links that don't say it themselves." default:"true" example:"true"`
	PerClient number `json:"per-client,omitempty" jsonschema:"How many addresses one client (its DUID) may have registered at a time, on all links. What goes beyond is acknowledged, and isn't kept." min:"1" max:"1024" default:"32" example:"32"`
}

type rawLinkRegistration struct {
	At        place    `json:"-"`
	On        flag     `json:"enabled,omitempty" jsonschema:"Whether addresses are registered on this link." default:"true" example:"false"`
	PerClient number   `json:"per-client,omitempty" jsonschema:"How many addresses one client (its DUID) may have registered at a time for more of this link's to be kept." min:"1" max:"1024" default:"that of address-registration" example:"64"`
	Prefixes  []subnet `json:"prefixes,omitempty" jsonschema:"Prefixes from which hosts on this link give themselves addresses, beside match.link-addresses and the address pools: what routers announce there. No other address is registered, but for those in a prefix that the client was delegated." example:"[\"2001:db8:1::/64\", \"fd00:1::/64\"]"`
}
