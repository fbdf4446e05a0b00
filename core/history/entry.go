package history

import (
	"encoding/binary"
	"errors"

	"github.com/lockstep6/lockstep6/core/binding"
)

// What an entry tells. The numbers are part of the store's format.
const (
	Ended byte = 1 // a period: how, until when, and its last record
	Began byte = 2 // a period: since when, and its first record
)

const (
	beganHeader = 4 // since
	endedHeader = 5 // how, until
)

// ErrEntry says that an entry is damaged, or of a newer program.
var ErrEntry = errors.New("history: an entry can't be read")

// An End says how a period ended. The numbers are part of the store's format.
type End uint8

// Ends of a period.
const (
	Unknown      End = 0 // it lasts; or its end was told while history wasn't kept
	Expired      End = 1
	Released     End = 2 // by the client, or by an operator in its place
	Declined     End = 3 // the client found the address in use
	Superseded   End = 4 // the client took another lease, or gave this one up at a peer; nobody else gets this one before it expires
	Given        End = 5 // another client has it now
	Transferred  End = 6 // the same client has it from another node
	Moved        End = 7 // the same client was heard from another place
	RenewedAgain End = 8 // a superseded one: its client came back to it
	Identified   End = 9 // what it is known by goes on with another DUID or IAID, or the client is known by something else since
)

// String is the word that commands and the API show.
func (e End) String() string {
	words := [...]string{"", "expired", "released", "declined", "superseded", "given to another client", "served by another node",
		"moved", "renewed again", "identified anew"}
	if int(e) < len(words) {
		return words[e]
	}
	return "unknown"
}

// Entries calls add for each entry that history gets of a change: at, in seconds since 1970, says how old it is. Most
// changes give none. An entry is valid during the call only. Errors are those of binding.DecodeValue.
func Entries(key, value []byte, add func(at int64, what byte, entry []byte)) error {
	s, err := binding.DecodeValue(key, value)
	if err != nil || !s.News {
		return err
	}
	var before binding.Stored
	if len(s.Before) > 0 {
		if before, err = binding.DecodeValue(key, s.Before); err != nil {
			return err
		}
		how, until := end(&before, &s)
		entry := binary.BigEndian.AppendUint32([]byte{byte(how)}, uint32(until))
		add(until.Unix(), Ended, append(entry, s.Before...))
	}
	if lasting(&s) {
		from := s.Since
		if len(s.Before) > 0 && (sameClient(&before, &s) || sameIdentity(&before, &s)) && before.State == s.State && before.Since == s.Since {
			from = moment(&s)
		}
		entry := binary.BigEndian.AppendUint32(nil, uint32(from))
		add(from.Unix(), Began, append(entry, binding.Bare(value)...))
	}
	return nil
}

// lasting tells whether a record is of a client that may use the lease.
func lasting(s *binding.Stored) bool {
	return !s.Removed && (s.State == binding.Bound || s.State == binding.Superseded)
}

// sameClient tells whether two records are of one identity association. That an earlier one didn't know the IAID tells nothing
// of another.
func sameClient(before, after *binding.Stored) bool {
	unknown := before.Flags&binding.FlagAnonymous != 0
	return before.Kind == after.Kind && (before.IAID == after.IAID || unknown) && string(before.DUID) == string(after.DUID)
}

// sameIdentity tells whether two records belong to one identity, whatever DUIDs and IAIDs their clients gave.
func sameIdentity(before, after *binding.Stored) bool {
	a, b := before.Identity(), after.Identity()
	return a.Equal(&b)
}

// moment is when a record's change was made.
func moment(s *binding.Stored) binding.Time {
	if s.State == binding.Bound {
		return s.LastTransaction
	}
	return s.Since
}

// end tells how and when the period of a record ended that another one has replaced.
func end(before, next *binding.Stored) (how End, until binding.Time) {
	if next.Removed || before.Expires <= moment(next) {
		return Expired, before.Expires // it is the sweep or the next client that was late
	}
	until = moment(next)
	switch {
	case !sameClient(before, next) && !sameIdentity(before, next):
		return Given, until
	case next.State == binding.Released:
		return Released, until
	case next.State == binding.Declined:
		return Declined, until
	case next.State == binding.Superseded:
		return Superseded, until
	case before.Owner != next.Owner:
		return Transferred, until
	case before.State == binding.Superseded:
		return RenewedAgain, until
	case !sameClient(before, next) || !sameIdentity(before, next) && before.Flags&binding.FlagAnonymous == 0:
		return Identified, until
	default:
		return Moved, until
	}
}
