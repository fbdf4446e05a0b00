package binding

import (
	"bytes"
	"encoding/binary"
	"errors"

	"github.com/lockstep6/lockstep6/core/wire"
)

// The store's format; docs/store-format.md shows it octet by octet.
const (
	// KeySize is how many octets a key takes in the store: 16 of address, 1 of length.
	KeySize = 17

	valueFormat  = 1
	removalSize  = 10 // format, version, and 0 for the state
	valueHeader  = 38 // all fixed fields; DUID and extension follow
	removedState = 0
)

// Errors of decoding. A value that can't be decoded is damage, or of a newer program.
var (
	ErrChange = errors.New("binding: a change is cut short")
	ErrKey    = errors.New("binding: a key isn't an address and a length that fits the lease")
	ErrFormat = errors.New("binding: a value has a format that this program doesn't know")
	ErrValue  = errors.New("binding: a value is damaged")
)

// A Stored is what key and value in the store say. DUID and Extension are views into the value.
// Of a removed lease only Key, Version, Removed, News and Before are set.
type Stored struct {
	Key             Key
	Version         uint64
	Removed         bool
	Kind            wire.Kind
	IAID            uint32
	DUID            []byte
	State           State
	Flags           uint8
	Owner           uint8
	Preferred       uint32
	Valid           uint32
	LastTransaction Time
	Expires         Time
	Since           Time
	Extension       Extension
	News            bool   // history is told of this change (see ExtHistory)
	Before          []byte // then the value of the record that it has ended, or nothing; a view too
}

// AppendKey appends a key as the store has it: keys sort by address, then length.
func AppendKey(dst []byte, key *Key) []byte {
	return append(append(dst, key.Address[:]...), key.Length)
}

// DecodeKey reads a key.
func DecodeKey(b []byte) (Key, error) {
	if len(b) != KeySize || b[16] < 1 || b[16] > 128 {
		return Key{}, ErrKey
	}
	return Key{Address: [16]byte(b), Length: b[16]}, nil
}

// AppendChange appends the record as one change for the journal: the value's length as uvarint, key, value.
func AppendChange(dst []byte, r *Record) []byte {
	extension := r.pieces()
	return extension.appendTo(appendFixed(dst, r, extension.length()))
}

// AppendPublished is AppendChange of what Publish made of draft. It unpacks the extension only where draft hasn't got it.
func AppendPublished(dst []byte, r *Record, draft *Draft) []byte {
	if draft.KeepExtension {
		return AppendChange(dst, r)
	}
	return append(appendFixed(dst, r, len(draft.Extension)), draft.Extension...)
}

// appendFixed appends a change up to its extension, which is to take so many octets.
func appendFixed(dst []byte, r *Record, extension int) []byte {
	key := r.Key()
	dst = binary.AppendUvarint(dst, uint64(valueHeader+int(r.duidLength)+extension))
	return appendHeader(AppendKey(dst, &key), r)
}

// appendHeader appends a record's value up to its extension.
func appendHeader(dst []byte, r *Record) []byte {
	dst = append(dst, valueFormat)
	dst = binary.BigEndian.AppendUint64(dst, r.Version())
	dst = append(dst, byte(r.state), byte(r.kind), r.flags, r.owner)
	dst = binary.BigEndian.AppendUint32(dst, r.iaid)
	dst = binary.BigEndian.AppendUint32(dst, r.preferred)
	dst = binary.BigEndian.AppendUint32(dst, r.valid)
	dst = binary.BigEndian.AppendUint32(dst, uint32(r.lastTransaction))
	dst = binary.BigEndian.AppendUint32(dst, uint32(r.expires))
	dst = binary.BigEndian.AppendUint32(dst, uint32(r.since))
	dst = append(dst, r.duidLength)
	return append(dst, r.DUID()...)
}

// AppendRemoval appends a lease's removal as one change. A removal is a value with a version (see RemovalVersion),
// so that the store can order it with the lease's other writes.
func AppendRemoval(dst []byte, key *Key, version uint64) []byte {
	return appendRemoved(binary.AppendUvarint(dst, removalSize), key, version)
}

func appendRemoved(dst []byte, key *Key, version uint64) []byte {
	dst = AppendKey(dst, key)
	dst = append(dst, valueFormat)
	dst = binary.BigEndian.AppendUint64(dst, version)
	return append(dst, removedState)
}

// NextChange splits the first change off b. Key and value are views.
func NextChange(b []byte) (key, value, rest []byte, err error) {
	size, n := binary.Uvarint(b)
	if n <= 0 || len(b)-n < KeySize || size > uint64(len(b)-n-KeySize) {
		return nil, nil, nil, ErrChange
	}
	key, b = b[n:][:KeySize:KeySize], b[n+KeySize:]
	return key, b[:size:size], b[size:], nil
}

