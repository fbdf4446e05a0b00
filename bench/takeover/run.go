package takeover

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
)

// Options say what to measure with.
type Options struct {
	Clients       int           // 1 or more
	Seed          uint64        // of the nodes' key, the clients' order and the spread of their retransmissions
	AskTimeout    time.Duration // until a Solicit, Request or Renew is sent again for the first time
	RebindTimeout time.Duration // until a Rebind is
	Silence       time.Duration // after which a client takes it that nobody answers
	Pause         time.Duration // between two clients' beginnings when they get their leases; 0: all at once, as after a power cut
	Kea           string        // program
	Lockstep6     string        // program
	Dir           string        // folder for the servers' files while they run; "": the system's place for such
}

// An Event is what the clients do after the first server's death.
type Event struct {
	Title  string
	Reboot bool // they begin with a Solicit, having forgotten all; else they rebind
	Deaf   bool // the other server was started after that, with nothing on its disk: it has heard nothing
}

// Events are all of them, in the order of the tables.
func Events() []Event {
	return []Event{
		{Title: "Rebind at the second server"},
		{Title: "Rebind at a second server that was started after the death of the first, with an empty disk", Deaf: true},
		{Title: "Solicit at the second server, from clients that have forgotten their leases", Reboot: true},
		{Title: "Solicit at a second server that was started after the death of the first, with an empty disk", Reboot: true, Deaf: true},
	}
}

// Run lets clients get leases from one of two servers, kills that, and counts what the other one makes of the event.
func Run(ctx context.Context, o *Options, c *Contender, e *Event) (t *Tally, err error) {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	l, err := newLab(o, c, fail)
	defer func() { err = errors.Join(err, l.close()) }()
	if err != nil {
		return nil, err
	}
	before, after := []int{0, 1}, []int{}
	if e.Deaf {
		before, after = []int{0}, []int{1}
	}
	if err := l.start(ctx, before...); err != nil {
		return nil, err
	}
	if err := l.each(ctx, nil, func(c *client) error {
		time.Sleep(time.Duration(c.number) * o.Pause)
		return c.bind(ctx, 0)
	}); err != nil {
		return nil, err
	}
	l.servers[0].kill()
	if len(after) > 0 {
		if err := l.start(ctx, after...); err != nil {
			return nil, err
		}
	}
	return l.count(ctx, e)
}

// count lets all clients do what the event is, in an order of its own, and judges the Replies.
func (l *lab) count(ctx context.Context, e *Event) (*Tally, error) {
	verdicts := make([]Verdict, len(l.clients))
	order := rand.New(rand.NewPCG(l.options.Seed, 0)).Perm(len(l.clients))
	err := l.each(ctx, order, func(c *client) error {
		var reply *dhcpv6.Message
		var err error
		sent := 0
		if e.Reboot {
			reply, err = c.acquire(ctx, -1)
		} else {
			reply, sent, err = c.rebind(ctx)
		}
		verdicts[c.number] = judge(reply, sent, c.leases)
		return err
	})
	return count(verdicts), err
}

// each lets all clients do something at once, as after a power cut, beginning in an order; nil: that of their numbers.
func (l *lab) each(ctx context.Context, order []int, f func(*client) error) error {
	results := make(chan error, len(l.clients))
	for i := range l.clients {
		if order != nil {
			i = order[i]
		}
		go func() { results <- f(l.clients[i]) }()
	}
	var errs []error
	for range l.clients {
		errs = append(errs, <-results)
	}
	if err := context.Cause(ctx); err != nil {
		return err // the clients' errors only repeat it
	}
	return errors.Join(errs...)
}
