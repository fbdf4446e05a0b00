package wire

import "encoding/binary"

// A Registration is what an ADDR-REG-INFORM says of an address that its client gave itself (RFC 9686, Section 4.2).
type Registration struct {
	Lease
	Data []byte // the IA Address option's data as it came: the reply's is identical (RFC 9686, Section 4.3)
}

// Registration reads the address that an ADDR-REG-INFORM registers, and says why a server has to discard the message
// (RFC 9686, Section 4.2.1): it has no IA Address option, or several, or one for another address than the client sent it from.
// That is the peer-address of the relay closest to the client, and source where there is no relay.
func (p *Packet) Registration(source *[16]byte) (r Registration, drop Drop) {
	for code, data, rest, ok := p.Message.Options.Next(); ok; code, data, rest, ok = rest.Next() {
		switch {
		case code != OptionIAAddress:
			continue
		case r.Data != nil:
			return r, DropRepeatedOption // one message registers one address
		case len(data) < iaAddress || !WellFramed(data[iaAddress:]):
			return r, DropMalformedOption
		}
		r.Data = data
	}
	if r.Data == nil {
		return r, DropNoAddresses
	}
	r.Lease = Lease{
		Address:   [16]byte(r.Data),
		Length:    128,
		Preferred: binary.BigEndian.Uint32(r.Data[16:]),
		Valid:     binary.BigEndian.Uint32(r.Data[20:]),
		Options:   Options(r.Data[iaAddress:]),
	}
	if relay := p.Innermost(); relay != nil {
		source = &relay.PeerAddress
	}
	if r.Address != *source {
		return r, DropForeignAddress
	}
	return r, DropNone
}
