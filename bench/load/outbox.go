package load

import "github.com/lockstep6/lockstep6/core/worker"

// An outbox is what one goroutine of a site is about to send. Its messages lie in the arena.
type outbox struct {
	arena   []byte
	replies []worker.Reply
}

// post puts a copy of the client's message for every server into the outbox.
func (r *site) post(i int32, box *outbox, now int64) {
	c := &r.clients[i]
	var id []byte
	if c.target != nobody {
		id = r.ids[c.target]
	}
	start := len(box.arena)
	box.arena = r.script.append(box.arena, r.config.First+r.clientAt(i), c, id, now)
	data, relay := box.arena[start:], int(i)%len(r.selves)
	for k := range r.servers {
		copied := r.servers[k]
		copied.Data, copied.Source = data, r.selves[relay]
		if !r.config.Shared {
			copied.Socket = uint16(relay)
		}
		box.replies = append(box.replies, copied)
	}
}

func (r *site) flush(lane int, box *outbox) {
	if len(box.replies) > 0 {
		refused := r.socket.Send(lane, box.replies)
		r.counts.sent.Add(uint64(len(box.replies) - refused))
		r.counts.sentOctets.Add(uint64(len(box.arena) * len(r.servers)))
	}
	box.arena, box.replies = box.arena[:0], box.replies[:0]
}