// ValueVersion returns a value's version, and whether it is a removal: all that is needed to tell which of two
// values of a key stands. The version is 1 to 2^51.
func ValueVersion(value []byte) (version uint64, removed bool, err error) {
	if len(value) == 0 || value[0] != valueFormat {
		return 0, false, ErrFormat
	}
	if len(value) < removalSize {
		return 0, false, ErrValue
	}
	version = binary.BigEndian.Uint64(value[1:])
	removed = value[9] == removedState
	if version < 1 || version > maxVersion {
		return 0, false, ErrValue
	}
	if removed {
		if rest, _, _, ok := splitNews(value[removalSize:]); !ok || len(rest) > 0 {
			return 0, false, ErrValue
		}
	}
	return version, removed, nil
}

// DecodeValue reads what the store has of a lease. All that it accepts can be published.
func DecodeValue(key, value []byte) (Stored, error) {
	var s Stored
	var err error
	if s.Key, err = DecodeKey(key); err != nil {
		return Stored{}, err
	}
	if s.Version, s.Removed, err = ValueVersion(value); err != nil {
		return s, err
	}
	if s.Removed {
		_, s.Before, s.News, _ = splitNews(value[removalSize:])
		return s, nil
	}
	if len(value) < valueHeader || len(value) < valueHeader+int(value[37]) {
		return Stored{}, ErrValue
	}
	s.State = State(value[9])
	s.Kind = wire.Kind(value[10])
	s.Flags = value[11]
	s.Owner = value[12]
	s.IAID = binary.BigEndian.Uint32(value[13:])
	s.Preferred = binary.BigEndian.Uint32(value[17:])
	s.Valid = binary.BigEndian.Uint32(value[21:])
	s.LastTransaction = Time(binary.BigEndian.Uint32(value[25:]))
	s.Expires = Time(binary.BigEndian.Uint32(value[29:]))
	s.Since = Time(binary.BigEndian.Uint32(value[33:]))
	rest := valueHeader + int(value[37])
	s.DUID = value[valueHeader:rest:rest]
	var ok bool
	s.Extension, s.Before, s.News, ok = splitNews(value[rest:])
	draft := s.draft()
	if !s.Key.fits(s.Kind) {
		return Stored{}, ErrKey
	}
	if !draft.acceptable() || !ok {
		return Stored{}, ErrValue
	}
	return s, nil
}

// draft returns the stored record as a draft, of mark 0.
func (s *Stored) draft() Draft {
	return Draft{
		Key: s.Key, Kind: s.Kind, IAID: s.IAID, DUID: s.DUID,
		State: s.State, Flags: s.Flags, Owner: s.Owner,
		Preferred: s.Preferred, Valid: s.Valid,
		LastTransaction: s.LastTransaction, Expires: s.Expires, Since: s.Since,
		Extension: s.Extension,
	}
}

// Load puts what the store has of a lease into the table, unless the table knows a version as high.
// Each lease's merged value is to be loaded, not its history: an older value behind a removal would
// bring the lease back. Several goroutines may load, each with its own handle, outside of a batch:
// Load makes a batch of its own. Errors are those of DecodeValue, and ErrFull. For many leases a Loader is faster.
func (h *Handle) Load(key, value []byte) error {
	s, err := DecodeValue(key, value)
	if err != nil {
		return err
	}
	h.Enter()
	defer h.Leave()
	_, err = h.load(&s)
	return err
}

// load is Load of a decoded lease, within a batch. The record is nil where nothing was to be published.
func (h *Handle) load(s *Stored) (*Record, error) {
	if s.Removed {
		h.loadRemoval(s)
		return nil, nil
	}
	draft := s.draft()
	for {
		old := h.Find(&s.Key)
		if old != nil && old.Version() >= s.Version {
			return nil, nil
		}
		switch r, outcome := h.publishStored(old, &draft, s.Version); outcome {
		case Published:
			return r, nil
		case Full:
			return nil, ErrFull
		}
	}
}

// loadRemoval sees to it that the lease, if it is granted again, gets a version above its removal's.
func (h *Handle) loadRemoval(s *Stored) {
	h.table.raise(h.table.leaseHash(&s.Key), s.Version)
	for {
		old := h.Find(&s.Key)
		if old == nil || old.Version() >= s.Version || h.Remove(old) == Published {
			return
		}
	}
}

// Copy returns what a record says, in memory of its own, so that it outlives the batch.
func Copy(r *Record) Stored {
	return Stored{
		Key: r.Key(), Version: r.Version(), Kind: r.kind, IAID: r.iaid, DUID: bytes.Clone(r.DUID()),
		State: r.state, Flags: r.flags, Owner: r.owner, Preferred: r.preferred, Valid: r.valid,
		LastTransaction: r.lastTransaction, Expires: r.expires, Since: r.since, Extension: r.AppendExtension(nil),
	}
}
