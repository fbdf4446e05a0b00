package upkeep

import (
	"strconv"

	"github.com/lockstep6/lockstep6/core/naming"
)

// An Update is one message of RFC 2136: in this zone, where all prerequisites hold, make all changes. At least one of both
// is there; without changes it asks whether they hold.
type Update struct {
	Zone     int // the number of the zone among those configured
	Requires []Prerequisite
	Changes  []Change
}

// Name is what the update is about first: one that changes nothing has prerequisites alone.
func (u *Update) Name() naming.Name {
	if len(u.Changes) == 0 {
		return u.Requires[0].Name
	}
	return u.Changes[0].Name
}

// A Prerequisite is one of RFC 2136, Section 2.4.
type Prerequisite struct {
	Name naming.Name
	Kind PrerequisiteKind
	Type RRType // of Exists and Absent
	Data []byte // of Exists: the RRset's only data, in wire form; nil: any
}

// PrerequisiteKind says what a prerequisite asks.
type PrerequisiteKind uint8

// The kinds.
const (
	NameUnused PrerequisiteKind = iota // no record of any type (Section 2.4.5)
	NameUsed                           // at least one (Section 2.4.4)
	Exists                             // an RRset of the type (Sections 2.4.1 and 2.4.2)
	Absent                             // no RRset of the type (Section 2.4.3)
)

// A Change is one of RFC 2136, Section 2.5.
type Change struct {
	Name naming.Name
	Kind ChangeKind
	Type RRType
	TTL  uint32 // of Add
	Data []byte // of Add and DeleteRecord, in wire form; names in it aren't compressed
}

// ChangeKind says what a change does.
type ChangeKind uint8

// The kinds.
const (
	AddRecord    ChangeKind = iota // Section 2.5.1
	DeleteRRset                    // all records of the type (Section 2.5.2)
	DeleteName                     // all records of the name (Section 2.5.3)
	DeleteRecord                   // this one record (Section 2.5.4)
)

// RRType is a type of resource records.
type RRType uint16

// The types that are kept; A, which a DHCPv4 server may keep beside them; and CNAME, beside which nothing can stand.
const (
	TypeA     RRType = 1
	TypeCNAME RRType = 5
	TypePTR   RRType = 12
	TypeAAAA  RRType = 28
	TypeDHCID RRType = 49
)

// An Answer is a DNS server's to an update: an RCODE (RFC 2136, Section 2.2; RFC 6895, Section 2.3).
type Answer uint8

// The RCODEs that decide what comes next.
const (
	NoError  Answer = 0
	FormErr  Answer = 1
	ServFail Answer = 2
	NXDomain Answer = 3
	NotImp   Answer = 4
	Refused  Answer = 5
	YXDomain Answer = 6
	YXRRSet  Answer = 7
	NXRRSet  Answer = 8
	NotAuth  Answer = 9
	NotZone  Answer = 10
)

var answers = [...]string{"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN", "YXRRSET", "NXRRSET", "NOTAUTH", "NOTZONE"}

// String is the RCODE's name as the RFC writes it, or its number.
func (a Answer) String() string {
	if int(a) < len(answers) {
		return answers[a]
	}
	return "RCODE " + strconv.Itoa(int(a))
}
