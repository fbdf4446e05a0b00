package config

import "net/netip"

// Bounds of classes, so that what they cost per message is bounded.
const (
	MaxClasses      = 256
	MaxTests        = 4096 // of all classes together
	MaxDepth        = 8    // conditions inside of conditions
	MaxContains     = 64   // values of one test by `contains`, which are looked for one by one
	MaxRelayOptions = 64   // tests of relays' options, of all classes together
	MaxOptionCodes  = 32   // different options of the client that are tested
)

// A Class is a kind of clients: those whose message meets a condition.
type Class struct {
	Name      string
	Match     Condition
	Lifetimes *Lifetimes // nil: it says nothing of them
	Options   []Option   // only its own, sorted by code; one without octets isn't sent though it is inherited
	Boot      []BootList // its own, or none
	Deny      bool       // members get no answer
}

// A Gate says whose members pass, by indexes into Config.Classes. The zero value is open to everybody.
type Gate struct {
	Only   []int // members of any of these; none: everybody
	Except []int // but members of none of these
}

// Open tells whether the gate is open to everybody.
func (g *Gate) Open() bool { return len(g.Only)+len(g.Except) == 0 }

// A Junction says how a condition follows from its parts.
type Junction uint8

// The junctions.
const (
	JunctionTest Junction = iota // Test holds; there are no parts
	JunctionAll
	JunctionAny
	JunctionNot // the only part doesn't hold
)

// A Condition is a tree of tests.
type Condition struct {
	Junction Junction
	Parts    []Condition
	Test     *Test
}

// A Field is what a test looks at.
type Field uint8

// The fields. Of what relays add the value of the relay nearest to the client counts that has one.
const (
	FieldVendorClass  Field = iota // data items of Vendor Class options (RFC 9915, Section 21.16)
	FieldUserClass                 // items of the User Class option (RFC 9915, Section 21.15)
	FieldDUID                      // the whole DUID
	FieldDUIDType                  // its type, in Numbers
	FieldHardware                  // the link-layer address, without its type: as the relay saw it (RFC 6939), else from the DUID
	FieldArchitecture              // types of the Client System Architecture option (RFC 5970, Section 3.3), in Numbers
	FieldRemoteID                  // RFC 4649
	FieldSubscriberID              // RFC 4580
	FieldInterfaceID               // RFC 9915, Section 21.18
	FieldRelayID                   // RFC 5460, Section 5.4.1
	FieldEnterprise                // enterprise numbers of Vendor Class options and of a DUID-EN, in Numbers
	FieldOption                    // the client's first option with that Code
	FieldRelayOption               // an option of relays with that Code
	FieldVendorOption              // suboption Code of Vendor-specific Information options (RFC 9915, Section 21.17)
	FieldLink                      // the client's link: indexes into Config.Links in Numbers
	FieldLinkAddress               // the link-address that tells the client's link, in Prefixes
	FieldRequests                  // codes of the Option Request option, in Numbers
	FieldReserved                  // whether something is reserved for the client on its link, as Holds says
	FieldClass                     // membership in another class: indexes into Config.Classes in Numbers
)

var fieldNames = [...]string{
	FieldVendorClass: "vendor-class", FieldUserClass: "user-class", FieldDUID: "duid", FieldDUIDType: "duid-type",
	FieldHardware: "hardware-address", FieldArchitecture: "architecture", FieldRemoteID: "remote-id", FieldSubscriberID: "subscriber-id",
	FieldInterfaceID: "interface-id", FieldRelayID: "relay-id", FieldEnterprise: "enterprise", FieldOption: "option",
	FieldRelayOption: "relay-option", FieldVendorOption: "vendor-option", FieldLink: "link", FieldLinkAddress: "link-address",
	FieldRequests: "requests", FieldReserved: "reserved", FieldClass: "class",
}

// String is the field as a file has it.
func (f Field) String() string { return fieldNames[f] }

// A Test compares one field. Where a field has several values, any of them will do.
type Test struct {
	Field      Field
	Octets     Octets   // where the field is octets
	Enterprise *uint32  // of Vendor Class, Remote-ID and Vendor-specific Information: items of this number only; nil: of any
	Code       uint16   // of an option or a suboption
	Relay      int      // of FieldRelayOption: counted from the client's, from 0; -1: the nearest that has the option
	Numbers    []uint32 // any of these
	Prefixes   []netip.Prefix
	Holds      bool
}

// Octets are what a value is compared with. All that is given must hold, by any of its entries. With nothing given any value
// will do; with Absent there must be none.
type Octets struct {
	Absent                         bool
	Equals, Starts, Ends, Contains [][]byte
}
