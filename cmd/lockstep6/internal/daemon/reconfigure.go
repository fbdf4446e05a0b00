package daemon

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/reconfigure"
	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/io/admin"
)

// A reconfigurer makes clients ask again, one run at a time, and one more for those that relays want to be asked. A run lives in memory and ends with the node: clients that weren't asked by
// then come at their T1, or by another run. The zero value waits to be run.
type reconfigurer struct {
	mu      sync.Mutex
	ctx     context.Context // of the node's run; nil: it doesn't run
	group   *sync.WaitGroup
	picking bool
	last    *reconfiguring // the run that goes on, or the last one; nil: there was none
	relays  *reconfiguring // the one for relays that goes on; nil: none does
	totals  admin.ReconfigureTotals

	pace     reconfigure.Pace // of all messages
	sending  sync.Mutex       // on the lane that they have
	requests requests

	reserving sync.Mutex // of replay values: what is kept last is the highest
}

// A reconfiguring is one run.
type reconfiguring struct {
	d     *Daemon
	end   context.CancelFunc
	ended chan struct{} // closed when nothing is sent any more

	mu      sync.Mutex
	order   *reconfigure.Run
	clients []picked             // from number order.First() on
	state   admin.ReconfigureRun // but for the counts in order
	named   map[binding.Key]int  // in the run for relays, the clients by their leases, ended ones too; nil: it is another one
	closed  bool                 // it takes nobody any more
}

// asksFor are the messages by their names.
var asksFor = map[string]wire.MessageType{"renew": wire.Renew, "rebind": wire.Rebind, "information-request": wire.InformationRequest}

// runReconfigure lets runs begin, until the context ends.
func (d *Daemon) runReconfigure(ctx context.Context, group *sync.WaitGroup) {
	r := &d.reconfigure
	r.mu.Lock()
	r.ctx, r.group = ctx, group
	r.mu.Unlock()
	group.Go(func() { d.keepReplays(ctx) })
	group.Go(func() { d.reconfigure.requests.run(ctx, d) })
}

// Reconfigure implements admin.Node.
func (o *operator) Reconfigure(_ context.Context, request admin.ReconfigureRequest) (admin.ReconfigureRun, error) {
	d, r := o.d, &o.d.reconfigure
	p, err := d.newPicker(&request)
	if err != nil {
		return admin.ReconfigureRun{}, err
	}
	if !request.DryRun {
		if err := r.claim(); err != nil {
			return admin.ReconfigureRun{}, err
		}
		defer func() { r.mu.Lock(); r.picking = false; r.mu.Unlock() }()
	}
	if err := p.pick(); err != nil {
		return admin.ReconfigureRun{}, err
	}
	p.run.Message, p.run.DryRun, p.run.Started = cmp.Or(request.Message, admin.ReconfigureMessages[0]), request.DryRun, time.Now().UTC()
	if request.DryRun {
		p.run.Waiting = p.run.Clients
		return p.run, nil
	}
	return r.begin(p), nil
}

// claim makes sure that no other run goes on or begins.
func (r *reconfigurer) claim() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.ctx == nil || r.ctx.Err() != nil:
		return errStopping
	case r.picking || r.last != nil && r.last.running():
		return admin.ErrReconfiguring
	}
	r.picking = true
	return nil
}

// begin begins a run for those who were picked.
func (r *reconfigurer) begin(p *picker) admin.ReconfigureRun {
	run := p.newRun(len(p.clients), &r.pace, reconfigure.MaxAwaited)
	run.clients, run.state = slices.Clip(p.clients), p.run
	r.mu.Lock()
	defer r.mu.Unlock()
	r.start(run)
	r.last = run
	return run.snapshot()
}

// newRun makes a run of so many clients, of whom so many are awaited at a time.
func (p *picker) newRun(clients int, pace *reconfigure.Pace, most int) *reconfiguring {
	c := p.policy.Config().Reconfigure
	return &reconfiguring{
		d: p.d, ended: make(chan struct{}), order: reconfigure.NewRun(clients, most, reconfigure.Timing{
			Gap: time.Second / time.Duration(c.Rate), First: time.Duration(c.Timeout) * time.Second, Attempts: c.Attempts, Pace: pace,
		}),
	}
}

// start starts a run. R.mu must be held.
func (r *reconfigurer) start(run *reconfiguring) {
	s := &run.state
	s.Running = true
	run.d.log.Info("clients are asked by Reconfigure", "id", "reconfigure-begun", "for", s.Selection, "message", s.Message,
		"clients", s.Clients, "leases_unwilling", s.Unwilling, "leases_unreachable", s.Unreachable, "leases_of_peers", len(s.Peers))
	ctx, cancel := context.WithCancel(r.ctx)
	run.end = cancel
	r.group.Go(func() {
		defer cancel()
		r.add(run, run.run(ctx))
	})
}

// Reconfiguring implements admin.Node.
func (o *operator) Reconfiguring() (admin.ReconfigureRun, error) {
	r := &o.d.reconfigure
	r.mu.Lock()
	last := r.last
	r.mu.Unlock()
	switch {
	case last != nil:
		return last.snapshot(), nil
	case o.d.site.Load().Policy.Reconfigure == nil:
		return admin.ReconfigureRun{}, admin.ErrNoReconfigure
	}
	return admin.ReconfigureRun{}, admin.ErrNoRun
}

// CancelReconfigure implements admin.Node.
func (o *operator) CancelReconfigure() (admin.ReconfigureRun, error) {
	r := &o.d.reconfigure
	r.mu.Lock()
	last := r.last
	r.mu.Unlock()
	if last != nil {
		last.end()
		<-last.ended
	}
	return o.Reconfiguring()
}

// add ends a run that has nothing left to do, or was canceled, and adds it to the totals. Whoever is told that it has ended can begin
// another one.
func (r *reconfigurer) add(run *reconfiguring, canceled bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	run.finish(canceled)
	s := run.snapshot()
	r.totals = sum(r.totals, &s)
	if r.relays == run {
		r.relays = nil
	}
	close(run.ended)
}

// sum is totals with a run in them.
func sum(t admin.ReconfigureTotals, s *admin.ReconfigureRun) admin.ReconfigureTotals {
	outcomes := map[string]uint64{
		"answered": uint64(s.Answered), "gave-up": uint64(s.GaveUp), "gone": uint64(s.Gone), "failed": uint64(s.Failed), "canceled": 0,
	}
	if !s.Running {
		outcomes["canceled"] = uint64(s.Waiting + s.Asked)
	}
	for name, n := range t.Outcomes {
		outcomes[name] += n
	}
	return admin.ReconfigureTotals{Sent: t.Sent + uint64(s.Sent), Outcomes: outcomes}
}

// reconfigureTotals is what a scrape shows; nil: the node asks nobody, and has asked nobody.
func (d *Daemon) reconfigureTotals() *admin.ReconfigureTotals {
	r := &d.reconfigure
	requests, requested := r.requests.counts()
	r.mu.Lock()
	defer r.mu.Unlock()
	t := sum(r.totals, &admin.ReconfigureRun{})
	t.Requests, t.Requested = requests, requested
	for _, run := range []*reconfiguring{r.last, r.relays} {
		if run != nil && !run.added() {
			s := run.snapshot()
			with := sum(t, &s)
			t.Sent, t.Outcomes = with.Sent, with.Outcomes
			t.Running, t.Waiting = t.Running || s.Running, t.Waiting+s.Waiting+s.Asked
		}
	}
	if d.site.Load().Policy.Reconfigure == nil && r.last == nil && len(requests) == 0 {
		return nil
	}
	return &t
}
