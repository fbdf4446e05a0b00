package config

import (
	"fmt"
	"reflect"

	"go.yaml.in/yaml/v4"
)

type rawClass struct {
	At        place         `json:"-"`
	Name      text          `json:"name" jsonschema:"What pools, links and other classes call it: up to 63 letters, digits, dots, hyphens and underscores." example:"modems"`
	Match     rawCondition  `json:"match" jsonschema:"Who is a member. The fields of a table must all hold; of a list of tables one must." example:"{vendor-class: {enterprise: 4491, starts: docsis}}"`
	Lifetimes *rawLifetimes `json:"lifetimes,omitempty" jsonschema:"Lifetimes of members' leases on all links, before the link's. They replace those as a whole." example:"{preferred: 1d, valid: 2d}"`
	Options   *rawOptions   `json:"options,omitempty" jsonschema:"Options for members on all links, beside or instead of the link's. A reservation's come before them." example:"{boot-file-url: \"tftp://[2001:db8::69]/cm.cfg\"}"`
	Boot      []rawBoot     `json:"boot,omitempty" jsonschema:"Boot files for members on all links, before the link's. A reservation's come before them. An empty list: none." example:"[{architecture: x64-uefi, url: \"tftp://[2001:db8::69]/boot.efi\"}]"`
	Deny      flag          `json:"deny,omitempty" jsonschema:"Whether members get no answer at all." default:"false" example:"true"`
}

// many is one value or a list of them.
type many[T any] struct {
	leaf
	list []T
}

func (m *many[T]) read(c *checker, n *yaml.Node, at place, tag reflect.StructTag) {
	m.place, m.given = at, true
	if n.Kind == yaml.SequenceNode {
		m.list = read[[]T](c, n, at.path, tag)
		if len(m.list) == 0 {
			c.fail(at, "is an empty list", "write a value, or leave it out")
		}
		return
	}
	m.list = []T{read[T](c, n, at.path, tag)}
}

// matcher is a table T of comparisons, or one value or a list that its field equals takes.
type matcher[T any] struct {
	leaf
	table T
}

func (m *matcher[T]) read(c *checker, n *yaml.Node, at place, _ reflect.StructTag) {
	m.place, m.given = at, true
	v := reflect.ValueOf(&m.table).Elem()
	if n.Kind == yaml.MappingNode {
		c.into(n, at.path, v, "")
		return
	}
	for _, f := range fieldsOf(v.Type()) {
		if f.name == "equals" {
			c.into(n, at.path, v.Field(f.index), f.tag)
		}
	}
}

// rawComparisons compare text or octets. Its siblings have the same fields.
type rawComparisons struct {
	At       place        `json:"-"`
	Present  flag         `json:"present,omitempty" jsonschema:"Whether there is a value at all. Comparisons of any kind ask for one." default:"true" example:"false"`
	Equals   many[octets] `json:"equals,omitempty" jsonschema:"The whole value: this, or any of a list." min:"0" max:"1024" example:"[docsis3.0, docsis3.1]"`
	Starts   many[octets] `json:"starts,omitempty" jsonschema:"What it begins with, or any of a list." min:"1" max:"1024" example:"docsis"`
	Ends     many[octets] `json:"ends,omitempty" jsonschema:"What it ends with, or any of a list." min:"1" max:"1024" example:"3.1"`
	Contains many[octets] `json:"contains,omitempty" jsonschema:"What stands anywhere in it, or any of a list." min:"1" max:"1024" example:"[Router, cpe]"`
}

// rawHexComparisons are rawComparisons of what nobody writes as text.
type rawHexComparisons struct {
	At       place        `json:"-"`
	Present  flag         `json:"present,omitempty" jsonschema:"Whether there is a value at all. Comparisons of any kind ask for one." default:"true" example:"false"`
	Equals   many[octets] `json:"equals,omitempty" form:"hex" jsonschema:"The whole value: this, or any of a list." min:"1" max:"130" example:"\"02:00:00:00:00:01\""`
	Starts   many[octets] `json:"starts,omitempty" form:"hex" jsonschema:"What it begins with, or any of a list." min:"1" max:"130" example:"[\"02:00:5e\", \"02:00:5f\"]"`
	Ends     many[octets] `json:"ends,omitempty" form:"hex" jsonschema:"What it ends with, or any of a list." min:"1" max:"130" example:"\"01\""`
	Contains many[octets] `json:"contains,omitempty" form:"hex" jsonschema:"What stands anywhere in it, or any of a list." min:"1" max:"130" example:"\"00:5e\""`
}

