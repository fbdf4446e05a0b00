package ddns

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/lockstep6/lockstep6/core/upkeep"
)

// Bounds of what is held in memory.
const (
	window   = 8192 // tasks
	readMost = 512  // tasks at a time
)

// An Updater works off the queue: it brings DNS to what follows from the bindings, and takes tasks off the queue once DNS servers have
// confirmed that.
//
// The queue is walked through from its beginning to its end. Tasks that were read are held until they are done; where too many of them
// have to wait they are let go, and the walk begins anew when their time may have come. Tasks are looked at in the order of the queue, those of
// one lease together. What happens at the same time has no name in common (upkeep.Job.Touches), and is planned when it begins, so
// order holds for each name and each lease.
//
// One goroutine, Run's, has all that isn't guarded by a mutex; each lease that is being worked on has one of its own.
type Updater struct {
	queue        Queue
	world        upkeep.World
	log          *slog.Logger
	newExchanger func(*Settings) upkeep.Exchanger

	mu       sync.Mutex
	settings *Settings // the latest
	status   Status    // as of the end of a round
	zones    []*zone
	client   *Client       // of the settings in force; nil: tests have something else
	changed  chan struct{} // a token: settings were changed

	setup    *setup
	outcomes chan outcome
	tasks    tasks
	running  int
	busy     map[string][]*item // names that are being worked on, with those that wait for them
	limits   map[string]*limit
	expired  time.Time // when it was last looked for tasks to be given up
}

// NewUpdater makes an updater. The world is asked by Run's goroutine only.
func NewUpdater(queue Queue, world upkeep.World, s Settings, log *slog.Logger) *Updater {
	u := &Updater{
		queue: queue, world: world, log: log, settings: &s, changed: make(chan struct{}, 1), outcomes: make(chan outcome),
		busy: map[string][]*item{}, limits: map[string]*limit{},
		newExchanger: func(s *Settings) upkeep.Exchanger { return NewClient(s.Zones, s.Timeout) },
	}
	u.tasks.begin()
	return u
}

// SetSettings puts other settings in force. What is under way ends with the former ones; all that waits is tried anew.
func (u *Updater) SetSettings(s Settings) {
	u.mu.Lock()
	u.settings = &s
	u.mu.Unlock()
	select {
	case u.changed <- struct{}{}:
	default:
	}
}

// Status is how it goes. It may be asked at any time.
func (u *Updater) Status() Status {
	u.mu.Lock()
	s, zones, client := u.status, u.zones, u.client
	u.mu.Unlock()
	for i, z := range zones {
		status := z.status()
		if client != nil {
			status.Server = client.serving(i, time.Now())
		}
		s.Zones = append(s.Zones, status)
	}
	return s
}

// Run works until the context ends. What isn't confirmed then stays in the queue. It may be called again after that.
func (u *Updater) Run(ctx context.Context) {
	u.tasks.rewind() // what was under way when the last run ended isn't held any more
	u.adopt()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		now := time.Now()
		u.fill(now)
		u.wake(now)
		u.start(ctx)
		u.flush(now)
		u.publish()
		timer.Reset(time.Until(u.nextWake(now)))
		select {
		case <-ctx.Done():
		case o := <-u.outcomes:
			u.finish(&o)
			u.finishMore()
		case <-u.queue.TaskNews():
			u.tasks.more = true
		case <-u.changed:
			u.adopt()
		case <-timer.C:
		}
	}
	for u.running > 0 {
		o := <-u.outcomes
		u.finish(&o)
	}
	u.flush(time.Now())
	u.publish()
}

// finishMore takes in the outcomes that are there already, so that their tasks leave the queue together.
func (u *Updater) finishMore() {
	for {
		select {
		case o := <-u.outcomes:
			u.finish(&o)
		default:
			return
		}
	}
}

// adopt puts the latest settings in force.
func (u *Updater) adopt() {
	u.mu.Lock()
	s := u.settings
	u.mu.Unlock()
	for _, z := range u.zonesOf() {
		u.tasks.retryAll(z)
	}
	u.setup = newSetup(s, u.setup, u.newExchanger(s))
	u.tasks.retryParked()
	u.mu.Lock()
	u.zones = u.setup.zones
	u.client, _ = u.setup.exchanger.(*Client)
	u.mu.Unlock()
}

func (u *Updater) zonesOf() []*zone {
	if u.setup == nil {
		return nil
	}
	return u.setup.zones
}

// publish makes the round's figures visible.
func (u *Updater) publish() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.status.Held, u.status.Running = len(u.tasks.known)-len(u.tasks.done), u.running
	u.status.Waiting, u.status.Listening = u.tasks.parked, u.tasks.listening
}

// count changes the figures that only grow.
func (u *Updater) count(change func(s *Status)) {
	u.mu.Lock()
	defer u.mu.Unlock()
	change(&u.status)
}
