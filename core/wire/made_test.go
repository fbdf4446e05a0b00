package wire_test

import (
	"encoding/binary"

	"github.com/lockstep6/lockstep6/core/wire"
)

// A made is a message described by values: what the fuzz targets build with the encoder and look for in what they parse.
type made struct {
	Relays   []madeRelay // outermost first
	Type     wire.MessageType
	XID      [3]byte
	ClientID []byte // nil: none
	ServerID []byte
	ORO      []byte
	Elapsed  int // negative: none
	Rapid    bool
	Accept   bool
	IAs      []madeIA
	Status   *madeStatus
	Extra    []madeOption // options that the server doesn't read
}

type madeRelay struct {
	Hop         byte
	Link, Peer  [16]byte
	InterfaceID []byte // nil: none
	SourcePort  []byte
}

type madeIA struct {
	Kind   wire.Kind
	IAID   uint32
	T1, T2 uint32
	Leases []madeLease
	Status *madeStatus
}

type madeLease struct {
	Address          [16]byte
	Length           uint8
	Preferred, Valid uint32
	Exclude          []byte // data of a Prefix Exclude option, or nil
}

type madeStatus struct {
	Code wire.StatusCode
	Text string
}

type madeOption struct {
	Code wire.OptionCode
	Data []byte
}

// A source deals out octets; when it has none left, zeros.
type source []byte

func (s *source) octet() byte {
	if len(*s) == 0 {
		return 0
	}
	c := (*s)[0]
	*s = (*s)[1:]
	return c
}

func (s *source) below(n int) int { return int(s.octet()) % n }
func (s *source) yes() bool       { return s.octet()&1 == 1 }

func (s *source) octets(n int) []byte {
	out := make([]byte, n)
	*s = (*s)[copy(out, *s):]
	return out
}

func (s *source) uint32() uint32 { return binary.BigEndian.Uint32(s.octets(4)) }

// perhaps is nil, or between low and high octets.
func (s *source) perhaps(low, high int) []byte {
	if !s.yes() {
		return nil
	}
	return s.octets(low + s.below(high-low+1))
}

func (s *source) status() *madeStatus {
	if !s.yes() {
		return nil
	}
	return &madeStatus{wire.StatusCode(s.below(7)), string(s.octets(s.below(20)))}
}

// makeOne takes a message from the source: any that the encoder can build within the limits.
func makeOne(s *source) *made {
	m := &made{
		Type:     wire.MessageType(1 + s.below(11)),
		XID:      [3]byte(s.octets(3)),
		ClientID: s.perhaps(wire.MinDUID, wire.MaxDUID),
		ServerID: s.perhaps(wire.MinDUID, wire.MaxDUID),
		Elapsed:  -1,
		Rapid:    s.yes(),
		Accept:   s.yes(),
		Status:   s.status(),
	}
	if s.yes() {
		m.ORO = s.octets(2 * s.below(10))
	}
	if s.yes() {
		m.Elapsed = int(binary.BigEndian.Uint16(s.octets(2)))
	}
	for range s.below(wire.MaxRelays + 1) {
		r := madeRelay{
			Hop: s.octet(), Link: [16]byte(s.octets(16)), Peer: [16]byte(s.octets(16)),
			InterfaceID: s.perhaps(0, 12), SourcePort: s.perhaps(2, 2),
		}
		m.Relays = append(m.Relays, r)
	}
	for i := range s.below(5) {
		m.IAs = append(m.IAs, makeIA(s, uint32(i)))
	}
	for range s.below(4) {
		m.Extra = append(m.Extra, madeOption{wire.OptionCode(1000 + s.below(200)), s.octets(s.below(9))})
	}
	return m
}

func makeIA(s *source, iaid uint32) madeIA {
	ia := madeIA{Kind: wire.IANA, IAID: iaid, T1: s.uint32(), T2: s.uint32(), Status: s.status()}
	if s.yes() {
		ia.Kind = wire.IAPD
	}
	for range s.below(4) {
		l := madeLease{Address: [16]byte(s.octets(16)), Length: 128, Preferred: s.uint32(), Valid: s.uint32()}
		if ia.Kind == wire.IAPD {
			l.Length = uint8(s.below(129))
			l.Exclude = wire.PrefixExclude(nil, l.Address, l.Length, l.Address, uint8(s.below(129)))
		}
		ia.Leases = append(ia.Leases, l)
	}
	return ia
}