type rawDUIDComparisons struct {
	At       place        `json:"-"`
	Type     many[text]   `json:"type,omitempty" jsonschema:"Its type, or any of a list (RFC 9915, Section 11)." enum:"llt|en|ll|uuid" example:"[llt, ll]"`
	Equals   many[octets] `json:"equals,omitempty" form:"hex" jsonschema:"The whole DUID: this, or any of a list." min:"3" max:"130" example:"\"00:03:00:01:02:00:00:00:00:01\""`
	Starts   many[octets] `json:"starts,omitempty" form:"hex" jsonschema:"What it begins with, or any of a list." min:"1" max:"130" example:"\"00:02:00:00:11:8b\""`
	Ends     many[octets] `json:"ends,omitempty" form:"hex" jsonschema:"What it ends with, or any of a list." min:"1" max:"130" example:"\"01\""`
	Contains many[octets] `json:"contains,omitempty" form:"hex" jsonschema:"What stands anywhere in it, or any of a list." min:"1" max:"130" example:"\"00:5e\""`
}

type rawEnterpriseComparisons struct {
	At         place        `json:"-"`
	Enterprise number       `json:"enterprise,omitempty" jsonschema:"The enterprise number that the value must be of." default:"any" example:"4491"`
	Present    flag         `json:"present,omitempty" jsonschema:"Whether there is a value at all, of that enterprise." default:"true" example:"false"`
	Equals     many[octets] `json:"equals,omitempty" jsonschema:"The whole value: this, or any of a list." min:"0" max:"1024" example:"[docsis3.0, docsis3.1]"`
	Starts     many[octets] `json:"starts,omitempty" jsonschema:"What it begins with, or any of a list." min:"1" max:"1024" example:"docsis"`
	Ends       many[octets] `json:"ends,omitempty" jsonschema:"What it ends with, or any of a list." min:"1" max:"1024" example:"3.1"`
	Contains   many[octets] `json:"contains,omitempty" jsonschema:"What stands anywhere in it, or any of a list." min:"1" max:"1024" example:"[Router, cpe]"`
}

// rawOptionTest compares an option's data. Relay is of relay-option only, Enterprise of vendor-option only.
type rawOptionTest struct {
	At       place        `json:"-"`
	Code     codeRef      `json:"code" jsonschema:"The option, by code or name." example:"60"`
	Present  flag         `json:"present,omitempty" jsonschema:"Whether the option is there at all." default:"true" example:"false"`
	Equals   many[octets] `json:"equals,omitempty" jsonschema:"All of its data: this, or any of a list." min:"0" max:"1024" example:"\"0x0007\""`
	Starts   many[octets] `json:"starts,omitempty" jsonschema:"What its data begins with, or any of a list." min:"1" max:"1024" example:"\"0x0007\""`
	Ends     many[octets] `json:"ends,omitempty" jsonschema:"What its data ends with, or any of a list." min:"1" max:"1024" example:"\"0x00\""`
	Contains many[octets] `json:"contains,omitempty" jsonschema:"What stands anywhere in its data, or any of a list." min:"1" max:"1024" example:"pxe"`
}

type rawRelayOptionTest struct {
	At       place        `json:"-"`
	Code     codeRef      `json:"code" jsonschema:"The option, by code or name." example:"17"`
	Relay    number       `json:"relay,omitempty" jsonschema:"Which relay's, counted from the client: 0 is the one nearest to it." min:"0" max:"8" default:"the nearest one that has the option" example:"0"`
	Present  flag         `json:"present,omitempty" jsonschema:"Whether the option is there at all." default:"true" example:"false"`
	Equals   many[octets] `json:"equals,omitempty" jsonschema:"All of its data: this, or any of a list." min:"0" max:"1024" example:"\"0x0007\""`
	Starts   many[octets] `json:"starts,omitempty" jsonschema:"What its data begins with, or any of a list." min:"1" max:"1024" example:"\"0x0007\""`
	Ends     many[octets] `json:"ends,omitempty" jsonschema:"What its data ends with, or any of a list." min:"1" max:"1024" example:"\"0x00\""`
	Contains many[octets] `json:"contains,omitempty" jsonschema:"What stands anywhere in its data, or any of a list." min:"1" max:"1024" example:"pool"`
}

type rawVendorOptionTest struct {
	At         place        `json:"-"`
	Enterprise number       `json:"enterprise" jsonschema:"The vendor's enterprise number." example:"4491"`
	Code       number       `json:"code" jsonschema:"The suboption's code." min:"0" max:"65535" example:"2"`
	Present    flag         `json:"present,omitempty" jsonschema:"Whether the suboption is there at all." default:"true" example:"false"`
	Equals     many[octets] `json:"equals,omitempty" jsonschema:"All of its data: this, or any of a list." min:"0" max:"1024" example:"[ECM, EDVA]"`
	Starts     many[octets] `json:"starts,omitempty" jsonschema:"What its data begins with, or any of a list." min:"1" max:"1024" example:"E"`
	Ends       many[octets] `json:"ends,omitempty" jsonschema:"What its data ends with, or any of a list." min:"1" max:"1024" example:"CM"`
	Contains   many[octets] `json:"contains,omitempty" jsonschema:"What stands anywhere in its data, or any of a list." min:"1" max:"1024" example:"CM"`
}

// rawCondition is a table of tests that must all hold, or a list of conditions of which one must.
type rawCondition struct {
	leaf
	any   []rawCondition
	tests *rawTests
}

