package scale

import (
	"errors"
	"fmt"

	"github.com/lockstep6/lockstep6/bench/ceiling"
	"github.com/lockstep6/lockstep6/bench/node"
	"github.com/lockstep6/lockstep6/bench/subscriber"
	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/wire"
)

// ExchangeSizes are the sizes of a subscriber's four messages between relay and node, taken from an engine.
func ExchangeSizes() (s ceiling.Sizes, err error) {
	n, err := newNode(sparse, 1024)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, n.close()) }()
	e := engine.New(n.Table.NewHandle(), n.Marks)
	for _, m := range []struct {
		kind        wire.MessageType
		asks, tells *int
	}{{wire.Solicit, &s.Solicit, &s.Advertise}, {wire.Request, &s.Request, &s.Reply}} {
		var duid [subscriber.DUIDLength]byte
		subscriber.DUID(&duid, 1)
		lease, _, err := n.primary(wire.IANA, duid[:])
		if err != nil {
			return s, err
		}
		template := subscriber.New(m.kind, wire.IANA, link, node.ServerID, m.kind == wire.Request, 0)
		data := template.Write(make([]byte, template.Len()), 1, 1, &lease)
		e.Begin(n.Site.Load(), 800_000_000_000, engine.NewMark(0, 1), true, nil)
		result := e.Handle(&engine.Input{Data: data, Source: link, SourcePort: 547, Listen: 1}, make([]byte, 0, engine.MaxReply))
		e.End()
		if result.Drop != wire.DropNone {
			return s, fmt.Errorf("a %s was dropped: %s", m.kind, result.Drop)
		}
		*m.asks, *m.tells = len(data), len(result.Reply)
	}
	return s, nil
}
