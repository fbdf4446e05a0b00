package daemon

import (
	"time"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/reconfigure"
	"github.com/lockstep6/lockstep6/io/admin"
)

const (
	// relaysMost is how many clients the run for relays can have that haven't ended, each of some 100 octets.
	relaysMost = 1 << 16
	// relaysAwaited is how many of them are awaited at a time: most of the room is for the runs of operators.
	relaysAwaited = reconfigure.MaxAwaited / 4
)

// join has those asked who were picked for a relay: by the run for relays that goes on, or by a new one. It returns how many of them are:
// the first ones.
func (r *reconfigurer) join(p *picker) (joined int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(p.clients) == 0 || r.ctx == nil || r.ctx.Err() != nil {
		return 0
	}
	if r.relays != nil {
		if joined, ok := r.relays.join(p.clients); ok {
			return joined
		}
	}
	run := p.newRun(0, &r.pace, relaysAwaited)
	run.named = make(map[binding.Key]int)
	run.state = admin.ReconfigureRun{Selection: "relays", Message: "as they say", Started: time.Now().UTC()}
	joined, _ = run.join(p.clients)
	r.start(run)
	r.relays = run
	return joined
}

// join adds clients; false: the run has ended.
func (r *reconfiguring) join(clients []picked) (joined int, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return 0, false
	}
	r.trim()
	for i := range clients {
		c := &clients[i]
		if r.asks(c) {
			continue // a relay that lost the answer asks again
		}
		if len(r.clients) == relaysMost {
			return i, true
		}
		r.clients = append(r.clients, *c)
		r.named[c.key] = r.order.Add()
		r.state.Clients++
	}
	return len(clients), true
}

// trim forgets clients that have ended.
func (r *reconfiguring) trim() {
	first := r.order.First()
	gone := r.order.Trim()
	for i := range r.clients[:gone] {
		if key := r.clients[i].key; r.named[key] == first+i {
			delete(r.named, key)
		}
	}
	r.clients = r.clients[gone:]
}

// asks tells whether the client is to be asked already, for the same, and hasn't come yet.
func (r *reconfiguring) asks(c *picked) bool {
	number, ok := r.named[c.key]
	if !ok || r.order.Outcome(number) > reconfigure.Asked {
		return false
	}
	before := r.client(number)
	return before.hash == c.hash && before.ask == c.ask && !r.d.shared.Awaited.Heard(c.hash, c.ask)
}
