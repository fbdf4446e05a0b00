package address

import (
	"encoding/binary"
	"math/bits"
)

// chooseRoom is how many pools of one kind on a link Choose ranks without allocating.
const chooseRoom = 32

// Choose ranks a link's pools of one kind for a client, best first, into order, and returns it; order's earlier
// contents are dropped. Each pool comes first for a share of the clients that is its share of all slots, and a
// pool that comes or goes moves only the clients that it attracts (weighted rendezvous hashing).
//
// A client's cost of a pool is -log2(u)/w: u is F as a fraction of 1, w the number of slots up to 2^63. The least
// cost wins; of equal ones the pool that begins first. It is computed in integers, so that all agree exactly.
func (h *Hasher) Choose(pools []*Pool, id *Identity, order []int) []int {
	order = order[:0]
	if len(pools) == 1 {
		return append(order, 0)
	}
	var array [chooseRoom]uint64
	logs := array[:0]
	for i, p := range pools {
		logs = append(logs, negativeLog2(h.poolNumber(p, id)))
		// Insert where nothing better follows. Links have a handful of pools.
		at := len(order)
		order = append(order, i)
		for ; at > 0 && better(p, pools[order[at-1]], logs[i], logs[order[at-1]]); at-- {
			order[at] = order[at-1]
		}
		order[at] = i
	}
	return order
}

// poolNumber is the client's random number for a pool. The first lease stands for the pool here: ranges that are
// apart may have the same common prefix.
func (h *Hasher) poolNumber(p *Pool, id *Identity) uint64 {
	var buffer [room]byte
	message := appendMessage(buffer[:0], p.First(), id, 0)
	return h.number(append(message, byte(domainChoose)))
}

// better reports whether pool a costs less than pool b: logA/weightA < logB/weightB, by cross multiplication.
func better(a, b *Pool, logA, logB uint64) bool {
	var costA, costB U128
	costA.Hi, costA.Lo = bits.Mul64(logA, weight(b))
	costB.Hi, costB.Lo = bits.Mul64(logB, weight(a))
	if costA == costB {
		return a.first.Less(b.first)
	}
	return costA.Less(costB)
}

// weight is the number of slots, capped at 2^63.
func weight(p *Pool) uint64 {
	if p.size.Hi != 0 {
		return 1 << 63
	}
	return min(p.size.Lo, 1<<63)
}

// logBits is how many bits behind the point negativeLog2 has.
const logBits = 32

// negativeLog2 returns -log2(u) for u = (number with its lowest bit set) / 2^64, in units of 2^-32, rounded up:
// 1 to 64*2^32. The set bit keeps the logarithm's argument above 0.
//
// The integer part of log2 is the position of the top bit. Each further bit comes from squaring the mantissa,
// a number from 1 to below 2 in 1+63 bits: where the square reaches 2, the bit is 1 and the square is halved.
// What the squares have behind the 63rd bit is cut off.
func negativeLog2(number uint64) uint64 {
	number |= 1
	top := 63 - bits.LeadingZeros64(number)
	log := uint64(top)
	mantissa := number << (63 - top)
	for range logBits {
		hi, lo := bits.Mul64(mantissa, mantissa)
		bit := hi >> 63
		log = log<<1 | bit
		// No branch: half of them would be predicted wrong.
		double := 1 - bit
		mantissa = hi<<(double&1) | lo>>63&double
	}
	return 64<<logBits - log
}

// Rank returns a node's keyed rank for a client: of several nodes the one with the highest is the client's first.
// It depends on the DUID alone, so a client's associations have the same first node.
// A name of up to 255 octets doesn't allocate.
func (h *Hasher) Rank(node string, duid []byte) uint64 {
	var buffer [MaxDUID + 255 + 4 + 2 + 32]byte
	message := append(append(buffer[:0], duid...), node...)
	message = binary.BigEndian.AppendUint32(message, uint32(len(node)))
	return h.number(append(message, byte(domainNode)))
}

// ClaimRank returns a client's keyed rank for a lease: where two clients hold the same one, and the configuration explains
// both claims or neither, the one with the higher rank keeps it. All nodes rank alike.
func (h *Hasher) ClaimRank(lease [16]byte, id *Identity) uint64 {
	var buffer [room]byte
	message := appendMessage(buffer[:0], lease, id, 0)
	return h.number(append(message, byte(domainClaim)))
}
