package load

import (
	"strconv"

	"github.com/lockstep6/lockstep6/core/wire"
)

// A script is what all clients' messages have in common.
type script struct {
	link        [16]byte // the relay's link-address
	wants       [2]bool  // by wire.Kind-1: an IA_NA, an IA_PD
	interfaceID bool
	remoteID    bool
	anyPort     bool // the relays send from other ports than 547
	faster      float64
}

var (
	wanted     = []byte{0, byte(wire.OptionDNSServers)} // Option Request option: DNS servers
	noPort     = []byte{0, 0}                           // the client's message came by the usual port (RFC 8357, Section 4)
	enterprise = []byte{0, 0, 0x7e, 0xd9}               // 32473, for documentation (RFC 5612)
)

// append appends client n's present message within a Relay-forward.
func (s *script) append(dst []byte, n int, c *client, serverID []byte, now int64) []byte {
	peer := peerAddress(n)
	dst = append(dst, byte(wire.RelayForward), 0)
	dst = append(append(dst, s.link[:]...), peer[:]...)
	if s.interfaceID {
		dst = wire.AppendOption(dst, wire.OptionInterfaceID, strconv.AppendInt(append(s.scratch(), "port "...), int64(n), 10))
	}
	if s.remoteID {
		dst = wire.AppendOption(dst, wire.OptionRemoteID, strconv.AppendInt(append(s.scratch(), enterprise...), int64(n), 10))
	}
	if s.anyPort { // RFC 8357: the servers answer to the port that we send from
		dst = wire.AppendOption(dst, wire.OptionRelaySourcePort, noPort)
	}
	dst, mark := wire.OpenOption(dst, wire.OptionRelayMessage)
	dst = s.message(dst, n, c, serverID, now)
	return wire.CloseOption(dst, mark)
}

// scratch is room for an option's value that doesn't escape.
func (s *script) scratch() []byte { return make([]byte, 0, 32) }

func (s *script) message(dst []byte, n int, c *client, serverID []byte, now int64) []byte {
	duid := DUID(n)
	dst = wire.AppendHeader(dst, c.phase.message(), c.xid)
	dst = wire.AppendOption(dst, wire.OptionClientID, duid[:])
	if serverID != nil {
		dst = wire.AppendOption(dst, wire.OptionServerID, serverID)
	}
	elapsed := min(int64(float64(now-c.first)*s.faster)/10e6, 0xffff)
	dst = append(dst, 0, byte(wire.OptionElapsedTime), 0, 2, byte(elapsed>>8), byte(elapsed))
	if c.phase != releasing && c.phase != declining {
		dst = wire.AppendOption(dst, wire.OptionORO, wanted)
	}
	if c.phase == soliciting && c.task == Rapid {
		dst = wire.AppendOption(dst, wire.OptionRapidCommit, nil)
	}
	for _, kind := range [...]wire.Kind{wire.IANA, wire.IAPD} {
		if s.wants[kind-1] {
			dst = appendIA(dst, kind, n, c)
		}
	}
	return dst
}

// appendIA appends an IA with its lease: in a Request what was advertised, in a Solicit none, so that the
// servers decide by themselves.
func appendIA(dst []byte, kind wire.Kind, n int, c *client) []byte {
	dst, mark := wire.OpenIA(dst, kind, IAID(n, kind))
	l := &c.leases[kind-1]
	if c.phase == requesting {
		l = &c.offers[kind-1]
	}
	switch {
	case c.phase == soliciting || !l.ok:
	case kind == wire.IANA:
		dst = wire.AppendIAAddress(dst, &l.address, 0, 0)
	default:
		dst = wire.AppendIAPrefix(dst, &l.address, l.length, 0, 0, nil)
	}
	return wire.CloseOption(dst, mark)
}