// build makes the octets with the encoder alone; the relay levels are Relay-reply ones, as the server's.
func (m *made) build() []byte {
	p := new(wire.Packet)
	for i, r := range m.Relays {
		p.Relays[i] = wire.Relay{
			HopCount: r.Hop, LinkAddress: r.Link, PeerAddress: r.Peer, InterfaceID: r.InterfaceID, SourcePort: r.SourcePort,
		}
	}
	p.RelayCount = len(m.Relays)
	b, marks := wire.OpenRelays(nil, p)
	b = wire.AppendHeader(b, m.Type, m.XID)
	if m.ClientID != nil {
		b = wire.AppendOption(b, wire.OptionClientID, m.ClientID)
	}
	if m.ServerID != nil {
		b = wire.AppendOption(b, wire.OptionServerID, m.ServerID)
	}
	if m.ORO != nil {
		b = wire.AppendOption(b, wire.OptionORO, m.ORO)
	}
	if m.Elapsed >= 0 {
		b = wire.AppendUint16Option(b, wire.OptionElapsedTime, uint16(m.Elapsed))
	}
	if m.Rapid {
		b = wire.AppendOption(b, wire.OptionRapidCommit, nil)
	}
	if m.Accept {
		b = wire.AppendOption(b, wire.OptionReconfigureAccept, nil)
	}
	b = m.Status.append(b)
	for i := range m.IAs {
		b = m.IAs[i].append(b)
	}
	for _, o := range m.Extra {
		b = wire.AppendOption(b, o.Code, o.Data)
	}
	return wire.CloseRelays(b, marks)
}

func (s *madeStatus) append(b []byte) []byte {
	if s == nil {
		return b
	}
	return wire.AppendStatus(b, s.Code, s.Text)
}

func (ia *madeIA) append(b []byte) []byte {
	b, mark := wire.OpenIA(b, ia.Kind, ia.IAID)
	for i := range ia.Leases {
		l := &ia.Leases[i]
		if ia.Kind == wire.IANA {
			b = wire.AppendIAAddress(b, &l.Address, l.Preferred, l.Valid)
		} else {
			b = wire.AppendIAPrefix(b, &l.Address, l.Length, l.Preferred, l.Valid, l.Exclude)
		}
	}
	b = ia.Status.append(b)
	wire.SetTimes(b, mark, ia.T1, ia.T2)
	return wire.CloseOption(b, mark)
}

// meaning is the made message again, from what was parsed.
func meaning(p *wire.Packet) *made {
	msg := &p.Message
	m := &made{
		Type: msg.Type, XID: msg.TransactionID, ClientID: msg.ClientID, ServerID: msg.ServerID, ORO: msg.ORO,
		Elapsed: -1, Rapid: msg.RapidCommit, Accept: msg.ReconfigureAccept, Status: readStatus(msg.Options),
	}
	if msg.HasElapsedTime {
		m.Elapsed = int(msg.ElapsedTime)
	}
	for _, r := range p.Relays[:p.RelayCount] {
		m.Relays = append(m.Relays, madeRelay{r.HopCount, r.LinkAddress, r.PeerAddress, r.InterfaceID, r.SourcePort})
	}
	for i := range msg.IACount {
		ia := &msg.IAs[i]
		out := madeIA{Kind: ia.Kind, IAID: ia.IAID, Status: readStatus(ia.Options)}
		for l, rest, ok := ia.NextLease(ia.Options); ok; l, rest, ok = ia.NextLease(rest) {
			exclude, _ := l.Options.Find(wire.OptionPrefixExclude)
			out.Leases = append(out.Leases, madeLease{l.Address, l.Length, l.Preferred, l.Valid, exclude})
		}
		m.IAs = append(m.IAs, out)
	}
	type key struct {
		kind wire.Kind
		iaid uint32
	}
	times := map[key][]byte{} // the parser doesn't keep T1 and T2; here they are to come back
	for code, data, rest, ok := msg.Options.Next(); ok; code, data, rest, ok = rest.Next() {
		kind := wire.IANA
		switch {
		case code >= 1000:
			m.Extra = append(m.Extra, madeOption{code, data})
			continue
		case code == wire.OptionIAPD:
			kind = wire.IAPD
		case code != wire.OptionIANA:
			continue
		}
		if k := (key{kind, binary.BigEndian.Uint32(data)}); times[k] == nil {
			times[k] = data[4:12]
		}
	}
	for i := range m.IAs {
		ia := &m.IAs[i]
		t := times[key{ia.Kind, ia.IAID}]
		ia.T1, ia.T2 = binary.BigEndian.Uint32(t), binary.BigEndian.Uint32(t[4:])
	}
	return m
}

func readStatus(o wire.Options) *madeStatus {
	data, ok := o.Find(wire.OptionStatusCode)
	if !ok {
		return nil
	}
	return &madeStatus{wire.StatusCode(binary.BigEndian.Uint16(data)), string(data[2:])}
}
