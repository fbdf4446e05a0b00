package class

import (
	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/wire"
)

// Bounds of what is looked at in a message, so that a hostile one costs no more than a long honest one.
const (
	maxItems     = 64 // data items, types or suboptions in one option
	maxInstances = 8  // of an option that may stand more than once
)

// members is a bit set of classes.
type members [config.MaxClasses / 64]uint64

func (m *members) has(class int) bool { return m[class/64]>>(class%64)&1 != 0 }
func (m *members) put(class int)      { m[class/64] |= 1 << (class % 64) }

// An Evaluator tells which classes one message after the other is a member of. It belongs to one goroutine. A class is evaluated when
// it is asked for, once per message.
type Evaluator struct {
	set      *Set
	packet   *wire.Packet
	link     int
	reserved bool

	known, is members

	// what the message's options are, once one of them was asked for
	scanned       bool
	options       [config.MaxOptionCodes][]byte // by slot; nil: there is none
	userClass     []byte
	architectures []byte
	vendorClasses instances
	vendorOptions instances
}

// instances are those of an option that may stand more than once.
type instances struct {
	data  [maxInstances][]byte
	count int
}

func (n *instances) add(data []byte) {
	if n.count < maxInstances {
		n.data[n.count] = data
		n.count++
	}
}

// Begin takes the next message. Link is the index of its client's link, or negative; reserved tells whether something is reserved for the
// client there. The packet must stay as it is as long as Is is asked.
func (v *Evaluator) Begin(set *Set, packet *wire.Packet, link int, reserved bool) {
	v.set, v.packet, v.link, v.reserved = set, packet, link, reserved
	v.known, v.is, v.scanned = members{}, members{}, false
}

// Is tells whether the message is a member of the class with that index.
func (v *Evaluator) Is(class int) bool {
	if !v.known.has(class) {
		if v.meets(&v.set.conditions[class]) {
			v.is.put(class)
		}
		v.known.put(class)
	}
	return v.is.has(class)
}

// IsAny tells whether the message is a member of any of the classes.
func (v *Evaluator) IsAny(classes []int) bool {
	for _, class := range classes {
		if v.Is(class) {
			return true
		}
	}
	return false
}

// Passes tells whether a gate lets the message's client through.
func (v *Evaluator) Passes(g *config.Gate) bool {
	return (len(g.Only) == 0 || v.IsAny(g.Only)) && !v.IsAny(g.Except)
}

func (v *Evaluator) meets(c *condition) bool {
	switch c.junction {
	case config.JunctionAll:
		for i := range c.parts {
			if !v.meets(&c.parts[i]) {
				return false
			}
		}
		return true
	case config.JunctionAny:
		for i := range c.parts {
			if v.meets(&c.parts[i]) {
				return true
			}
		}
		return false
	case config.JunctionNot:
		return !v.meets(&c.parts[0])
	default:
		return v.passes(&c.test)
	}
}

// scan finds the message's options that tests ask for, all in one go.
func (v *Evaluator) scan() {
	if v.scanned {
		return
	}
	v.scanned = true
	clear(v.options[:len(v.set.codes)])
	v.userClass, v.architectures = nil, nil
	v.vendorClasses.count, v.vendorOptions.count = 0, 0
	for code, data, rest, ok := v.packet.Message.Options.Next(); ok; code, data, rest, ok = rest.Next() {
		switch code {
		case wire.OptionUserClass:
			first(&v.userClass, data)
		case wire.OptionClientArchitecture:
			first(&v.architectures, data)
		case wire.OptionVendorClass:
			v.vendorClasses.add(data)
		case wire.OptionVendorInformation:
			v.vendorOptions.add(data)
		}
		if slot := v.set.slotOf(uint16(code)); slot >= 0 {
			first(&v.options[slot], data)
		}
	}
}

// first keeps the data of an option unless it stood before. What Options yields is never nil.
func first(at *[]byte, data []byte) {
	if *at == nil {
		*at = data
	}
}

// slotOf is the index of an option's data, or -1.
func (s *Set) slotOf(code uint16) int {
	if code < uint16(len(s.slots)) {
		return int(s.slots[code]) - 1
	}
	for at, c := range s.codes {
		if c == code {
			return at
		}
	}
	return -1
}
