package policy

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/wire"
)

// Bounds of what is read per message, so that a hostile one costs no more than a long honest one.
const (
	maxRequested = 256 // option codes of an Option Request option; honest clients list up to some 40
	maxOptions   = 256 // options of one set
	maxSupplied  = 32  // options looked at in the RSOOs of one message
)

// Options are options to send to clients, encoded at load and sorted by code. The zero value is none.
type Options struct {
	list   []option
	filter uint64     // bit code%64 is set for each code that a client can ask for
	boot   []bootList // boot files by architecture, the innermost first; Layers.Append looks at them

	withholds bool // some are withheld
}

type option struct {
	code      wire.OptionCode
	always    bool // sent without being asked for
	askable   bool // its code may stand in an Option Request option
	stateless bool // only in a Reply to an Information-request
	encoded   []byte
	withheld  bool // not sent, whatever other layers have
}

// A choice is a set of indexes into Options.list.
type choice [maxOptions / 64]uint64

// Append appends the options that a message of a client calls for: those that its Option Request option lists, and
// those that are sent always; each once, by code. Nothing where the message can't ask for options: Confirm, Release
// and Decline (RFC 9915, Section 21.7). So DNS servers (RFC 3646, Section 5) and boot files (RFC 5970, Section 4)
// stay within the messages that are theirs.
//
// Where a client asks for both lists of SIP servers it gets both: RFC 3319, Section 5 wants the names sent, and
// leaves the addresses free.
func (o *Options) Append(dst []byte, m *wire.Message) []byte {
	if len(o.list) == 0 || !asks(m.Type) {
		return dst
	}
	asked := o.asked(m.ORO)
	for i := range o.list {
		opt := &o.list[i]
		if !opt.always && asked[i/64]>>(i%64)&1 == 0 {
			continue
		}
		// RFC 9915, Section 21.23: only used in Reply messages in response to Information-request.
		if opt.stateless && m.Type != wire.InformationRequest {
			continue
		}
		dst = opt.append(dst, m)
	}
	return dst
}

// Has tells whether there is an option of that code.
func (o *Options) Has(code wire.OptionCode) bool { return o.index(code) >= 0 }

// asked finds the options that an Option Request option lists: one search for each code that is listed, so that
// neither a long list nor a repeated code costs more.
func (o *Options) asked(oro []byte) (asked choice) {
	oro = oro[:min(len(oro), 2*maxRequested)]
	for ; len(oro) >= 2; oro = oro[2:] {
		code := wire.OptionCode(binary.BigEndian.Uint16(oro))
		if o.filter>>(code%64)&1 == 0 {
			continue
		}
		if i := o.index(code); i >= 0 && o.list[i].askable {
			asked[i/64] |= 1 << (i % 64)
		}
	}
	return asked
}

// index finds the option of a code; -1: none.
func (o *Options) index(code wire.OptionCode) int {
	low, high := 0, len(o.list)
	for low < high {
		middle := int(uint(low+high) >> 1)
		if o.list[middle].code < code {
			low = middle + 1
		} else {
			high = middle
		}
	}
	if low == len(o.list) || o.list[low].code != code {
		return -1
	}
	return low
}

// asks tells whether a message of that type may have an Option Request option (RFC 9915, Section 21.7).
func asks(t wire.MessageType) bool {
	switch t {
	case wire.Solicit, wire.Request, wire.Renew, wire.Rebind, wire.InformationRequest:
		return true
	default:
		return false
	}
}

// options compiles a set of options laid over another one: of two with the same code the upper one counts.
func (c *compiler) options(field string, upper []config.Option, lower Options) Options {
	byCode := make(map[wire.OptionCode]option, len(lower.list)+len(upper))
	for _, opt := range lower.list {
		byCode[opt.code] = opt
	}
	for _, opt := range upper {
		switch {
		case made(opt.Code):
			c.fault(field, fmt.Sprintf("option %d can't be configured", opt.Code), "leave it out; the server itself makes it")
		case opt.Always && onlyAsked(opt.Code):
			c.fault(field, fmt.Sprintf("option %d goes only to clients that ask for it", opt.Code), "leave `always` out")
		}
		encoded := opt.Encoded
		if under := byCode[opt.Code]; opt.Code == wire.OptionVendorInformation && len(encoded) > 0 && len(under.encoded) > 0 {
			encoded = config.MergeVendor(encoded, under.encoded)
		}
		byCode[opt.Code] = option{
			code:      opt.Code,
			always:    opt.Always || opt.Code == wire.OptionClientArchitecture, // see appendArchitectures
			askable:   askable(opt.Code),
			stateless: opt.Code == wire.OptionInformationRefresh,
			encoded:   encoded,
			withheld:  opt.Withheld,
		}
	}
	var set Options
	for _, opt := range byCode {
		set.list = append(set.list, opt)
		set.withholds = set.withholds || opt.withheld
		if opt.askable {
			set.filter |= 1 << (opt.code % 64)
		}
	}
	if len(set.list) > maxOptions {
		c.fault(field, fmt.Sprintf("%d options are too many", len(set.list)), fmt.Sprintf("at most %d", maxOptions))
	}
	slices.SortFunc(set.list, func(a, b option) int { return cmp.Compare(a.code, b.code) })
	return set
}

// askable tells whether a code may stand in an Option Request option (RFC 9915, Section 21.7). Of those that may
// not, only User Class and Vendor Class can be configured: they are sent always or not at all.
func askable(code wire.OptionCode) bool {
	return !made(code) && code != wire.OptionUserClass && code != wire.OptionVendorClass
}

// onlyAsked tells whether the standard has an option sent only to a client that asks for it
// (RFC 9915, Sections 21.24 and 21.25).
func onlyAsked(code wire.OptionCode) bool {
	return code == wire.OptionSOLMaxRT || code == wire.OptionINFMaxRT
}

// made tells whether an option follows from the protocol, or belongs inside another option or between relay and
// server, so that nobody can configure or supply it.
func made(code wire.OptionCode) bool {
	switch code {
	case wire.OptionUserClass, wire.OptionVendorClass, wire.OptionVendorInformation:
		return false
	case wire.OptionIAPD, wire.OptionIAPrefix, wire.OptionRemoteID, wire.OptionSubscriberID, wire.OptionERO,
		wire.OptionRelayID, wire.OptionRSOO, wire.OptionPrefixExclude, wire.OptionClientLinkLayer,
		wire.OptionRelaySourcePort, wire.OptionAddrRegEnable:
		return true
	default:
		return code <= wire.OptionReconfigureAccept
	}
}
