package binding

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"sync/atomic"
	"unsafe"

	"github.com/lockstep6/lockstep6/core/wire"
)

// A Key names a lease: an address with Length 128, or a delegated prefix.
type Key struct {
	Address [16]byte
	Length  uint8
}

// Compare orders keys as the store does: by address, then by length.
func (k *Key) Compare(other *Key) int {
	if c := bytes.Compare(k.Address[:], other.Address[:]); c != 0 {
		return c
	}
	return cmp.Compare(k.Length, other.Length)
}

// A State says what became of a lease. There is no state for expired: that is Bound with Expires <= now.
// The numbers are part of the store's format; 0 stands for a removed lease there.
type State uint8

// States of a lease.
const (
	Bound      State = 1 // granted to the client
	Released   State = 2 // given back by the client (RFC 9915, Section 18.3.7)
	Declined   State = 3 // found in use by another host; kept away until Expires (RFC 9915, Section 18.3.8)
	Superseded State = 4 // the client took another server's lease, or gave this one up there: not extended, not reused until Expires

	lastState = Superseded
)

// String returns the state's name in lower case, as the commands and the API show it.
func (s State) String() string {
	switch s {
	case Bound:
		return "bound"
	case Released:
		return "released"
	case Declined:
		return "declined"
	case Superseded:
		return "superseded"
	}
	return "unknown"
}

// A Mark tells which worker's which batch wrote a record: worker << 48 | sequence.
// It lives in memory only; a record that was loaded from the store has mark 0.
type Mark uint64

// NewMark joins a worker's number and its batch's sequence, which keeps its lower 48 bits.
func NewMark(worker uint16, sequence uint64) Mark {
	return Mark(uint64(worker)<<48 | sequence&(1<<48-1))
}

// Worker returns the worker's number.
func (m Mark) Worker() uint16 { return uint16(m >> 48) }

// Sequence returns the batch's sequence.
func (m Mark) Sequence() uint64 { return uint64(m) & (1<<48 - 1) }

// Bounds of what a record takes.
const (
	MaxDUID = 130 // octets of a DUID: two of type and 128 (RFC 9915, Section 11.1)

	inlineDUID = 23 // octets of a DUID that fit the record itself; DUID-LLT, DUID-LL and DUID-UUID do
	recordSize = 96
	maxVersion = 1 << 51 // of what is stored; a stamp has room for as many more
)

// A Record is one version of one lease. It is immutable, and may be read until the next Enter or Leave
// of the handle that gave it. It must not be copied: it finds its extension by its own address.
type Record struct {
	node
	mark            Mark
	iaid            uint32
	preferred       uint32
	valid           uint32
	lastTransaction Time
	expires         Time
	since           Time
	extension       uint32 // distance from this record to its extension in units of 16 octets; 0: none
	kind            wire.Kind
	state           State
	flags           uint8
	owner           uint8
	duidLength      uint8
	duid            [inlineDUID]byte
}

// Both sizes are part of the memory's layout: this fails to compile when they change.
var (
	_ [recordSize]byte = [unsafe.Sizeof(Record{})]byte{}
	_ [nodeSize]byte   = [unsafe.Sizeof(node{})]byte{}
)

// A Draft is what a caller wants published. Publish copies all of it.
type Draft struct {
	Key             Key
	Kind            wire.Kind
	IAID            uint32
	DUID            []byte // at most MaxDUID octets
	State           State
	Flags           uint8  // the caller's own; of them the table looks at FlagAnonymous and FlagDerived only
	Owner           uint8  // which node's lease it is; the caller's own
	Census          Census // the count in which who publishes counts the record; 0: none
	Mark            Mark
	Preferred       uint32 // seconds, as granted
	Valid           uint32 // seconds, as granted
	LastTransaction Time   // when the client was last heard
	Expires         Time
	Since           Time   // when the client got the lease, or the state began; the caller's own
	Extension       []byte // as AppendExtension makes it, at most MaxExtension octets
	KeepExtension   bool   // instead of Extension the replaced record's, which must be of the same DUID
}

// Key returns the lease's name.
func (r *Record) Key() Key { return Key{Address: r.address, Length: r.length()} }

// Kind tells addresses from delegated prefixes, and from addresses that their clients registered.
func (r *Record) Kind() wire.Kind { return r.kind }

