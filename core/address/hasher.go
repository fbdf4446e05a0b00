package address

import (
	"crypto/sha256"
	"encoding/binary"
	"math/bits"

	"github.com/cespare/xxhash/v2"
)

// A Key is the secret that all servers of a cluster share. It must be random.
type Key [32]byte

// An Algorithm is the function F of the rule.
type Algorithm uint8

// The algorithms. XXH64 is fast and no keyed pseudorandom function: who crafts DUIDs can find collisions.
// SHA256 is F as RFC 7943 defines it, for subscribers who might.
const (
	XXH64 Algorithm = iota
	SHA256
)

// String returns the algorithm's name in configurations.
func (a Algorithm) String() string {
	if a == SHA256 {
		return "sha256"
	}
	return "xxh64"
}

// A Hasher computes F under one key. It is immutable.
type Hasher struct {
	algorithm Algorithm
	key       Key
	start     xxhash.Digest // seeded, and fed with the rest of the key; copied for each message
}

// NewHasher returns a Hasher; any Algorithm but SHA256 means XXH64.
func NewHasher(algorithm Algorithm, key Key) *Hasher {
	h := &Hasher{algorithm: algorithm, key: key}
	h.start.ResetWithSeed(binary.BigEndian.Uint64(key[:8]))
	h.start.Write(key[8:]) // never fails
	return h
}

// Algorithm returns which function F is.
func (h *Hasher) Algorithm() Algorithm { return h.algorithm }

// KeyCheck returns a public value that tells whether two servers have the same key. It doesn't tell the key: that
// would take a preimage of SHA-256.
func (h *Hasher) KeyCheck() (check [8]byte) {
	const label = "lockstep6 key check"
	sum := sha256.Sum256(append([]byte(label), h.key[:]...))
	copy(check[:], sum[:])
	return check
}

// A domain is the last octet of a message that isn't RFC 7943's own. Those end with a counter below Counters, so
// no message of one purpose is one of another.
type domain byte

const (
	domainChoose domain = 'c' // order of a link's pools
	domainClaim  domain = 'k' // rank of a client's claim to a lease
	domainLow    domain = 'l' // behind a whole message: the lower half of 128 bits
	domainNode   domain = 'n' // rank of a node for a client
	domainSpill  domain = 's' // start of a spill
)

// MaxDUID is the largest DUID in octets (RFC 9915, Section 11.1). A longer one gives results too, but allocates.
const MaxDUID = 130

// room is how many octets a message takes at most: prefix, DUID, IAID, counter, two domains, key.
const room = 16 + MaxDUID + 4 + 4 + 2 + 32

// appendMessage appends RFC 7943's Prefix | Client_DUID | IAID | Counter.
func appendMessage(dst []byte, prefix [16]byte, id *Identity, counter uint32) []byte {
	dst = append(dst, prefix[:]...)
	dst = append(dst, id.DUID...)
	dst = binary.BigEndian.AppendUint32(dst, id.IAID)
	return binary.BigEndian.AppendUint32(dst, counter)
}

// below returns F over the message, reduced to 0 to size-1. It overwrites what follows the message in its array.
func (h *Hasher) below(message []byte, size U128) U128 {
	if h.algorithm == SHA256 {
		return mod256(h.sha256(message), size)
	}
	digest := h.start
	digest.Write(message)
	high := digest.Sum64()
	switch {
	case size.Hi == 0:
		slot, _ := bits.Mul64(high, size.Lo)
		return U128{Lo: slot}
	case size == U128{Hi: 1}:
		return U128{Lo: high}
	}
	digest.Write(lowSuffix[:])
	return U128{high, digest.Sum64()}.MulHi(size)
}

// number returns F over the message reduced to 64 bits: below 2^64. It overwrites what follows the message.
func (h *Hasher) number(message []byte) uint64 { return h.below(message, U128{Hi: 1}).Lo }

// sha256 returns RFC 7943's default F, with the key behind the message, as a number of 256 bits, most
// significant word first.
func (h *Hasher) sha256(message []byte) (words [4]uint64) {
	sum := sha256.Sum256(append(message, h.key[:]...))
	for i := range words {
		words[i] = binary.BigEndian.Uint64(sum[8*i:])
	}
	return words
}

var lowSuffix = [1]byte{byte(domainLow)}
