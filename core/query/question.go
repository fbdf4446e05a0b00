package query

import (
	"encoding/binary"
	"fmt"

	"github.com/lockstep6/lockstep6/core/wire"
)

// A Type says by what bindings are looked for.
type Type uint8

// Query types (RFC 5007, Section 4.1.2.1; RFC 5460, Section 5.3). Everything is what an active query without an OPTION_LQ_QUERY asks
// for (RFC 7653, Section 6.2.1); no message carries that number.
const (
	Everything  Type = 0
	ByAddress   Type = 1
	ByClientID  Type = 2
	ByRelayID   Type = 3
	ByLink      Type = 4
	ByRemoteID  Type = 5
	lastType         = ByRemoteID
	lastUDPType      = ByClientID

	Types = lastType + 1 // how many there are
)

var typeNames = [...]string{"everything", "address", "client-id", "relay-id", "link-address", "remote-id"}

// String is the type's name as commands and metrics show it.
func (t Type) String() string {
	if int(t) < len(typeNames) {
		return typeNames[t]
	}
	return fmt.Sprintf("type-%d", uint8(t))
}

// ParseType reads what String writes.
func ParseType(text string) (Type, error) {
	for t, name := range typeNames {
		if name == text {
			return Type(t), nil
		}
	}
	return 0, fmt.Errorf("%q is no kind of query: address, client-id, relay-id, link-address, remote-id or everything", text)
}

// A Question is what a requestor asks. Slices are views over its message.
type Question struct {
	Type        Type
	LinkAddress [16]byte // bindings on the link with this address; zero: on any
	Address     [16]byte // ByAddress
	DUID        []byte   // ByClientID the client's, ByRelayID the relay's
	RemoteID    []byte   // ByRemoteID: enterprise-number, 4 octets, and the identifier (RFC 4649)
	Options     []byte   // codes of the query's own Option Request option, 2 octets each; not the message's
	listed      *codeSet // the same codes; nil: Options are few enough to be searched

	Start, End       uint32 // seconds since 2000: bindings that changed between, both included (RFC 7653, Section 6.3)
	HasStart, HasEnd bool
	BaseTime         bool // the message's Option Request option asks for OPTION_LQ_BASE_TIME
}

// A Fault is why a query isn't answered with bindings, as the requestor is told.
type Fault struct {
	Code wire.StatusCode
	Text string
}

// Error is the status and its text.
func (f *Fault) Error() string { return f.Code.String() + ": " + f.Text }

// A Transport is how a query came: what may be asked by one may not be by another.
type Transport uint8

// Transports.
const (
	UDP    Transport = iota // only queries with one client for an answer (RFC 5460, Section 4)
	Bulk                    // LEASEQUERY by TCP
	Active                  // ACTIVELEASEQUERY by TCP
)

// Check tells whether a server whose DUID is serverID has to discard a query, and why (RFC 5007, Section 4.2.1). That
// OPTION_LQ_QUERY is missing is told by Read, by TCP with a status.
func Check(m *wire.Message, serverID []byte) wire.Drop {
	switch {
	case m.ClientID == nil:
		return wire.DropNoClientID
	case m.ServerID != nil && string(m.ServerID) != string(serverID):
		return wire.DropForeignServer
	default:
		return wire.DropNone
	}
}

// Asks tells whether the message has an OPTION_LQ_QUERY.
func Asks(m *wire.Message) bool {
	_, ok := m.Options.Find(wire.OptionLQQuery)
	return ok
}

// Read reads the query of a LEASEQUERY or ACTIVELEASEQUERY message.
func Read(m *wire.Message, by Transport) (q Question, fault *Fault) {
	q.BaseTime = m.Requests(wire.OptionLQBaseTime)
	if fault = q.span(m.Options, by); fault != nil {
		return q, fault
	}
	data, ok := m.Options.Find(wire.OptionLQQuery)
	switch {
	case !ok && by == Active:
		return q, nil
	case !ok:
		return q, malformed("there is no OPTION_LQ_QUERY")
	case len(data) < queryHeader || !wire.WellFramed(data[queryHeader:]):
		return q, malformed("OPTION_LQ_QUERY is cut short")
	}
	q.Type = Type(data[0])
	q.LinkAddress = [16]byte(data[1:])
	switch {
	case q.Type < ByAddress || q.Type > lastType:
		return q, &Fault{wire.StatusUnknownQueryType, fmt.Sprintf("query-type %d isn't known", data[0])}
	case by == UDP && q.Type > lastUDPType:
		// RFC 5460, Section 4: not over UDP.
		return q, &Fault{wire.StatusNotAllowed, "a query by " + q.Type.String() + " is answered over TCP only"}
	}
	return q, q.subject(wire.Options(data[queryHeader:]))
}

const (
	queryHeader = 17 // query-type and link-address
	timeSize    = 4
)

// span reads the times between which bindings have changed (RFC 7653, Sections 6.3.2, 6.3.3 and 9.3).
func (q *Question) span(options wire.Options, by Transport) *Fault {
	if data, ok := options.Find(wire.OptionLQStartTime); ok {
		if len(data) != timeSize {
			return malformed("OPTION_LQ_START_TIME doesn't have 4 octets")
		}
		q.Start, q.HasStart = binary.BigEndian.Uint32(data), true
	}
	if data, ok := options.Find(wire.OptionLQEndTime); ok {
		if len(data) != timeSize {
			return malformed("OPTION_LQ_END_TIME doesn't have 4 octets")
		}
		if by == Active {
			return malformed("an active query has no OPTION_LQ_END_TIME")
		}
		q.End, q.HasEnd = binary.BigEndian.Uint32(data), true
	}
	return nil
}

// subject reads what the query is about.
func (q *Question) subject(options wire.Options) *Fault {
	q.Options, _ = options.Find(wire.OptionORO)
	if len(q.Options)%2 != 0 {
		return malformed("the query's Option Request option has an odd length")
	}
	if len(q.Options) > 2*fewCodes {
		q.listed = setOf(q.Options)
	}
	switch q.Type {
	case ByAddress:
		data, ok := options.Find(wire.OptionIAAddress)
		if !ok || len(data) < 16 {
			return malformed("a query by address needs an IA Address option")
		}
		q.Address = [16]byte(data)
	case ByClientID:
		return q.identifier(options, wire.OptionClientID, "a query by client-id needs a Client Identifier option")
	case ByRelayID:
		return q.identifier(options, wire.OptionRelayID, "a query by relay-id needs a Relay-ID option")
	case ByLink:
		if q.LinkAddress == [16]byte{} {
			return malformed("a query by link-address needs a link-address")
		}
	case ByRemoteID:
		data, ok := options.Find(wire.OptionRemoteID)
		if !ok || len(data) < 4 {
			return malformed("a query by remote-id needs a Remote-ID option")
		}
		q.RemoteID = data
	}
	return nil
}

func (q *Question) identifier(options wire.Options, code wire.OptionCode, missing string) *Fault {
	data, ok := options.Find(code)
	if !ok || len(data) < wire.MinDUID || len(data) > wire.MaxDUID {
		return malformed(missing)
	}
	q.DUID = data
	return nil
}

func malformed(text string) *Fault { return &Fault{wire.StatusMalformedQuery, text} }