type rawTests struct {
	At            place                             `json:"-"`
	VendorClass   matcher[rawEnterpriseComparisons] `json:"vendor-class,omitempty" jsonschema:"A data item of the Vendor Class option (RFC 9915, Section 21.16): its text, a list of which any will do, or comparisons." example:"docsis3.0"`
	UserClass     matcher[rawComparisons]           `json:"user-class,omitempty" jsonschema:"An item of the User Class option (RFC 9915, Section 21.15)." example:"iPXE"`
	DUID          matcher[rawDUIDComparisons]       `json:"duid,omitempty" jsonschema:"The client's DUID, in hexadecimal." example:"{type: llt}"`
	Hardware      matcher[rawHexComparisons]        `json:"hardware-address,omitempty" jsonschema:"The client's link-layer address, in hexadecimal: as its relay saw it (RFC 6939), else from a DUID-LL or DUID-LLT." example:"{starts: \"02:00:5e\"}"`
	Architecture  many[architecture]                `json:"architecture,omitempty" jsonschema:"Any of the types in the Client System Architecture option (RFC 5970): names, or IANA's numbers." example:"[x64-uefi, 9]"`
	RemoteID      matcher[rawEnterpriseComparisons] `json:"remote-id,omitempty" jsonschema:"The Remote-ID that a relay adds (RFC 4649), without its enterprise number." example:"{enterprise: 4491, starts: business-}"`
	SubscriberID  matcher[rawComparisons]           `json:"subscriber-id,omitempty" jsonschema:"The Subscriber-ID that a relay adds (RFC 4580)." example:"subscriber-17"`
	InterfaceID   matcher[rawComparisons]           `json:"interface-id,omitempty" jsonschema:"The Interface-ID that a relay adds." example:"{starts: ge-0/0/}"`
	RelayID       matcher[rawHexComparisons]        `json:"relay-id,omitempty" jsonschema:"The Relay-ID that a relay adds, a DUID in hexadecimal (RFC 5460)." example:"\"00:03:00:01:02:00:00:00:00:77\""`
	Enterprise    many[number]                      `json:"enterprise,omitempty" jsonschema:"The enterprise number of a Vendor Class option or of a DUID-EN." example:"4491"`
	Option        *rawOptionTest                    `json:"option,omitempty" jsonschema:"An option of the client's message; of one that stands twice the first." example:"{code: 60}"`
	RelayOption   *rawRelayOptionTest               `json:"relay-option,omitempty" jsonschema:"An option that a relay adds." example:"{code: 17, contains: gold}"`
	VendorOption  *rawVendorOptionTest              `json:"vendor-option,omitempty" jsonschema:"A suboption of the client's Vendor-specific Information option (RFC 9915, Section 21.17)." example:"{enterprise: 4491, code: 2, equals: ECM}"`
	Link          texts                             `json:"link,omitempty" jsonschema:"The client's link, by name." example:"pop1"`
	LinkAddresses many[subnet]                      `json:"link-addresses,omitempty" jsonschema:"The link-address of the client's relay, as prefixes or addresses." example:"[\"2001:db8:1::/64\"]"`
	Requests      many[codeRef]                     `json:"requests,omitempty" jsonschema:"An option that the client asks for, by name or code." example:"[boot-file-url, 64]"`
	Reserved      flag                              `json:"reserved,omitempty" jsonschema:"Whether the client has a reservation on its link." default:"either" example:"true"`
	Class         texts                             `json:"class,omitempty" jsonschema:"Another class that stands before this one, or any of a list." example:"[modems, gateways]"`
	All           []rawCondition                    `json:"all,omitempty" jsonschema:"Conditions that must all hold." example:"[{option: {code: 60}}, {option: {code: 61}}]"`
	Any           []rawCondition                    `json:"any,omitempty" jsonschema:"Conditions of which one must hold." example:"[{user-class: iPXE}, {architecture: 16}]"`
	Not           rawCondition                      `json:"not,omitempty" jsonschema:"A condition that must not hold." example:"{reserved: true}"`
}

func (r *rawCondition) read(c *checker, n *yaml.Node, at place, _ reflect.StructTag) {
	r.place, r.given = at, true
	c.depth++
	defer func() { c.depth-- }()
	switch {
	case c.depth > MaxDepth:
		c.fail(at, "conditions stand in each other too deeply", fmt.Sprintf("up to %d do; make a class of the inner ones, and name it by class", MaxDepth))
		return
	case n.Kind == yaml.SequenceNode:
		r.any = read[[]rawCondition](c, n, at.path, "")
	case n.Kind == yaml.MappingNode:
		r.tests = new(rawTests)
		c.into(n, at.path, reflect.ValueOf(r.tests).Elem(), "")
	default:
		c.fail(at, "is "+describe(n)+", not a condition", "write a table of fields such as {vendor-class: docsis3.0}, or a list of tables")
		return
	}
	r.ok = true
	if len(n.Content) == 0 {
		c.fail(at, "asks for nothing", "write at least one field")
		r.ok = false
	}
}
