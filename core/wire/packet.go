package wire

import "encoding/binary"

// Bounds of what a packet may hold. What goes beyond is dropped and counted.
const (
	MaxRelays      = 9   // levels of Relay-forward: hop-counts 0 to 8 (RFC 9915, Section 7.6, HOP_COUNT_LIMIT)
	MaxIAs         = 32  // identity associations per message
	MaxLeasesPerIA = 32  // leases per identity association
	MinDUID        = 3   // octets: a type and at least one more (RFC 9915, Section 11.1)
	MaxDUID        = 130 // octets: a type and at most 128 more
)

// A Packet is a received datagram as views over its octets. A worker has one and parses each datagram into it.
type Packet struct {
	Relays     [MaxRelays]Relay // outermost first
	RelayCount int
	Message    Message // the client's, innermost
}

// A Relay is one level of Relay-forward (RFC 9915, Section 9.1). Of an option that stands twice the first counts.
// The data of an absent option is nil, that of an empty one isn't.
type Relay struct {
	HopCount    uint8 // as the relay says; the depth is the relay's place in Packet.Relays
	LinkAddress [16]byte
	PeerAddress [16]byte
	Options     Options // all of this level, the Relay Message option too

	InterfaceID     []byte // RFC 9915, Section 21.18; opaque
	RemoteID        []byte // RFC 4649: enterprise-number, 4 octets, and an identifier; as the relay sent it, length unchecked
	SubscriberID    []byte // RFC 4580
	RelayID         []byte // RFC 5460: a DUID
	ClientLinkLayer []byte // RFC 6939: see the function ClientLinkLayer
	ERO             []byte // RFC 4994: option codes
	RSOO            []byte // RFC 6422: options, framing unchecked
	SourcePort      []byte // RFC 8357: a port, 2 octets; nil where the option has another length
}

// A Message is the client's own (RFC 9915, Section 8). The data of an absent option is nil, that of an empty one isn't.
type Message struct {
	Type          MessageType
	TransactionID [3]byte
	Options       Options

	ClientID          []byte // a DUID of MinDUID to MaxDUID octets
	ServerID          []byte // likewise
	ORO               []byte // option codes, 2 octets each
	ElapsedTime       uint16 // hundredths of a second; 0xffff: that or more
	HasElapsedTime    bool
	RapidCommit       bool
	ReconfigureAccept bool
	HasIATA           bool // an IA_TA stands in the message; it is ignored (RFC 9915, Section 21.5)

	IAs     [MaxIAs]IA // IA_NA and IA_PD in the order in which they stand; those from IACount on are stale
	IACount int
}

// An IA is an identity association that a client sent. T1 and T2 aren't kept: a server ignores them
// (RFC 9915, Sections 21.4 and 21.21).
type IA struct {
	Kind    Kind
	IAID    uint32
	Options Options // of the IA: its leases and what else the client put there
}

// A Lease is an IA Address or an IA Prefix option (RFC 9915, Sections 21.6 and 21.22).
type Lease struct {
	Address   [16]byte // a prefix as the client sent it: bits behind its length may be set
	Length    uint8    // bits, 0 to 128; 128 for an address
	Preferred uint32   // seconds; a server ignores a client's
	Valid     uint32   // seconds; a server ignores a client's
	Options   Options
}

// NextLease yields the leases of an IA one by one: start with ia.Options, go on with next. Only IA Address options
// count in an IA_NA and only IA Prefix options in an IA_PD.
func (ia *IA) NextLease(rest Options) (lease Lease, next Options, ok bool) {
	for {
		code, data, after, more := rest.Next()
		if !more {
			return Lease{}, nil, false
		}
		rest = after
		switch {
		case code == OptionIAAddress && ia.Kind == IANA && len(data) >= iaAddress:
			return Lease{
				Address:   [16]byte(data),
				Length:    128,
				Preferred: binary.BigEndian.Uint32(data[16:]),
				Valid:     binary.BigEndian.Uint32(data[20:]),
				Options:   Options(data[iaAddress:]),
			}, rest, true
		case code == OptionIAPrefix && ia.Kind == IAPD && len(data) >= iaPrefix && data[prefixLengthAt] <= 128:
			return Lease{
				Address:   [16]byte(data[prefixLengthAt+1:]),
				Length:    data[prefixLengthAt],
				Preferred: binary.BigEndian.Uint32(data),
				Valid:     binary.BigEndian.Uint32(data[4:]),
				Options:   Options(data[iaPrefix:]),
			}, rest, true
		}
	}
}

// Requests tells whether the Option Request option lists the code (RFC 9915, Section 21.7).
func (m *Message) Requests(code OptionCode) bool {
	for oro := m.ORO; len(oro) >= 2; oro = oro[2:] {
		if OptionCode(binary.BigEndian.Uint16(oro)) == code {
			return true
		}
	}
	return false
}

// LinkAddress is the link-address that tells the client's link: of those that aren't zero the one closest to the client
// (RFC 9915, Section 13.1). ok is false where there is none.
func (p *Packet) LinkAddress() (addr [16]byte, ok bool) {
	for level := p.RelayCount - 1; level >= 0; level-- {
		if addr = p.Relays[level].LinkAddress; addr != ([16]byte{}) {
			return addr, true
		}
	}
	return addr, false
}

// HardwareAddress is the client's link-layer address, without its type: what the relay closest to the client saw
// (RFC 6939, Section 6), else what the client put into its DUID; nil where nobody tells.
func (p *Packet) HardwareAddress() []byte {
	for level := p.RelayCount - 1; level >= 0; level-- {
		if seen := p.Relays[level].ClientLinkLayer; len(seen) > 2 {
			return seen[2:]
		}
	}
	if _, addr, ok := HardwareAddress(p.Message.ClientID); ok {
		return addr
	}
	return nil
}

// Innermost is the relay closest to the client, or nil where the client spoke directly.
func (p *Packet) Innermost() *Relay {
	if p.RelayCount == 0 {
		return nil
	}
	return &p.Relays[p.RelayCount-1]
}
