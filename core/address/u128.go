package address

import (
	"encoding/binary"
	"math/bits"
)

// A U128 is an unsigned integer of 128 bits: an address as a number, a slot, or a count of slots.
// Arithmetic wraps at 2^128 unless a method says otherwise.
type U128 struct{ Hi, Lo uint64 }

// FromBytes reads 16 octets in network byte order.
func FromBytes(b [16]byte) U128 {
	return U128{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
}

// Bytes returns the number in network byte order.
func (a U128) Bytes() (b [16]byte) {
	binary.BigEndian.PutUint64(b[:8], a.Hi)
	binary.BigEndian.PutUint64(b[8:], a.Lo)
	return b
}

// IsZero reports whether a is 0.
func (a U128) IsZero() bool { return a.Hi|a.Lo == 0 }

// Cmp returns -1, 0 or 1 where a is less than, equal to or greater than b.
func (a U128) Cmp(b U128) int {
	switch {
	case a == b:
		return 0
	case a.Less(b):
		return -1
	default:
		return 1
	}
}

// Less reports whether a is less than b.
func (a U128) Less(b U128) bool { return a.Hi < b.Hi || a.Hi == b.Hi && a.Lo < b.Lo }

// Add returns a+b.
func (a U128) Add(b U128) U128 {
	lo, carry := bits.Add64(a.Lo, b.Lo, 0)
	hi, _ := bits.Add64(a.Hi, b.Hi, carry)
	return U128{hi, lo}
}

// Sub returns a-b.
func (a U128) Sub(b U128) U128 {
	lo, borrow := bits.Sub64(a.Lo, b.Lo, 0)
	hi, _ := bits.Sub64(a.Hi, b.Hi, borrow)
	return U128{hi, lo}
}

// Lsh returns a shifted n bits to the left; 128 bits or more leave nothing.
func (a U128) Lsh(n uint) U128 {
	if n >= 64 {
		return U128{Hi: a.Lo << (n - 64)}
	}
	return U128{a.Hi<<n | a.Lo>>(64-n), a.Lo << n}
}

// Rsh returns a shifted n bits to the right; 128 bits or more leave nothing.
func (a U128) Rsh(n uint) U128 {
	if n >= 64 {
		return U128{Lo: a.Hi >> (n - 64)}
	}
	return U128{a.Hi >> n, a.Lo>>n | a.Hi<<(64-n)}
}

// Mul64 returns a*n.
func (a U128) Mul64(n uint64) U128 {
	hi, lo := bits.Mul64(a.Lo, n)
	return U128{hi + a.Hi*n, lo}
}

// MulHi returns the upper 128 bits of the product of a and b, which has 256: floor(a*b / 2^128).
func (a U128) MulHi(b U128) U128 {
	lowHi, _ := bits.Mul64(a.Lo, b.Lo)
	leftHi, leftLo := bits.Mul64(a.Hi, b.Lo)
	rightHi, rightLo := bits.Mul64(a.Lo, b.Hi)
	hi, lo := bits.Mul64(a.Hi, b.Hi)
	middle, carry1 := bits.Add64(lowHi, leftLo, 0)
	_, carry2 := bits.Add64(middle, rightLo, 0)
	lo, carry1 = bits.Add64(lo, leftHi, carry1)
	lo, carry2 = bits.Add64(lo, rightHi, carry2)
	return U128{hi + carry1 + carry2, lo}
}

// DivMod64 returns the quotient and the remainder of a and n, which must not be 0.
func (a U128) DivMod64(n uint64) (quotient U128, remainder uint64) {
	quotient.Hi = a.Hi / n
	quotient.Lo, remainder = bits.Div64(a.Hi%n, a.Lo, n)
	return quotient, remainder
}

// Float64 returns the nearest float64, or one next to it.
func (a U128) Float64() float64 { return float64(a.Hi)*(1<<64) + float64(a.Lo) }

// String returns the number in decimal.
func (a U128) String() string {
	var digits [39]byte // 2^128 has 39
	i := len(digits)
	for {
		var digit uint64
		a, digit = a.DivMod64(10)
		i--
		digits[i] = byte('0' + digit)
		if a.IsZero() {
			return string(digits[i:])
		}
	}
}

// mod256 returns the remainder of a 256-bit number, most significant word first, and m, which must not be 0.
//
// It is long division by words of 64 bits (Knuth, The Art of Computer Programming, volume 2, algorithm 4.3.1 D)
// that keeps the remainder only.
func mod256(number [4]uint64, m U128) U128 {
	if m.Hi == 0 {
		var r uint64
		for _, word := range number {
			r = bits.Rem64(r, word, m.Lo)
		}
		return U128{Lo: r}
	}
	// Scaled by 2^shift the divisor has its top bit set, which keeps a digit's estimate at most 2 too large.
	// The remainder is scaled along with it.
	shift := uint(bits.LeadingZeros64(m.Hi))
	m = m.Lsh(shift)
	r := U128{Lo: number[0] >> (64 - shift)} // what scaling pushes out above the first word
	for i, word := range number {
		word <<= shift
		if i+1 < len(number) {
			word |= number[i+1] >> (64 - shift)
		}
		r = modStep(r, word, m)
	}
	return r.Rsh(shift)
}

// modStep returns (r*2^64 + word) mod m for r < m and an m whose top bit is set.
func modStep(r U128, word uint64, m U128) U128 {
	digit := ^uint64(0)
	if r.Hi < m.Hi {
		digit, _ = bits.Div64(r.Hi, r.Lo, m.Hi)
	}
	// digit*m in 192 bits
	p1, p0 := bits.Mul64(digit, m.Lo)
	p2, carry := bits.Mul64(digit, m.Hi)
	p1, carry = bits.Add64(p1, carry, 0)
	p2 += carry
	lo, borrow := bits.Sub64(word, p0, 0)
	hi, borrow := bits.Sub64(r.Lo, p1, borrow)
	top, _ := bits.Sub64(r.Hi, p2, borrow)
	for top != 0 { // negative: the digit was too large
		lo, carry = bits.Add64(lo, m.Lo, 0)
		hi, carry = bits.Add64(hi, m.Hi, carry)
		top += carry
	}
	return U128{hi, lo}
}
