// Package reconfigure is what a server needs to make clients ask it again: keys, the Reconfigure message and the way that it goes
// (RFC 9915, Sections 18.3.11 and 20.4), replay values, and the order in which clients of a run are asked. It sends nothing and
// reads no clock.
package reconfigure

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/lockstep6/lockstep6/core/wire"
)

// SecretSize is how many octets a server's secret has, from which all clients' keys follow.
const SecretSize = 32

// KeySize is how many octets a reconfigure key has (RFC 9915, Section 20.4.2).
const KeySize = 16

// A Key is a client's reconfigure key.
type Key [KeySize]byte

// An Acceptance is what is kept with the bindings of a client that accepts Reconfigure and was told a key: which key that was. It
// isn't secret.
//
//	octets 0..3   when the key was told first, as a binding's times are: of a client's keys the newest counts
//	octets 4..11  what the key follows from, beside the secret and the client's DUID
type Acceptance [AcceptanceSize]byte

// AcceptanceSize is how many octets an Acceptance takes.
const AcceptanceSize = 12

// maxInput bounds the input of a digest: the longest DUID, and what else is in it.
const maxInput = 1 + wire.MaxDUID + 16 + 3

// What digests are for. No digest of one kind is one of another.
const (
	forGeneration = 1
	forKey        = 2
)

// Accept makes the Acceptance of a client that begins anew. It follows from the message: a server that is asked twice, because a
// Reply was lost or two relays heard the client, tells the same key. Who asks in the client's name from elsewhere gets another key,
// and doesn't learn the client's.
func Accept(secret *[SecretSize]byte, duid []byte, peer *[16]byte, xid [3]byte, now uint32) (a Acceptance) {
	var room [maxInput]byte
	b := append(room[:0], forGeneration)
	b = append(append(append(b, xid[:]...), peer[:]...), duid...)
	sum := digest(secret, b)
	binary.BigEndian.PutUint32(a[:], now)
	copy(a[4:], sum[:])
	return a
}

// Same tells whether both stand for the same key of a client.
func (a *Acceptance) Same(other *Acceptance) bool { return [8]byte(a[4:]) == [8]byte(other[4:]) }

// Since is when the key was told first.
func (a *Acceptance) Since() uint32 { return binary.BigEndian.Uint32(a[:]) }

// KeyOf is the key that a client was told with an Acceptance: pseudorandom for whoever hasn't got the secret.
func KeyOf(secret *[SecretSize]byte, duid []byte, a *Acceptance) Key {
	var room [maxInput]byte
	b := append(room[:0], forKey)
	sum := digest(secret, append(append(b, a[4:]...), duid...))
	return Key(sum[:KeySize])
}

// digest is HMAC-SHA-256 (RFC 2104), written out since crypto/hmac allocates: it runs on the packet path.
func digest(secret *[SecretSize]byte, message []byte) [sha256.Size]byte {
	var inner [sha256.BlockSize + maxInput]byte
	var outer [sha256.BlockSize + sha256.Size]byte
	for i := range sha256.BlockSize {
		inner[i], outer[i] = 0x36, 0x5c
	}
	for i, octet := range secret {
		inner[i] ^= octet
		outer[i] ^= octet
	}
	n := copy(inner[sha256.BlockSize:], message)
	sum := sha256.Sum256(inner[:sha256.BlockSize+n])
	copy(outer[sha256.BlockSize:], sum[:])
	return sha256.Sum256(outer[:])
}

// The Authentication option as RKAP has it (RFC 9915, Sections 20.4.1 and 21.11).
const (
	protocolRKAP  = 3
	algorithmHMAC = 1
	rdmMonotonic  = 0
	infoKey       = 1
	infoDigest    = 2

	infoAt   = 11 // octets of the option in front of the authentication information
	authSize = infoAt + 1 + KeySize
)

// AppendKey appends the Authentication option that tells a client its key, with a value of Replay: a client that has had a message
// with a higher one would drop the Reply (RFC 9915, Section 20.3).
func AppendKey(dst []byte, key *Key, replay uint64) []byte {
	return appendAuthentication(dst, replay, infoKey, (*[KeySize]byte)(key))
}

func appendAuthentication(dst []byte, replay uint64, info byte, value *[KeySize]byte) []byte {
	dst = append(dst, 0, byte(wire.OptionAuthentication), 0, authSize, protocolRKAP, algorithmHMAC, rdmMonotonic)
	dst = binary.BigEndian.AppendUint64(dst, replay)
	return append(append(dst, info), value[:]...)
}
