package privacy

import (
	"encoding/binary"
	"log/slog"
	"net/netip"
	"strings"

	"github.com/lockstep6/lockstep6/core/wire"
)

// An Identifier is a value that names a client, or may: what it is, in one spelling, and how people read it.
type Identifier struct {
	kind   string // before the ~ of its pseudonym; empty: it names nobody
	octets string
	clear  slog.Value
}

// LogValue implements slog.LogValuer: without a Keeper the value is written in clear.
func (i Identifier) LogValue() slog.Value { return i.clear }

// String is the value in clear.
func (i Identifier) String() string { return i.clear.String() }

// Public is a value that names no client, where others of the same attribute do.
func Public(value any) Identifier { return Identifier{clear: slog.AnyValue(value)} }

// DUID is a client's DUID (RFC 9915, Section 11), without the option's header.
func DUID(octets []byte) Identifier {
	return Identifier{"duid", string(octets), slog.StringValue(wire.FormatDUID(octets))}
}

// Hardware is a client's link-layer address.
func Hardware(octets []byte) Identifier {
	return Identifier{"hardware", string(octets), slog.StringValue(wire.FormatDUID(octets))}
}

// IAID is the number of one of a client's IAs. Some clients make it of their link-layer address.
func IAID(iaid uint32) Identifier {
	return Identifier{"iaid", string(binary.BigEndian.AppendUint32(nil, iaid)), slog.Uint64Value(uint64(iaid))}
}

// Address is an address of a client's, leased or its own.
func Address(a netip.Addr) Identifier {
	octets := a.WithZone("").As16()
	return Identifier{"address", string(octets[:]), slog.StringValue(a.String())}
}

// Lease is an address, or a delegated prefix: of less than 128 bits.
func Lease(address [16]byte, length uint8) Identifier {
	a := netip.AddrFrom16(address)
	if length == 128 {
		return Address(a)
	}
	return Prefix(netip.PrefixFrom(a, int(length)))
}

// LeaseText is a lease as people write it, an address or a prefix; other words name nobody.
func LeaseText(text string) Identifier {
	if a, err := netip.ParseAddr(text); err == nil {
		return Address(a)
	}
	if p, err := netip.ParsePrefix(text); err == nil {
		return Prefix(p)
	}
	return Public(text)
}

// Prefix is a delegated prefix; one of 128 bits is an address.
func Prefix(p netip.Prefix) Identifier {
	if p.Bits() == 128 {
		return Address(p.Addr())
	}
	octets := p.Masked().Addr().As16()
	return Identifier{"prefix", string(append(octets[:], byte(p.Bits()))), slog.StringValue(p.String())}
}

// Name is a host's name. Case and the dot at its end make no difference.
func Name(name string) Identifier {
	return Identifier{"name", strings.ToLower(strings.TrimSuffix(name, ".")), slog.StringValue(name)}
}

// Relay is the address from which a relay sends. It names a client only where it is link-local: a switch that relays (RFC 6221,
// Section 5.3) sends in the name of the client behind it.
func Relay(a netip.Addr) Identifier {
	if a.IsLinkLocalUnicast() {
		return Address(a)
	}
	return Public(a.String())
}

// Sender is the address of one who sends as relays do: of a relay, where it is known to be one, else of a client.
func Sender(a netip.Addr, relay bool) Identifier {
	if relay {
		return Relay(a)
	}
	return Address(a)
}
