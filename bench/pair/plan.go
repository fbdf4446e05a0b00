package pair

import (
	"io"
	"net"
)

// A Plan is where nodes listen, by their numbers: addresses with ports on loopback that were free when the plan was made.
type Plan struct{ DHCP, Query, Admin []string }

// NewPlan finds ports for so many nodes.
func NewPlan(nodes int) (p Plan, err error) {
	var held []io.Closer
	defer func() {
		for _, h := range held {
			_ = h.Close()
		}
	}()
	for range nodes {
		u, err := net.ListenPacket("udp6", "[::1]:0")
		if err != nil {
			return p, err
		}
		held, p.DHCP = append(held, u), append(p.DHCP, u.LocalAddr().String())
		for _, into := range []*[]string{&p.Query, &p.Admin} {
			l, err := net.Listen("tcp6", "[::1]:0")
			if err != nil {
				return p, err
			}
			held, *into = append(held, l), append(*into, l.Addr().String())
		}
	}
	return p, nil
}
