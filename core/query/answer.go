package query

import (
	"encoding/binary"
	"errors"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/wire"
)

// AppendQuestion appends the message that asks: what Read reads. The message is a LEASEQUERY or an ACTIVELEASEQUERY.
func AppendQuestion(dst []byte, message wire.MessageType, xid [3]byte, requestor []byte, q *Question) []byte {
	dst = wire.AppendHeader(dst, message, xid)
	dst = wire.AppendOption(dst, wire.OptionClientID, requestor)
	if q.BaseTime {
		dst = wire.AppendUint16Option(dst, wire.OptionORO, uint16(wire.OptionLQBaseTime))
	}
	if q.HasStart {
		dst = wire.AppendUint32Option(dst, wire.OptionLQStartTime, q.Start)
	}
	if q.HasEnd {
		dst = wire.AppendUint32Option(dst, wire.OptionLQEndTime, q.End)
	}
	if q.Type == Everything {
		return dst
	}
	dst, mark := wire.OpenOption(dst, wire.OptionLQQuery)
	dst = append(dst, byte(q.Type))
	dst = append(dst, q.LinkAddress[:]...)
	switch q.Type {
	case ByAddress:
		dst = wire.AppendIAAddress(dst, &q.Address, 0, 0)
	case ByClientID:
		dst = wire.AppendOption(dst, wire.OptionClientID, q.DUID)
	case ByRelayID:
		dst = wire.AppendOption(dst, wire.OptionRelayID, q.DUID)
	case ByRemoteID:
		dst = wire.AppendOption(dst, wire.OptionRemoteID, q.RemoteID)
	}
	if len(q.Options) > 0 {
		dst = wire.AppendOption(dst, wire.OptionORO, q.Options)
	}
	return wire.CloseOption(dst, mark)
}

// A Lease is one lease of an answer. Lifetimes are what is left of them, in seconds.
type Lease struct {
	Key       binding.Key
	Kind      wire.Kind
	Preferred uint32
	Valid     uint32
}

// Data is what a server knows of one client on one link. Slices are views over the message.
type Data struct {
	DUID   []byte
	Leases []Lease
	Age    uint32 // seconds since the server last heard the client

	Associations []Association // of the leases, those whose identity associations the server tells
	Options      wire.Options  // all of OPTION_CLIENT_DATA
}

// An Answer is a server's LEASEQUERY-REPLY, LEASEQUERY-DATA or LEASEQUERY-DONE.
type Answer struct {
	Type          wire.MessageType
	TransactionID [3]byte
	ServerID      []byte
	Requestor     []byte // the Client Identifier, as it was asked with
	Status        wire.StatusCode
	HasStatus     bool
	Text          string // of the status
	Clients       []Data
	Links         [][16]byte
	BaseTime      binding.Time
	HasBaseTime   bool
}

// Errors of reading answers.
var (
	errAnswer = errors.New("the server's message isn't a DHCPv6 message of leasequery")
	errData   = errors.New("the server's message has malformed client data")
)

// ReadAnswer reads a server's message. Unknown options are ignored.
func ReadAnswer(b []byte) (a Answer, err error) {
	if len(b) < 4 || !wire.WellFramed(b[4:]) {
		return a, errAnswer
	}
	switch a.Type = wire.MessageType(b[0]); a.Type {
	case wire.LeasequeryReply, wire.LeasequeryData, wire.LeasequeryDone, wire.Reply:
	default:
		return a, errAnswer
	}
	a.TransactionID = [3]byte(b[1:])
	for code, data, rest, ok := wire.Options(b[4:]).Next(); ok; code, data, rest, ok = rest.Next() {
		if err := a.take(code, data); err != nil {
			return a, err
		}
	}
	return a, nil
}

func (a *Answer) take(code wire.OptionCode, data []byte) error {
	switch code {
	case wire.OptionServerID:
		a.ServerID = data
	case wire.OptionClientID:
		a.Requestor = data
	case wire.OptionStatusCode:
		if len(data) < 2 {
			return errAnswer
		}
		a.Status, a.HasStatus, a.Text = wire.StatusCode(binary.BigEndian.Uint16(data)), true, string(data[2:])
	case wire.OptionLQBaseTime:
		if len(data) != timeSize {
			return errAnswer
		}
		a.BaseTime, a.HasBaseTime = binding.Time(binary.BigEndian.Uint32(data)), true
	case wire.OptionLQClientLink:
		for ; len(data) >= 16; data = data[16:] {
			a.Links = append(a.Links, [16]byte(data))
		}
	case wire.OptionClientData:
		c, err := readData(data)
		if err != nil {
			return err
		}
		a.Clients = append(a.Clients, c)
	}
	return nil
}

func readData(b []byte) (d Data, err error) {
	if !wire.WellFramed(b) {
		return d, errData
	}
	d.Options = wire.Options(b)
	aged := false
	for code, data, rest, ok := d.Options.Next(); ok; code, data, rest, ok = rest.Next() {
		switch {
		case code == wire.OptionClientID && len(data) >= wire.MinDUID && len(data) <= wire.MaxDUID:
			d.DUID = data
		case code == wire.OptionIAAddress && len(data) >= 24:
			d.Leases = append(d.Leases, Lease{
				Key: binding.Key{Address: [16]byte(data), Length: 128}, Kind: wire.IANA,
				Preferred: binary.BigEndian.Uint32(data[16:]), Valid: binary.BigEndian.Uint32(data[20:]),
			})
		case code == wire.OptionIAPrefix && len(data) >= 25 && data[8] >= 1 && data[8] <= 128:
			d.Leases = append(d.Leases, Lease{
				Key: binding.Key{Address: [16]byte(data[9:]), Length: data[8]}, Kind: wire.IAPD,
				Preferred: binary.BigEndian.Uint32(data), Valid: binary.BigEndian.Uint32(data[4:]),
			})
		case code == wire.OptionCLTTime && len(data) == timeSize:
			d.Age, aged = binary.BigEndian.Uint32(data), true
		case code == wire.OptionIANA:
			d.associate(wire.IANA, data)
		case code == wire.OptionIAPD:
			d.associate(wire.IAPD, data)
		}
	}
	// RFC 5007, Section 4.4.2: these are never missing.
	if d.DUID == nil || !aged || len(d.Leases) == 0 {
		return d, errData
	}
	return d, nil
}

func (d *Data) associate(kind wire.Kind, data []byte) {
	if a, ok := readAssociation(kind, data); ok {
		d.Associations = append(d.Associations, a)
	}
}
