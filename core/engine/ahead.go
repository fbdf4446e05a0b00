package engine

import (
	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/wire"
)

// Ahead tells whose messages a batch has, so that what will be looked up for them is fetched together: data returns the i-th of
// n messages. It changes nothing of what Handle does, and in a table that fits the processor's cache it does nothing.
func (e *Engine) Ahead(n int, data func(i int) []byte) {
	if n < 2 || !e.handle.Pays() {
		return
	}
	clients := e.coming[:0]
	for i := range n {
		duid, kind, iaid, ok := wire.Peek(data(i))
		if ok && len(duid) <= binding.MaxDUID && len(clients) < binding.MaxAhead {
			clients = append(clients, binding.Client{DUID: duid, Kind: kind, IAID: iaid})
		}
	}
	e.handle.Ahead(clients)
	clear(clients) // keep nothing of the socket's memory
}