// IAID returns the IAID of the identity association that the lease is in.
func (r *Record) IAID() uint32 { return r.iaid }

// DUID returns a view of the client's DUID.
func (r *Record) DUID() []byte {
	if r.duidLength <= inlineDUID {
		return r.duid[:r.duidLength]
	}
	return r.longDUID()
}

// State returns what became of the lease.
func (r *Record) State() State { return r.state }

// Flags returns the caller's flags.
func (r *Record) Flags() uint8 { return r.flags }

// Owner returns the number of the node whose lease it is.
func (r *Record) Owner() uint8 { return r.owner }

// Version returns the lease's version: positive, and higher than that of all earlier records of this lease.
func (r *Record) Version() uint64 { return r.stamp.Load() >> 8 & versionMask }

// Mark tells which batch wrote the record.
func (r *Record) Mark() Mark { return r.mark }

// Preferred returns the granted preferred lifetime in seconds.
func (r *Record) Preferred() uint32 { return r.preferred }

// Valid returns the granted valid lifetime in seconds.
func (r *Record) Valid() uint32 { return r.valid }

// LastTransaction returns when the client was last heard (RFC 5007's client last transaction time).
func (r *Record) LastTransaction() Time { return r.lastTransaction }

// Expires returns when the valid lifetime, or a declined lease's quarantine, ends.
func (r *Record) Expires() Time { return r.expires }

// Since returns the Draft's Since.
func (r *Record) Since() Time { return r.since }

// Live tells whether the client may use the lease at now: it is bound or superseded, and hasn't expired.
func (r *Record) Live(now Time) bool {
	return (r.state == Bound || r.state == Superseded) && r.expires > now
}

// Taken tells whether the lease can't be given to another client at now: it is live, or declined and
// still in quarantine.
func (r *Record) Taken(now Time) bool { return r.state != Released && r.expires > now }

// Belongs tells whether the lease is, or was last, in this client's identity association, if that is known by its DUID and
// IAID (see BelongsTo). An anonymous one belongs to none.
func (r *Record) Belongs(duid []byte, kind wire.Kind, iaid uint32) bool {
	return r.iaid == iaid && r.Of(duid, kind) && r.flags&(FlagAnonymous|FlagDerived) == 0
}

// Of tells whether the lease is, or was last, in an identity association of this client and kind, whichever.
func (r *Record) Of(duid []byte, kind wire.Kind) bool {
	return r.kind == kind && int(r.duidLength) == len(duid) && bytes.Equal(r.DUID(), duid)
}

// acceptable tells whether a record of the draft's fields can be stored and read back.
func (d *Draft) acceptable() bool {
	return d.Key.fits(d.Kind) && d.State >= Bound && d.State <= lastState && len(d.DUID) <= MaxDUID &&
		(d.IAID == 0 || d.Flags&FlagAnonymous == 0) && (d.Flags&FlagDerived == 0 || d.KeepExtension || d.identifies(nil))
}

// fits tells whether the key can name a lease of this kind.
func (k *Key) fits(kind wire.Kind) bool {
	switch kind {
	case wire.IANA, wire.Registered:
		return k.Length == 128
	case wire.IAPD:
		return k.Length >= 1 && k.Length <= 128
	}
	return false
}

// A node is what records and client entries have in common: the part that the lists work on.
// It fits half a cache line, so following a list costs one miss per node.
type node struct {
	next    atomic.Uint64
	stamp   atomic.Uint64 // bits 7..0: the lease's length, never changed; above: a record's version, and its census in the top four; an entry's claims
	address [16]byte
}

const nodeSize = 32

func (n *node) length() uint8 { return uint8(n.stamp.Load()) }

func (n *node) is(key *Key) bool { return n.address == key.Address && n.length() == key.Length }

// compare orders nodes within a tag; any total order does.
func (n *node) compare(key *Key) int {
	if c := cmp.Compare(binary.BigEndian.Uint64(n.address[8:]), binary.BigEndian.Uint64(key.Address[8:])); c != 0 {
		return c
	}
	if c := cmp.Compare(binary.BigEndian.Uint64(n.address[:]), binary.BigEndian.Uint64(key.Address[:])); c != 0 {
		return c
	}
	return cmp.Compare(n.length(), key.Length)
}
