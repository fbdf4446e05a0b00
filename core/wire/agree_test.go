package wire_test

import (
	"encoding/binary"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/insomniacslk/dhcp/dhcpv6"

	"github.com/lockstep6/lockstep6/core/wire"
)

// The oracle is insomniacslk/dhcp, which shares no line with this package.
// What our encoder makes, it must read as the same; of what arrives, both must accept the same packets and read them
// alike, or a rule in agree_rules_test.go says why not.
func FuzzAgree(f *testing.F) {
	addPackets(f)
	for _, seed := range disagreements() {
		f.Add(seed.octets)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 9216 {
			return // more than the server receives
		}
		if why := disagreement(b); why != "" {
			t.Errorf("%s\n%x", why, b)
		}
		from := source(b)
		checkMade(t, makeOne(&from))
	})
}

func checkMade(t *testing.T, m *made) {
	for _, id := range [][]byte{m.ClientID, m.ServerID} {
		// The oracle looks into DUIDs of the types that it knows; others it takes as they come.
		if _, err := dhcpv6.DUIDFromBytes(id); err != nil && id != nil {
			id[0] |= 0x80
		}
	}
	b := m.build()
	theirs, err := oracle(b)
	if err != nil {
		t.Fatalf("the oracle refuses %x: %v", b, err)
	}
	want, got := *m, theirMeaning(theirs)
	asTheySee(&want)
	if diff := cmp.Diff(&want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("%x (-made +oracle's):\n%s", b, diff)
	}
}

// disagreement compares what both say of a datagram, and explains what it can; what remains is a text.
func disagreement(b []byte) string {
	p := new(wire.Packet)
	drop := p.Parse(b)
	theirs, err := oracle(b)
	switch {
	case drop != wire.DropNone && err != nil, drop == wire.DropNone && p.Message.Type == wire.ReconfigureRequest: // whose options Parse leaves alone
		return ""
	case drop != wire.DropNone:
		if rule, known := whyWeRefuse[drop]; !known || !rule.holds(look(b)) {
			return fmt.Sprintf("we refuse: %v; the oracle accepts, and no rule says why", drop)
		}
		return ""
	case err != nil:
		if unexplained := refusals(b); unexplained != "" {
			return fmt.Sprintf("the oracle refuses: %v; we accept, and no rule says why: %s", err, unexplained)
		}
		return ""
	}
	want, got := theirMeaning(theirs), meaning(p)
	asTheySee(got)
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		return "both accept and read (-oracle +we):\n" + diff
	}
	return ""
}

// oracle is the library's parser; a panic of it is a refusal.
func oracle(b []byte) (d dhcpv6.DHCPv6, err error) {
	defer func() {
		if r := recover(); r != nil {
			d, err = nil, fmt.Errorf("panic: %v", r)
		}
	}()
	return dhcpv6.FromBytes(b)
}

// asTheySee drops what the oracle doesn't keep: codes that an Option Request lists again, which ask for no more than
// the first, and the address of a prefix of length 0 (RFC 9915, Section 21.22: a client should not send one).
func asTheySee(m *made) {
	var oro []byte
	for i := 0; i < len(m.ORO); i += 2 {
		if listed := (&wire.Message{ORO: oro}).Requests(wire.OptionCode(binary.BigEndian.Uint16(m.ORO[i:]))); !listed {
			oro = append(oro, m.ORO[i:i+2]...)
		}
	}
	m.ORO = oro
	m.IAs = slices.Clone(m.IAs)
	for i := range m.IAs {
		ia := &m.IAs[i]
		ia.Leases = slices.Clone(ia.Leases)
		for j := range ia.Leases {
			if l := &ia.Leases[j]; l.Length == 0 {
				l.Address = [16]byte{}
			}
		}
	}
}

