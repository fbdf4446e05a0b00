package engine

import "github.com/lockstep6/lockstep6/core/wire"

// information answers an Information-request (RFC 9915, Section 18.3.6): configuration, no leases. A client
// whose link isn't known gets what holds everywhere.
func (e *Engine) information() wire.Drop {
	e.open(wire.Reply)
	e.configure()
	return wire.DropNone
}
