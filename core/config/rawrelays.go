package config

type rawRelays struct {
	At         place          `json:"-"`
	Supplied   []codeRef      `json:"supplied-options,omitempty" jsonschema:"Options that relays may supply for clients (RFC 6422), by code or name, where the server has none of its own. The default is what IANA lists as permitted; others only count when they stand here." default:"[65]" example:"[65]"`
	Allow      []subnet       `json:"allow,omitempty" jsonschema:"Relays that are listened to: prefixes or addresses from which they send. Where relays pass on what other relays sent, all of them must be in it. Other relays' messages are dropped." default:"all relays" example:"[\"2001:db8:ffff::/48\"]"`
	NamedPools *rawNamedPools `json:"named-pools,omitempty" jsonschema:"Where relays name the pools that a client's new leases come from; without it they can't." example:"{preset: nokia}"`
}

type rawNamedPools struct {
	At      place           `json:"-"`
	Preset  text            `json:"preset,omitempty" jsonschema:"A vendor whose relays are understood: nokia has WAN_POOL, PFX_POOL and PFX_LEN in the Vendor-specific Information option of enterprise 6527. It comes before options." enum:"nokia" example:"nokia"`
	Options []rawNameOption `json:"options,omitempty" jsonschema:"Options of relays that name pools or tell the length of prefixes. Of two that tell the same thing the first one counts that is there." example:"[{option: subscriber-id}]"`
	Unknown text            `json:"unknown,omitempty" jsonschema:"What becomes of a name that no pool of the client's link has, or of a length: the client gets no new lease of the kind, or what it would get without." enum:"refuse|ignore" default:"refuse" example:"ignore"`
}

type rawNameOption struct {
	At         place   `json:"-"`
	Option     codeRef `json:"option" jsonschema:"The option, by code or name." example:"17"`
	Enterprise number  `json:"enterprise,omitempty" jsonschema:"The vendor's enterprise number, of options 17 and 37." default:"of option 37 any" example:"6527"`
	Suboption  number  `json:"suboption,omitempty" jsonschema:"The suboption's code, of option 17." min:"0" max:"65535" example:"1"`
	Relay      number  `json:"relay,omitempty" jsonschema:"Which relay's, counted from the client: 0 is the one nearest to it." min:"0" max:"8" default:"the nearest one that has it" example:"0"`
	Tells      text    `json:"tells,omitempty" jsonschema:"What its value is: the name of the pools of both kinds, of those of one kind, or the length of a delegated prefix." enum:"pool|address-pool|prefix-pool|prefix-length" default:"pool" example:"address-pool"`
}
