package policy

import (
	"encoding/binary"
	"strconv"

	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/wire"
)

// A PoolRequest is what relays ask for in a client's name. Names are views into the message.
type PoolRequest struct {
	Names  [2][]byte // of pools of addresses, of prefixes; empty: none
	Length uint8     // of a delegated prefix; 0: none
}

// Name is the name of pools of a kind; nil: none.
func (r *PoolRequest) Name(kind wire.Kind) []byte { return r.Names[kindIndex(kind)] }

// A PoolChoice is what a PoolRequest means on a link. The zero value is that of a client for whom no relay asks for anything.
type PoolChoice struct {
	group  [2]int32 // of pools of addresses, of prefixes; 0: any
	Length uint8    // of a delegated prefix; 0: any
}

// noGroup is the group of a name that no pool of the link has.
const noGroup = -1

// Allows tells whether the client's new leases may come from a pool, as far as relays have a say in that.
func (c *PoolChoice) Allows(pool *Pool) bool {
	switch group := c.group[kindIndex(pool.Kind)]; {
	case group == 0 && pool.NamedOnly, group != 0 && group != pool.group:
		return false
	default:
		return c.Length == 0 || pool.Kind != wire.IAPD || pool.Range.Length() == c.Length
	}
}

// Names tells whether a relay names a pool of that kind, and isn't ignored; known: the link has pools of that name, this node's or others'.
func (c *PoolChoice) Names(kind wire.Kind) (names, known bool) {
	group := c.group[kindIndex(kind)]
	return group != 0, group > 0
}

// poolNames is where relays name pools, and by which numbers the names go.
type poolNames struct {
	options []config.NameOption
	groups  map[string]int32 // from 1
	ignore  bool             // what no pool of the link has
}

// An offer is what a link has for a relay to ask for: pools of a group (0: of those that aren't for named ones only) and of a length
// (0: of any).
type offer struct {
	kind   int
	group  int32
	length uint8
}

// group is the number of a pool's name.
func (c *compiler) group(name string) int32 {
	if name == "" || c.p.named == nil {
		return 0
	}
	groups := c.p.named.groups
	if groups[name] == 0 {
		groups[name] = int32(len(groups) + 1)
	}
	return groups[name]
}

// offers notes what relays can ask for by a configured pool, whoever assigns from it.
func (c *compiler) offers(l *Link, pool *config.Pool) {
	if c.p.named == nil {
		return
	}
	if l.offers == nil {
		l.offers = make(map[offer]struct{})
	}
	kind, group := kindIndex(pool.Kind), c.group(pool.Name)
	if group != 0 {
		l.offers[offer{kind, group, 0}], l.offers[offer{kind, group, pool.Length}] = struct{}{}, struct{}{}
	}
	if !pool.NamedOnly {
		l.offers[offer{kind, 0, pool.Length}] = struct{}{}
	}
}

// PoolChoice is what relays ask for on a link. Where the configuration says so, what the link doesn't have is left out.
func (p *Policy) PoolChoice(l *Link, r *PoolRequest) (c PoolChoice) {
	if p.named == nil {
		return c
	}
	for kind, name := range r.Names {
		if len(name) == 0 {
			continue
		}
		group := p.named.groups[string(name)]
		if _, ok := l.offers[offer{kind, group, 0}]; ok && group != 0 {
			c.group[kind] = group
		} else if !p.named.ignore {
			c.group[kind] = noGroup
		}
	}
	if _, ok := l.offers[offer{kindIndex(wire.IAPD), c.group[1], r.Length}]; r.Length != 0 && (ok || !p.named.ignore) {
		c.Length = r.Length
	}
	return c
}

// PoolRequest reads what the message's relays ask for. Of each configured option the relay nearest to the client counts that has a
// value that can be read; what can't is as good as none.
func (p *Policy) PoolRequest(pkt *wire.Packet) (r PoolRequest) {
	if p.named == nil || pkt.RelayCount == 0 {
		return r
	}
	var found [config.MaxNameOptions][]byte
	for level := range pkt.RelayCount {
		rest := inward(pkt, level).Options
		for code, data, after, ok := rest.Next(); ok; code, data, after, ok = after.Next() {
			for i := range p.named.options {
				o := &p.named.options[i]
				if o.Code == code && found[i] == nil && (o.Relay < 0 || o.Relay == level) {
					found[i] = valueOf(o, data)
				}
			}
		}
	}
	for i := range p.named.options {
		if value := found[i]; value != nil {
			r.take(p.named.options[i].Tells, value)
		}
	}
	return r
}

// take notes what an option tells, unless an earlier one told it.
func (r *PoolRequest) take(tells config.NameTells, value []byte) {
	if tells == config.TellsPrefixLength {
		if r.Length == 0 {
			r.Length = prefixLength(value)
		}
		return
	}
	for kind := range r.Names {
		if r.Names[kind] == nil && (tells == config.TellsPool || int(tells-config.TellsAddressPool) == kind) {
			r.Names[kind] = value
		}
	}
}

// maxSuboptions is how many suboptions of one option are looked at.
const maxSuboptions = 64

// valueOf is what an option says, or the suboption in it that is asked for; nil: nothing that can be read. A NUL behind a name isn't part
// of it.
func valueOf(o *config.NameOption, data []byte) []byte {
	if o.Code == wire.OptionVendorInformation || o.Code == wire.OptionRemoteID {
		if len(data) < 4 || o.Enterprise != nil && *o.Enterprise != binary.BigEndian.Uint32(data) {
			return nil
		}
		data = data[4:]
	}
	if o.Code == wire.OptionVendorInformation {
		rest := wire.Options(data)
		for range maxSuboptions {
			code, value, after, ok := rest.Next()
			if !ok {
				return nil
			}
			if uint16(code) == o.Suboption && readable(o.Tells, value) {
				return trimmed(o.Tells, value)
			}
			rest = after
		}
		return nil
	}
	if !readable(o.Tells, data) {
		return nil
	}
	return trimmed(o.Tells, data)
}

// trimmed is a name without the NULs behind it; a length is left as it is.
func trimmed(tells config.NameTells, value []byte) []byte {
	if tells == config.TellsPrefixLength {
		return value
	}
	for len(value) > 0 && value[len(value)-1] == 0 {
		value = value[:len(value)-1]
	}
	return value
}

// readable tells whether a value is a name, or a length of prefixes.
func readable(tells config.NameTells, value []byte) bool {
	if tells == config.TellsPrefixLength {
		return prefixLength(value) != 0
	}
	return len(trimmed(tells, value)) > 0
}

// prefixLength reads a length from 1 to 128, as a number of 1, 2 or 4 octets, or as two or three digits; 0: it is none. No number of two
// octets up to 128 looks like two digits.
func prefixLength(value []byte) uint8 {
	n := uint32(0)
	switch len(value) {
	case 1:
		n = uint32(value[0])
	case 2:
		n = uint32(binary.BigEndian.Uint16(value))
	case 4:
		n = binary.BigEndian.Uint32(value)
	}
	if len(value) == 2 && n > 128 || len(value) == 3 {
		digits, err := strconv.ParseUint(string(value), 10, 8)
		if err != nil {
			return 0
		}
		n = uint32(digits)
	}
	if n > 128 {
		return 0
	}
	return uint8(n)
}
