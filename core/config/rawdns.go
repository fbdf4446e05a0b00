package config

type rawDNS struct {
	At         place        `json:"-"`
	Updates    flag         `json:"updates,omitempty" jsonschema:"Whether the servers keep DNS. With false names are kept with bindings and told to clients, who are told too that nobody keeps them in DNS; records that there are go when their bindings end or are renewed. Links inherit this and what follows up to refused-names, one by one." default:"true where there are zones" example:"true"`
	Domain     domain       `json:"domain,omitempty" jsonschema:"Completes names that aren't whole, and those that clients would have elsewhere." example:"clients.example.net"`
	Clients    text         `json:"client-names,omitempty" jsonschema:"Whether what clients call themselves counts." enum:"use|ignore" default:"use" example:"use"`
	Generate   text         `json:"generate,omitempty" jsonschema:"When a name is made from the lease's address, as in host-2001-db8--17: never, where the client has no name that can be used, for every client, or for every client that sent a name." enum:"never|missing|always|sent" default:"never" example:"missing"`
	Prefix     text         `json:"generate-prefix,omitempty" jsonschema:"What such names begin with: up to 23 letters, digits and hyphens." default:"host" example:"dyn"`
	AllowOwn   flag         `json:"allow-own-updates,omitempty" jsonschema:"Whether a client that wants to keep its AAAA record itself (S is 0) may. The server keeps the PTR record then." default:"false" example:"true"`
	AllowNone  flag         `json:"allow-no-updates,omitempty" jsonschema:"Whether a client that wants nothing in DNS (N is 1) gets that." default:"false" example:"true"`
	Substitute octets       `json:"substitute,omitempty" jsonschema:"What stands for each octet that hosts' names don't have: letters, digits and hyphens. Without it such octets are left out." min:"0" max:"8" example:"x"`
	Refused    []text       `json:"refused-names,omitempty" jsonschema:"First labels that no client may call itself." default:"[wpad, isatap, localhost]" example:"[wpad, isatap, localhost, www]"`
	TTL        span         `json:"ttl,omitempty" jsonschema:"The TTL of records." min:"1" max:"604800" default:"a third of the valid lifetime, 10 minutes at least (RFC 4704, Section 7)" example:"1h"`
	Conflicts  text         `json:"conflicts,omitempty" jsonschema:"What becomes of a name that another client has: it stays that client's (RFC 4703, Section 5.3), or it is the new client's from now on." enum:"check|take-over" default:"check" example:"check"`
	Prefixes   flag         `json:"delegated-prefixes,omitempty" jsonschema:"Whether a delegated prefix has wildcard PTR records in the reverse zone." default:"false" example:"true"`
	Zones      []rawDNSZone `json:"zones,omitempty" jsonschema:"The zones that are kept, forward and reverse. Of several that a name lies in the longest counts." example:"[{zone: example.net, servers: [\"2001:db8::53\"], key: updates}]"`
	Keys       []rawDNSKey  `json:"keys,omitempty" jsonschema:"Keys that sign updates (TSIG, RFC 8945)." example:"[{name: updates, secret: file:dns.key}]"`
	Timeout    span         `json:"timeout,omitempty" jsonschema:"How long an update waits for its answer before it is tried again." min:"1" max:"60" default:"2s" example:"2s"`
	Parallel   number       `json:"parallel,omitempty" jsonschema:"How many updates are on their way at a time." min:"1" max:"1000" default:"16" example:"16"`
	Queue      number       `json:"queue,omitempty" jsonschema:"How many changes of bindings may wait for DNS. What comes beyond that only an audit finds." min:"1000" max:"100000000" default:"1000000" example:"1000000"`
	GiveUp     span         `json:"give-up,omitempty" jsonschema:"After how long a change that DNS doesn't take is dropped." min:"60" default:"1d" example:"1d"`
	Audit      span         `json:"audit,omitempty" jsonschema:"How often the node compares its zones with the bindings by itself; infinite: never." min:"600" default:"infinite" example:"1d"`
}

type rawLinkDNS struct {
	At         place  `json:"-"`
	Updates    flag   `json:"updates,omitempty" jsonschema:"Whether the servers keep DNS for the link's clients." default:"the global one" example:"false"`
	Domain     domain `json:"domain,omitempty" jsonschema:"Completes names." default:"the global one" example:"guests.example.net"`
	Clients    text   `json:"client-names,omitempty" jsonschema:"Whether what clients call themselves counts." enum:"use|ignore" default:"the global one" example:"ignore"`
	Generate   text   `json:"generate,omitempty" jsonschema:"When a name is made from the lease's address." enum:"never|missing|always|sent" default:"the global one" example:"always"`
	Prefix     text   `json:"generate-prefix,omitempty" jsonschema:"What such names begin with." default:"the global one" example:"guest"`
	AllowOwn   flag   `json:"allow-own-updates,omitempty" jsonschema:"Whether a client may keep its AAAA record itself." default:"the global one" example:"false"`
	AllowNone  flag   `json:"allow-no-updates,omitempty" jsonschema:"Whether a client may want nothing in DNS." default:"the global one" example:"false"`
	Substitute octets `json:"substitute,omitempty" jsonschema:"What stands for each octet that hosts' names don't have; empty: such octets are left out." min:"0" max:"8" default:"the global one" example:"x"`
	Refused    []text `json:"refused-names,omitempty" jsonschema:"First labels that no client may call itself, instead of the global ones." default:"the global ones" example:"[]"`
}

type rawDNSZone struct {
	At      place    `json:"-"`
	Zone    zoneName `json:"zone" jsonschema:"Its name, or of a reverse zone the prefix, whose length is a multiple of 4." example:"2001:db8::/32"`
	Servers []text   `json:"servers" jsonschema:"Servers that take its updates, the primary first: [ADDRESS]:PORT, or an address for port 53. The next one is asked where one doesn't answer." example:"[\"2001:db8::53\", \"[::1]:5353\"]"`
	Key     domain   `json:"key,omitempty" jsonschema:"The key among dns.keys that signs them." default:"none: updates aren't signed" example:"updates"`
}

type rawDNSKey struct {
	At        place  `json:"-"`
	Name      domain `json:"name" jsonschema:"What the DNS servers call it." example:"updates"`
	Algorithm text   `json:"algorithm,omitempty" jsonschema:"Its algorithm." enum:"hmac-sha256|hmac-sha384|hmac-sha512" default:"hmac-sha256" example:"hmac-sha256"`
	Secret    text   `json:"secret" jsonschema:"Where the secret comes from: file:NAME or env:NAME, in base64, or a file as BIND's tsig-keygen writes it." example:"file:dns.key" secret:"true"`
}
