package policy

import "github.com/lockstep6/lockstep6/core/wire"

// inward is the i-th relay level counted from the client's: number 0 is the innermost one.
func inward(pkt *wire.Packet, i int) *wire.Relay { return &pkt.Relays[pkt.RelayCount-1-i] }
