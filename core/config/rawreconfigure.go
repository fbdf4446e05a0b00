package config

type rawReconfigure struct {
	At       place  `json:"-"`
	Links    []text `json:"links,omitempty" jsonschema:"Names of the links whose clients may be made to ask again." default:"all links" example:"[pop1]"`
	Classes  texts  `json:"classes,omitempty" jsonschema:"Only clients of these classes, as they are when they begin." default:"all clients" example:"[modems]"`
	Except   texts  `json:"except-classes,omitempty" jsonschema:"No clients of these classes." example:"[phones]"`
	Rate     number `json:"rate,omitempty" jsonschema:"The most Reconfigure messages a second. Each one has a client ask at once." min:"1" max:"100000" default:"100" example:"100"`
	Timeout  span   `json:"timeout,omitempty" jsonschema:"How long a client that was asked is waited for before it is asked again; each time twice as long (REC_TIMEOUT of RFC 9915, Section 7.6)." min:"1" max:"60" default:"2s" example:"2s"`
	Attempts number `json:"attempts,omitempty" jsonschema:"How often a client is asked before it is given up (REC_MAX_RC of RFC 9915, Section 7.6)." min:"1" max:"12" default:"8" example:"8"`

	Requestors  []subnet `json:"requestors,omitempty" jsonschema:"Relays that may have clients asked, by Reconfigure-request (RFC 6977): prefixes or addresses. Others are ignored; without the list each one is told NotAllowed." example:"[\"2001:db8:ffff::/48\"]"`
	RequestRate number   `json:"request-rate,omitempty" jsonschema:"The most Reconfigure-requests a second that are taken of one relay." min:"1" max:"1000" default:"10" example:"10"`
}
