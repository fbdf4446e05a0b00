package daemon

import (
	"net/netip"
	"slices"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/reconfigure"
	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/core/worker"
	"github.com/lockstep6/lockstep6/io/privacy"
)

// A wish is a client's place in a request.
type wish struct {
	by *requested
	at int
}

// serve finds the clients of all requests that wait, has them asked, and tells the relays who isn't.
func (q *requests) serve(h *binding.Handle) {
	pending := q.pending
	q.pending = nil
	named := make(map[string][]wish)
	for _, by := range pending {
		for at, duid := range by.request.Clients {
			named[string(duid)] = append(named[string(duid)], wish{by, at})
		}
	}
	q.find(h, named)
	for _, by := range pending {
		joined := q.d.reconfigure.join(by.picker)
		for _, at := range by.of[:joined] {
			by.asked[at] = true
		}
		var notAsked [][]byte
		for at, duid := range by.request.Clients {
			if !by.asked[at] {
				notAsked = append(notAsked, duid)
			}
		}
		q.countClients(len(by.request.Clients)-len(notAsked), len(notAsked))
		q.answer(&by.datagram, by.asker, requestTaken, wire.StatusSuccess, "", notAsked)
	}
}

// find walks through the table, and puts the clients that can be asked into the requests' pickers.
func (q *requests) find(h *binding.Handle, named map[string][]wish) {
	where := q.d.emptyPicker(q.d.site.Load().Policy, wire.Renew)
	now := where.since
	for shard := range q.d.table.Shards() {
		h.Enter()
		h.Range(shard, func(r *binding.Record) bool {
			all := named[string(r.DUID())]
			if len(all) == 0 || r.State() != binding.Bound || !r.Live(now) {
				return true
			}
			key := r.Key()
			link := where.linkOf(r, &key)
			for _, w := range all {
				if link != nil && slices.Contains(w.by.links, link.Index) {
					w.take(r)
				}
			}
			return true
		})
		h.Leave()
	}
}

// take has a record's client asked for a request, if it can be.
func (w *wish) take(r *binding.Record) {
	p := w.by.picker
	before := len(p.clients)
	if p.take(r); len(p.clients) > before {
		w.by.of = append(w.by.of, w.at)
	}
}

// relays tells whether the sender of a request is a relay for the log: it passed the request on, or may make requests. Any other may be a client.
func (q *requests) relays(a, asker netip.Addr) bool {
	c := q.d.site.Load().Policy.Config().Reconfigure
	return a != asker || c != nil && mayAsk(c, a)
}

// drop drops a request without an answer.
func (q *requests) drop(d *worker.Datagram, asker netip.Addr, result string) {
	q.count(result)
	from := netip.AddrFrom16(d.Source)
	q.d.log.Debug("a relay's Reconfigure-request was dropped", "id", "reconfigure-request-dropped", "relay", privacy.Sender(asker, q.relays(asker, asker)), "from", privacy.Sender(from, q.relays(from, asker)), "why", result)
}

// answer sends a Reconfigure-reply, the way that the request came.
func (q *requests) answer(d *worker.Datagram, asker netip.Addr, result string, status wire.StatusCode, text string, notAsked [][]byte) {
	q.count(result)
	if q.packet.Parse(d.Data) != wire.DropNone {
		return // it was parsed before
	}
	data, marks := wire.OpenRelays(nil, &q.packet)
	data = reconfigure.AppendAnswer(data, q.packet.Message.TransactionID, q.d.site.Load().Policy.ServerID, status, text, notAsked)
	reply := worker.Reply{
		Data: wire.CloseRelays(data, marks), Destination: d.Source, Port: wire.ReplyPort(&q.packet, d.SourcePort), Socket: d.Socket, Interface: d.Interface,
	}
	if q.packet.RelayCount == 0 {
		reply.Port = d.SourcePort
	}
	if d.Destination[0] != 0xff {
		reply.Source = d.Destination
	}
	sent := q.d.reconfigure.send(q.d, &reply)
	from := netip.AddrFrom16(d.Source)
	q.d.log.Debug("a relay's Reconfigure-request was answered", "id", "reconfigure-request-answered", "relay", privacy.Sender(asker, q.relays(asker, asker)), "from", privacy.Sender(from, q.relays(from, asker)),
		"status", status, "clients_not_asked", len(notAsked), "sent", sent)
}
