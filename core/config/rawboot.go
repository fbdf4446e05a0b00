package config

import (
	"reflect"

	"go.yaml.in/yaml/v4"
)

type rawBoot struct {
	At           place              `json:"-"`
	Architecture many[architecture] `json:"architecture,omitempty" jsonschema:"For clients that list one of these types in their Client System Architecture option: names or IANA's numbers, one or a list. Of the client's types, in its order, the first one that has an entry decides." default:"everybody else" example:"[x64-uefi, 9]"`
	UserClass    many[octets]       `json:"user-class,omitempty" jsonschema:"For clients whose User Class option has one of these items. Entries with a user class come before those without." min:"1" max:"255" example:"iPXE"`
	VendorClass  rawBootVendor      `json:"vendor-class,omitempty" jsonschema:"For clients whose Vendor Class begins so. The answer carries it too, as UEFI HTTP boot wants it: text of enterprise 343, or {enterprise: ..., data: ...}." example:"HTTPClient"`
	URL          text               `json:"url" jsonschema:"Where the boot file is, option 59. IPv6 addresses stand in brackets." example:"\"tftp://[2001:db8::69]/boot.efi\""`
	Params       texts              `json:"params,omitempty" jsonschema:"Parameters for the boot file, option 60, in order." example:"[root=/dev/nfs, quiet]"`
	Always       flag               `json:"always,omitempty" jsonschema:"Whether both options are sent though the client didn't ask for them." default:"false" example:"true"`
}

// rawBootVendor is the begin of a Vendor Class's data, of Intel's enterprise number unless it says another.
type rawBootVendor struct {
	leaf
	data       octets
	enterprise number
}

type rawBootVendorClass struct {
	At         place  `json:"-"`
	Enterprise number `json:"enterprise,omitempty" jsonschema:"The enterprise number." default:"343" example:"343"`
	Data       octets `json:"data" jsonschema:"What the client's data begins with, and what it is answered: text, or hexadecimal as 0x0a0b or 0a:0b." min:"1" max:"255" example:"HTTPClient"`
}

func (r *rawBootVendor) read(c *checker, n *yaml.Node, at place, _ reflect.StructTag) {
	r.place, r.given = at, true
	if n.Kind == yaml.MappingNode {
		pair := read[rawBootVendorClass](c, n, at.path, "")
		r.data, r.enterprise = pair.Data, pair.Enterprise
		return
	}
	r.data.read(c, n, at, `min:"1" max:"255"`)
}
