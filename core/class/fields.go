package class

import (
	"encoding/binary"
	"net/netip"

	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/wire"
)

// passes tells whether a test holds.
func (v *Evaluator) passes(t *test) bool {
	m := &v.packet.Message
	switch t.field {
	case config.FieldDUID:
		return t.compares(m.ClientID)
	case config.FieldDUIDType:
		return len(m.ClientID) >= 2 && t.lists(uint32(binary.BigEndian.Uint16(m.ClientID)))
	case config.FieldHardware:
		return t.compares(v.packet.HardwareAddress())
	case config.FieldRequests:
		return v.requests(t)
	case config.FieldLink:
		return v.link >= 0 && t.lists(uint32(v.link))
	case config.FieldLinkAddress:
		addr, ok := v.packet.LinkAddress()
		return ok && t.has(netip.AddrFrom16(addr))
	case config.FieldReserved:
		return v.reserved == t.holds
	case config.FieldClass:
		for _, class := range t.numbers {
			if v.Is(int(class)) {
				return true
			}
		}
		return false
	case config.FieldRemoteID, config.FieldSubscriberID, config.FieldInterfaceID, config.FieldRelayID, config.FieldRelayOption:
		return v.relayed(t)
	default:
		v.scan()
		return v.told(t)
	}
}

// told tells whether a test of the client's options holds.
func (v *Evaluator) told(t *test) bool {
	switch t.field {
	case config.FieldOption:
		return t.compares(v.options[t.slot])
	case config.FieldVendorClass:
		return v.vendorClass(t) != t.octets.absent
	case config.FieldVendorOption:
		return v.vendorOption(t) != t.octets.absent
	case config.FieldUserClass:
		return t.anyItem(v.userClass) != t.octets.absent
	case config.FieldArchitecture:
		// RFC 5970, Section 3.3: types of two octets each.
		for n, types := 0, v.architectures; len(types) >= 2 && n < maxItems; n, types = n+1, types[2:] {
			if t.lists(uint32(binary.BigEndian.Uint16(types))) {
				return true
			}
		}
		return false
	default:
		return v.enterprise(t)
	}
}

// compares is a comparison with a value that there is one of, or nil.
func (t *test) compares(value []byte) bool {
	if t.octets.absent || value == nil {
		return t.octets.absent == (value == nil)
	}
	return t.octets.holds(value)
}

// anyItem tells whether any of the items, each behind its length in two octets, compares. What isn't one ends the search: of a
// Vendor Class option package wire checks nothing behind the enterprise number.
func (t *test) anyItem(items []byte) bool {
	for n := 0; len(items) >= 2 && n < maxItems; n++ {
		end := 2 + int(binary.BigEndian.Uint16(items))
		if len(items) < end {
			return false
		}
		if t.octets.holds(items[2:end]) {
			return true
		}
		items = items[end:]
	}
	return false
}

// asksNothing tells whether the presence of the option alone is asked for.
func (c *comparison) asksNothing() bool {
	return c.equals == nil && len(c.starts.lengths)+len(c.ends.lengths)+len(c.contains) == 0
}

// of tells whether data begins with an enterprise number that the test is about.
func (t *test) of(data []byte) bool {
	return len(data) >= 4 && (t.any || binary.BigEndian.Uint32(data) == t.enterprise)
}

func (v *Evaluator) vendorClass(t *test) bool {
	for _, data := range v.vendorClasses.data[:v.vendorClasses.count] {
		if t.of(data) && (t.octets.asksNothing() || t.anyItem(data[4:])) {
			return true
		}
	}
	return false
}

func (v *Evaluator) vendorOption(t *test) bool {
	for _, data := range v.vendorOptions.data[:v.vendorOptions.count] {
		if !t.of(data) {
			continue
		}
		rest := wire.Options(data[4:])
		for range maxItems {
			code, value, after, ok := rest.Next()
			if !ok {
				break
			}
			if uint16(code) == t.code && t.octets.holds(value) {
				return true
			}
			rest = after
		}
	}
	return false
}

// enterprise tells whether a Vendor Class option or a DUID-EN (RFC 9915, Section 11.3) has one of the numbers.
func (v *Evaluator) enterprise(t *test) bool {
	for _, data := range v.vendorClasses.data[:v.vendorClasses.count] {
		if len(data) >= 4 && t.lists(binary.BigEndian.Uint32(data)) {
			return true
		}
	}
	duid := v.packet.Message.ClientID
	return len(duid) >= 6 && binary.BigEndian.Uint16(duid) == wire.DUIDEN && t.lists(binary.BigEndian.Uint32(duid[2:]))
}

// requests tells whether the Option Request option has one of the codes among those that are looked at.
func (v *Evaluator) requests(t *test) bool {
	oro := v.packet.Message.ORO
	for oro = oro[:min(len(oro), 2*maxRequested)]; len(oro) >= 2; oro = oro[2:] {
		if t.lists(uint32(binary.BigEndian.Uint16(oro))) {
			return true
		}
	}
	return false
}

// maxRequested is how many codes of an Option Request option are looked at; policy answers as many.
const maxRequested = 256

// relayed compares what the relay nearest to the client says that says anything of the kind.
func (v *Evaluator) relayed(t *test) bool {
	for level := v.packet.RelayCount - 1; level >= 0; level-- {
		relay := &v.packet.Relays[level]
		var value []byte
		switch t.field {
		case config.FieldRemoteID:
			if !t.of(relay.RemoteID) {
				continue
			}
			value = relay.RemoteID[4:]
		case config.FieldSubscriberID:
			value = relay.SubscriberID
		case config.FieldInterfaceID:
			value = relay.InterfaceID
		case config.FieldRelayID:
			value = relay.RelayID
		default:
			if t.relay >= 0 && t.relay != v.packet.RelayCount-1-level {
				continue
			}
			value, _ = relay.Options.Find(wire.OptionCode(t.code))
		}
		if value != nil {
			return t.compares(value)
		}
	}
	return t.octets.absent
}