// theirMeaning is what the oracle read.
func theirMeaning(d dhcpv6.DHCPv6) *made {
	m := &made{Elapsed: -1}
	for d.IsRelay() {
		r := d.(*dhcpv6.RelayMessage)
		m.Relays = append(m.Relays, madeRelay{
			Hop: r.HopCount, Link: [16]byte(r.LinkAddr), Peer: [16]byte(r.PeerAddr),
			InterfaceID: theirData(r.Options.Options, dhcpv6.OptionInterfaceID),
			SourcePort:  theirData(r.Options.Options, dhcpv6.OptionRelayPort),
		})
		d = r.Options.RelayMessage()
	}
	msg := d.(*dhcpv6.Message)
	m.Type, m.XID = wire.MessageType(msg.MessageType), msg.TransactionID
	options := msg.Options.Options
	m.ClientID = theirData(options, dhcpv6.OptionClientID)
	m.ServerID = theirData(options, dhcpv6.OptionServerID)
	m.ORO = theirData(options, dhcpv6.OptionORO)
	if options.GetOne(dhcpv6.OptionElapsedTime) != nil {
		m.Elapsed = int(msg.Options.ElapsedTime() / (10 * time.Millisecond))
	}
	m.Rapid = options.GetOne(dhcpv6.OptionRapidCommit) != nil
	m.Accept = options.GetOne(dhcpv6.OptionReconfAccept) != nil
	m.Status = theirStatus(options)
	for _, o := range options {
		switch o := o.(type) {
		case *dhcpv6.OptIANA:
			m.addIA(wire.IANA, o.IaId, o.T1, o.T2, o.Options.Options)
		case *dhcpv6.OptIAPD:
			m.addIA(wire.IAPD, o.IaId, o.T1, o.T2, o.Options.Options)
		default:
			if o.Code() >= 1000 {
				m.Extra = append(m.Extra, madeOption{wire.OptionCode(o.Code()), o.ToBytes()})
			}
		}
	}
	return m
}

// addIA adds an IA as the oracle read it, unless one of the kind with its IAID is there.
func (m *made) addIA(kind wire.Kind, iaid [4]byte, t1, t2 time.Duration, options dhcpv6.Options) {
	ia := madeIA{
		Kind: kind, IAID: binary.BigEndian.Uint32(iaid[:]),
		T1: seconds(t1), T2: seconds(t2), Status: theirStatus(options),
	}
	for i := range m.IAs {
		if m.IAs[i].Kind == kind && m.IAs[i].IAID == ia.IAID {
			return
		}
	}
	for _, o := range options {
		switch o := o.(type) {
		case *dhcpv6.OptIAAddress:
			if kind == wire.IANA {
				ia.Leases = append(ia.Leases, madeLease{
					[16]byte(o.IPv6Addr), 128, seconds(o.PreferredLifetime),
					seconds(o.ValidLifetime), theirData(o.Options.Options, 67),
				})
			}
		case *dhcpv6.OptIAPrefix:
			if kind == wire.IAPD {
				l := madeLease{
					Preferred: seconds(o.PreferredLifetime), Valid: seconds(o.ValidLifetime),
					Exclude: theirData(o.Options.Options, 67),
				}
				if o.Prefix != nil {
					bits, _ := o.Prefix.Mask.Size()
					l.Address, l.Length = [16]byte(o.Prefix.IP), uint8(bits)
				}
				ia.Leases = append(ia.Leases, l)
			}
		}
	}
	m.IAs = append(m.IAs, ia)
}

func seconds(d time.Duration) uint32 { return uint32(d / time.Second) }

func theirData(options dhcpv6.Options, code dhcpv6.OptionCode) []byte {
	o := options.GetOne(code)
	if o == nil {
		return nil
	}
	return o.ToBytes()
}

func theirStatus(options dhcpv6.Options) *madeStatus {
	if o, ok := options.GetOne(dhcpv6.OptionStatusCode).(*dhcpv6.OptStatusCode); ok {
		return &madeStatus{wire.StatusCode(o.StatusCode), o.StatusMessage}
	}
	return nil
}
