package address

import "math"

// ExpectedCollisions returns how many of n clients will find their first candidate taken, in a pool of so many
// slots: n clients of random slots occupy s(1-(1-1/s)^n), and all others collide. It is close to n²/(2s) while n is
// small against s. Reserved and excluded slots aren't counted. A pool of no slots gives n.
func ExpectedCollisions(clients uint64, size U128) float64 {
	n, s := float64(clients), size.Float64()
	switch {
	case clients < 2 && s > 0:
		return 0
	case s < 2:
		return max(n-s, 0)
	case n < s/1024:
		// The difference below would lose its digits. The binomial series of the same: the sum over
		// k >= 2 of (-1)^k C(n,k) s^(1-k), whose terms shrink by more than 1024 each.
		term := n * (n - 1) / 2 / s
		sum := term
		for k := 3.0; k < 9; k++ {
			term *= -(n - k + 1) / k / s
			sum += term
		}
		return sum
	default:
		return n + s*math.Expm1(n*math.Log1p(-1/s))
	}
}
