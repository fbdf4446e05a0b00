package daemon

import (
	"context"
	"time"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/reconfigure"
	"github.com/lockstep6/lockstep6/io/admin"
	"github.com/lockstep6/lockstep6/io/privacy"
)

// lookEvery is how often it is seen who has answered.
const lookEvery = 100 * time.Millisecond

// run asks clients until all have ended, or the context ends: then it is canceled. What it needs of the policy it reads for each message: a reload that
// changes how fast clients are asked changes that for the next run.
func (r *reconfiguring) run(ctx context.Context) (canceled bool) {
	h := r.d.table.NewHandle()
	defer h.Close()
	begun := r.d.started // of all runs, since they share their pace
	awaited := make(map[int]struct{})
	timer := time.NewTimer(0)
	defer timer.Stop()
	looked := time.Now()
	for {
		select {
		case <-timer.C:
		case <-ctx.Done():
			canceled = true
		}
		if canceled = canceled || ctx.Err() != nil || !r.wanted(); canceled {
			break
		}
		wait := r.step(h, awaited, time.Since(begun))
		if time.Since(looked) >= lookEvery {
			r.look(awaited)
			looked = time.Now()
		}
		if r.done() {
			break
		}
		timer.Reset(min(wait, lookEvery))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	for client := range awaited {
		r.forget(client, awaited)
	}
	return canceled
}

// wanted tells whether the configuration in force still has clients asked, and where relays want it lets these.
func (r *reconfiguring) wanted() bool {
	c := r.d.site.Load().Policy.Config().Reconfigure
	return c != nil && (r.named == nil || len(c.Requestors) > 0)
}

func (r *reconfiguring) client(number int) *picked { return &r.clients[number-r.order.First()] }

// step asks the next client, if one is due now, and tells how long nothing is due.
func (r *reconfiguring) step(h *binding.Handle, awaited map[int]struct{}, now time.Duration) (wait time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	client, due, wait := r.order.Next(now)
	if !due {
		return wait
	}
	c := r.client(client)
	if r.order.Outcome(client) == reconfigure.GaveUp {
		r.forget(client, awaited)
		r.d.log.Debug("a client didn't come though it was asked by Reconfigure", "id", "reconfigure-gave-up", "lease", privacy.Lease(c.key.Address, c.key.Length))
		return 0
	}
	if _, already := awaited[client]; !already {
		if !r.d.shared.Awaited.Await(c.hash) {
			r.order.Postpone(client, now) // another client of that DUID is awaited, or there is no room
			return 0
		}
		awaited[client] = struct{}{}
	}
	switch r.d.ask(h, c) {
	case askSent:
		r.order.Asked(client, now)
	case askRefused:
		r.order.Asked(client, now)
		r.state.Refused++
	case askLater:
		r.order.Postpone(client, now)
	case askCame:
		r.order.End(client, reconfigure.Answered)
		r.forget(client, awaited)
	case askGone:
		r.order.End(client, reconfigure.Ended)
		r.forget(client, awaited)
	case askFailed:
		r.order.End(client, reconfigure.Failed)
		r.forget(client, awaited)
	}
	return 0
}

func (r *reconfiguring) forget(client int, awaited map[int]struct{}) {
	if _, is := awaited[client]; is {
		r.d.shared.Awaited.Forget(r.client(client).hash)
		delete(awaited, client)
	}
}

// look ends the clients that have come. One whose turn to be asked was put off hasn't been asked: it is ended by it as well.
func (r *reconfiguring) look(awaited map[int]struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for client := range awaited {
		if c := r.client(client); r.d.shared.Awaited.Heard(c.hash, c.ask) {
			r.order.End(client, reconfigure.Answered)
			r.forget(client, awaited)
		}
	}
}

// done tells whether nothing is left to do; from then on the run takes nobody any more.
func (r *reconfiguring) done() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = r.closed || r.order.Done()
	return r.closed
}

// finish notes that the run has ended, and tells how.
func (r *reconfiguring) finish(canceled bool) {
	r.mu.Lock()
	now := time.Now().UTC()
	r.state.Running, r.state.Canceled, r.state.Ended = false, canceled, &now
	r.clients = nil // of a run that has ended only its counts are looked at
	r.mu.Unlock()
	s := r.snapshot()
	r.d.log.Info("clients were asked by Reconfigure", "id", "reconfigure-ended", "for", s.Selection, "message", s.Message, "clients", s.Clients,
		"answered", s.Answered, "gave_up", s.GaveUp, "gone", s.Gone, "failed", s.Failed, "not_asked", s.Waiting, "sent", s.Sent, "canceled", canceled)
}

// running tells whether anything is sent still.
func (r *reconfiguring) running() bool { return !r.added() }

// added tells whether the run is in the totals.
func (r *reconfiguring) added() bool {
	select {
	case <-r.ended:
		return true
	default:
		return false
	}
}

// snapshot is how far the run is.
func (r *reconfiguring) snapshot() admin.ReconfigureRun {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.state
	n := &r.order.Counts
	s.Waiting, s.Asked, s.Answered = n[reconfigure.Waiting], n[reconfigure.Asked], n[reconfigure.Answered]
	s.GaveUp, s.Gone, s.Failed, s.Sent = n[reconfigure.GaveUp], n[reconfigure.Ended], n[reconfigure.Failed], r.order.Sent
	return s
}
