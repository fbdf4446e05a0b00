package udp

import (
	"fmt"

	"github.com/lockstep6/lockstep6/core/limit"
)

// An EventKind says what happened to an interface or to the sockets.
type EventKind uint8

// What a server tells through Config.Notify. InterfaceDown, InterfaceGone and DropsGrew mean that clients
// may have spoken without being heard.
const (
	InterfaceMissing EventKind = iota + 1 // at Open: configured, but not there yet
	InterfaceUp                           // there, and its carrier too
	InterfaceDown                         // there, but switched off or without carrier
	InterfaceGone                         // deleted, or renamed to something else
	GroupsJoined                          // ff02::1:2 and ff05::1:3 are joined on it by every worker
	JoinFailed                            // they couldn't be joined; it is tried again each second and at each change
	DropsGrew                             // the kernel dropped datagrams for want of buffer space
	FloodHeld                             // most of what a sender sends is thrown away; once, and each minute while that goes on
	SieveFailed                           // the kernel refuses to throw it away; once
)

// String returns the kind in words.
func (k EventKind) String() string {
	switch k {
	case InterfaceMissing:
		return "interface missing"
	case InterfaceUp:
		return "interface up"
	case InterfaceDown:
		return "interface down"
	case InterfaceGone:
		return "interface gone"
	case GroupsJoined:
		return "groups joined"
	case JoinFailed:
		return "join failed"
	case DropsGrew:
		return "drops grew"
	case FloodHeld:
		return "flood held"
	case SieveFailed:
		return "sieve failed"
	}
	return fmt.Sprintf("event %d", uint8(k))
}

// An Event is one change. Fields that don't apply are zero.
type Event struct {
	Kind      EventKind
	Interface string      // configured name
	Listen    uint16      // 1 + its position in Config.Interfaces, as in worker.Datagram
	Index     uint32      // the kernel's
	Dropped   uint64      // DropsGrew: datagrams since the last such event
	Flood     limit.Flood // FloodHeld
	Err       error       // JoinFailed, SieveFailed
}
