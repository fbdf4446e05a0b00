package query

import (
	"bytes"
	"iter"

	"github.com/lockstep6/lockstep6/core/binding"
)

// An Index finds leases by what isn't their address. It is a hint: what it yields may have ended, be another client's, or have
// another identifier that looks the same to it; what is bound for longer than its changes take to reach it is never missing.
type Index interface {
	// Leases yields the leases that were bound with an identifier. Of one client they come one behind the other, as a rule.
	Leases(by Identifier, value []byte) iter.Seq2[binding.Key, error]
	// Recent yields those of them that the index's sorted part doesn't have yet, and Leases left out.
	Recent(by Identifier, value []byte) iter.Seq2[binding.Key, error]
}

// An Identifier is what an Index has leases by.
type Identifier uint8

// Identifiers. The numbers are part of the store's format.
const (
	Duid     Identifier = 1 // the client's
	RelayID  Identifier = 2 // the relay's DUID (RFC 5460, Section 5.4.1)
	RemoteID Identifier = 3 // enterprise-number and identifier (RFC 4649)
)

// Identifiers yields what an Index is to have a binding by.
func Identifiers(s *binding.Stored) iter.Seq2[Identifier, []byte] {
	return func(yield func(Identifier, []byte) bool) {
		if !yield(Duid, s.DUID) {
			return
		}
		if v, ok := s.Extension.Find(binding.ExtRelayID); ok && !yield(RelayID, v) {
			return
		}
		if v, ok := s.Extension.Find(binding.ExtRemoteID); ok {
			yield(RemoteID, v)
		}
	}
}

// has tells whether a binding has the identifier, which an Index can't know for certain.
func has(s *binding.Stored, by Identifier, value []byte) bool {
	for other, v := range Identifiers(s) {
		if other == by {
			return bytes.Equal(v, value)
		}
	}
	return false
}
