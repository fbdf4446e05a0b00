package config

type rawLeasequery struct {
	At          place             `json:"-"`
	Requestors  []subnet          `json:"requestors" jsonschema:"Who may ask: prefixes or addresses of relays and other hosts. Others are told NotAllowed, and their connections closed." example:"[\"2001:db8:ffff::/48\", \"::1\"]"`
	Listen      []text            `json:"listen,omitempty" jsonschema:"Where bulk and active queries are taken by TCP: [ADDRESS]:PORT, or an address for port 547; an empty list for nowhere. Queries by UDP come with the other messages." default:"[\"[::]:547\"]" example:"[\"[::1]:10547\"]"`
	Connections number            `json:"connections,omitempty" jsonschema:"How many requestors may be connected at a time (RFC 5460, Section 5.6)." min:"1" max:"10000" default:"10" example:"10"`
	Data        span              `json:"data-timeout,omitempty" jsonschema:"After how long a connection that doesn't move is given up (RFC 5460, Section 5.6); where an active query's answers aren't read, after two minutes at most (RFC 7653, Section 6.4)." min:"1" default:"5m" example:"5m"`
	Query       span              `json:"query-timeout,omitempty" jsonschema:"How long one bulk query may take." min:"1" default:"1h" example:"1h"`
	RelayData   flag              `json:"relay-data,omitempty" jsonschema:"Keeps the last Relay-forward with each binding, for requestors that ask for OPTION_LQ_RELAY_DATA (RFC 5007, Section 4.1.2.4). It takes some hundred octets for each binding." default:"false" example:"true"`
	Hidden      []number          `json:"hidden-options,omitempty" jsonschema:"Codes of options that no requestor is told (RFC 5007, Section 4.4.2): of what is kept of clients, 18 Interface-ID, 37 Remote-ID, 38 Subscriber-ID, 39 Client FQDN, 47 relay data, 53 Relay-ID, 79 link-layer address." min:"1" max:"65535" example:"[37, 38]"`
	Active      *rawActiveQuery   `json:"active,omitempty" jsonschema:"Active leasequery: requestors are told what changes as it does (RFC 7653). Without it they can't ask for that." example:"{keep: 10m}"`
	TLS         *rawLeasequeryTLS `json:"tls,omitempty" jsonschema:"TLS for requestors that begin with STARTTLS. Both sides show certificates (RFC 7653, Section 9.1)." example:"{certificate: node.pem, key: node.key, authorities: requestors.pem}"`
}

type rawActiveQuery struct {
	At       place `json:"-"`
	Insecure flag  `json:"insecure,omitempty" jsonschema:"Answers active queries without TLS too." default:"false" example:"true"`
	Keep     span  `json:"keep,omitempty" jsonschema:"For how long it is remembered which leases ended, for requestors that were away (RFC 7653, Section 9.3)." min:"1" default:"10m" example:"10m"`
}

type rawLeasequeryTLS struct {
	At          place  `json:"-"`
	Certificate text   `json:"certificate" jsonschema:"The server's certificate and what leads to its authority, a PEM file." example:"node.pem"`
	Key         text   `json:"key" jsonschema:"Its private key, a PEM file." example:"node.key"`
	Authorities text   `json:"authorities" jsonschema:"The certificates of those who sign requestors' certificates, a PEM file." example:"requestors.pem"`
	Names       []text `json:"names,omitempty" jsonschema:"Names in requestors' certificates, one of which must match." default:"any" example:"[collector.example.net]"`
	Required    flag   `json:"required,omitempty" jsonschema:"Closes connections that begin with anything but STARTTLS: bulk queries too need a certificate. Queries by UDP don't." default:"false" example:"true"`
}
