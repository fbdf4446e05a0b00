package daemon

import (
	"cmp"
	"context"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/io/admin"
	"github.com/lockstep6/lockstep6/io/hook"
)

// Hooks are the receivers that follow this node's leases. The zero value has none, and waits to be run.
type hooks struct {
	mu      sync.Mutex
	ctx     context.Context // of the node's run; nil: it doesn't run
	group   *sync.WaitGroup
	running []*hooked     // in the configuration's order
	links   []config.Link // by which they choose
}

// A hooked is one receiver. It is the runner's source.
type hooked struct {
	chooser
	config config.Hook
	runner *hook.Runner
	end    context.CancelFunc
	ended  chan struct{} // closed when nothing is told any more
}

// Failures one after the other by which a receiver counts as away: a URL by the first, while a program may fail for one lease only.
const (
	postTolerance = 1
	runTolerance  = 16
)

// runHooks begins to tell receivers, and goes on until the context ends, in goroutines of the group.
func (d *Daemon) runHooks(ctx context.Context, group *sync.WaitGroup) {
	d.changing.one.Lock()
	defer d.changing.one.Unlock()
	d.hooks.mu.Lock()
	d.hooks.ctx, d.hooks.group = ctx, group
	d.hooks.mu.Unlock()
	d.setHooks(d.inForce.config)
}

// setHooks puts a configuration's hooks in place of the former ones. Those that are as they were go on; where they choose by links, and
// these have changed, their receivers get the whole list. Changing.one must be held.
func (d *Daemon) setHooks(in *config.Config) {
	h := &d.hooks
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ctx == nil || h.ctx.Err() != nil {
		return
	}
	former, moved := h.running, !reflect.DeepEqual(h.links, in.Links)
	h.running, h.links = nil, in.Links
	for _, c := range in.Hooks {
		at := slices.IndexFunc(former, func(r *hooked) bool { return reflect.DeepEqual(r.config, c) })
		if at >= 0 {
			h.running = append(h.running, former[at])
			if moved && len(c.Links) > 0 {
				former[at].runner.Resend()
			}
			former = slices.Delete(slices.Clone(former), at, at+1)
			continue
		}
		// One whose name goes on has to be told of one lease one after the other, by both together.
		var before <-chan struct{}
		if at := slices.IndexFunc(former, func(r *hooked) bool { return r.config.Name == c.Name }); at >= 0 {
			before = former[at].ended
		}
		h.running = append(h.running, d.startHook(c, before))
	}
	for _, r := range former {
		r.end()
	}
}

// startHook begins to tell a receiver once the one before has ended; nil: there was none. The hooks are locked.
func (d *Daemon) startHook(c config.Hook, before <-chan struct{}) *hooked {
	ctx, cancel := context.WithCancel(d.hooks.ctx)
	r := &hooked{
		chooser: chooser{
			d: d, handle: d.table.NewHandle(), addresses: c.Addresses, prefixes: c.Prefixes, observed: c.Observed, renewals: c.Renewals, links: c.Links,
		},
		config: c, end: cancel, ended: make(chan struct{}),
	}
	target, tolerance := r.target()
	r.runner = hook.New(hook.Settings{
		Name: c.Name, Node: d.options.Node, Target: target, Source: r, Rate: c.Rate, Batch: c.Batch, Parallel: c.Parallel,
		Tolerance: tolerance, Timeout: time.Duration(c.Timeout) * time.Second, Logger: d.log,
		After: d.clock() / int64(time.Millisecond),
	})
	// What is published before this is in the list, which is made of the table; what comes later comes by the feed.
	w := d.feed.follow()
	d.hooks.group.Go(func() {
		defer close(r.ended)
		defer r.handle.Close()
		defer cancel()
		if post, ok := target.(*hook.Post); ok {
			defer post.Close()
		}
		var telling sync.WaitGroup
		telling.Go(func() {
			if before != nil {
				<-before
			}
			r.runner.Run(ctx)
		})
		r.follow(ctx, w)
		telling.Wait()
	})
	return r
}

// target is whom to tell.
func (r *hooked) target() (target hook.Target, tolerance int) {
	if r.config.URL == "" {
		return &hook.Program{Path: r.config.Run[0], Arguments: r.config.Run[1:]}, runTolerance
	}
	var token func() (string, error)
	if r.config.Token != "" {
		token = func() (string, error) { return secretText(r.config.Token, r.d.options.ConfigFile, "") }
	}
	return hook.NewPost(r.config.URL, r.config.Parallel, token), postTolerance
}

// follow puts what changes before the runner until the context ends. Where changes were missed, or couldn't be told apart because the
// store had failed, the receiver gets the whole list.
func (r *hooked) follow(ctx context.Context, w *follower) {
	breaks := r.d.store.State().Breaks
	tick := time.NewTicker(hookCheck)
	defer tick.Stop()
	for {
		select {
		case changes, ok := <-w.changes:
			if ok {
				w.took(changes)
				r.take(changes)
				continue
			}
			w = r.d.feed.follow()
			r.d.log.Warn("a hook couldn't follow the changes: its receiver is sent the whole list", "id", "hook-behind", "hook", r.config.Name)
			r.runner.Resend()
		case <-tick.C:
			if s := r.d.store.State(); s.Healthy && s.Breaks != breaks {
				breaks = s.Breaks
				r.runner.Resend()
			}
		case <-ctx.Done():
			r.d.feed.leave(w)
			return
		}
	}
}

// hookCheck is how often it is seen whether the store had failed.
const hookCheck = 5 * time.Second

// Hooks implements admin.Node.
func (o *operator) Hooks() []admin.Hook {
	h := &o.d.hooks
	h.mu.Lock()
	defer h.mu.Unlock()
	out := []admin.Hook{}
	for _, r := range h.running {
		s := r.runner.Status()
		one := admin.Hook{
			Name: r.config.Name, Target: cmp.Or(r.config.URL, strings.Join(r.config.Run, " ")), Up: s.Up, Error: s.Error, Pending: s.Pending,
			Taken: s.Taken, Failed: s.Failed, Sends: s.Sends, FailedSends: s.FailedSends, Seconds: s.Seconds, Overflows: s.Overflows,
			Listing: s.Listing, Listed: s.Listed,
		}
		if !s.Oldest.IsZero() {
			one.Waited = time.Since(s.Oldest).Seconds()
		}
		if !s.Whole.IsZero() {
			at := s.Whole.UTC()
			one.Whole = &at
		}
		out = append(out, one)
	}
	return out
}

// ResendHook implements admin.Node.
func (o *operator) ResendHook(name string) error {
	h := &o.d.hooks
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, r := range h.running {
		if r.config.Name == name {
			r.runner.Resend()
			return nil
		}
	}
	return admin.ErrNoHook
}
