package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lockstep6/lockstep6/bench/child"
	"github.com/lockstep6/lockstep6/bench/load"
	"github.com/lockstep6/lockstep6/bench/measure"
	"github.com/lockstep6/lockstep6/bench/meter"
	"github.com/lockstep6/lockstep6/bench/netlab"
	"github.com/lockstep6/lockstep6/io/admin"
)

// A task is what the generator does with one server, in a process and on a processor of its own.
type task struct {
	Namespace string // of the relays; empty: where the generator is started
	PID       int    // of the server
	Group     group  // the server's
	Load      group  // the generator's
	Cap       float64
	Admin     string // socket of a lockstep6; nothing there: another server
	Clients   int
	Mix       string
	First     float64       // rate
	Step      time.Duration // of the ramp
	Search    time.Duration // the ramp takes no longer
	For       time.Duration // of each load that follows
	Patience  time.Duration // there
	Multiples []float64
	Sources   []string // the relays' addresses; none: netlab.RelayAddress
	Flood     *flood   // of fairness only
}

// A sweep is what one server did of one mix.
type sweep struct {
	Peak  float64        `json:"peak"`  // exchanges per second, the most that were done in any step of the ramp
	Ramp  []measure.Step `json:"ramp"`  // each message sent once, patience one second
	Steps []measure.Step `json:"steps"` // multiples of the peak, with retransmissions
	Shed  []uint64       `json:"shed"`  // by step of Steps: datagrams that the server itself dropped as overload
}

const loadPart = "overload"

func parts() map[string]child.Part {
	return map[string]child.Part{loadPart: runLoad, fairPart: runFair}
}

// read reads a child's task, and takes the child into its group and its thread into its namespace.
func read(in json.RawMessage) (t *task, o *measure.Options, err error) {
	t = &task{}
	if err := json.Unmarshal(in, t); err != nil {
		return nil, nil, err
	}
	if err := t.Load.add(os.Getpid()); err != nil {
		return nil, nil, err
	}
	if o, err = t.options(); err != nil {
		return nil, nil, err
	}
	// The sockets are opened by this thread, and belong to its namespace for good. It ends with the process.
	runtime.LockOSThread()
	return t, o, enter(t.Namespace)
}

// until is a context that ends when stop is closed.
func until(stop <-chan struct{}) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	go func() { <-stop; cancel() }()
	return ctx, cancel
}

// runLoad is the child's.
func runLoad(in json.RawMessage, tell func(any) error, stop <-chan struct{}) error {
	ctx, cancel := until(stop)
	defer cancel()
	t, o, err := read(in)
	if err != nil {
		return err
	}
	s := &sweep{}
	shed := t.dropped(ctx)["overload"]
	var counts []uint64 // by step
	o.Stepped = func(*measure.Step) {
		now := t.dropped(ctx)["overload"]
		counts = append(counts, now-shed)
		shed = now
	}
	o.Ready = func() error { return t.Group.limit(t.Cap) }
	o.Then = func(r *measure.Result) []load.Offer {
		s.Ramp, s.Peak = r.Steps, peak(r.Steps)
		return t.offers(o.Offer.Mix, s.Peak)
	}
	r, err := measure.Run(ctx, *o)
	if err != nil {
		return err
	}
	if s.Peak == 0 {
		return errors.New("the ramp found no peak: nothing was done in any of its steps")
	}
	ramp := len(s.Ramp)
	s.Steps, s.Shed = r.Steps[ramp:], counts[ramp:]
	return tell(s)
}

// options are those of `lockstep6 bench --ramp`.
func (t *task) options() (*measure.Options, error) {
	runtime.GOMAXPROCS(4) // a pair of threads waits in the kernel, and who comes back must find a processor of Go's free
	mix, err := load.ParseMix(t.Mix)
	if err != nil {
		return nil, err
	}
	server, err := meter.Open(t.PID, 547)
	if err != nil {
		return nil, err
	}
	sources := []netip.Addr{netip.MustParseAddr(netlab.RelayAddress)}
	for i, text := range t.Sources {
		sources = append(sources[:i], netip.MustParseAddr(text))
	}
	return &measure.Options{
		Clients: load.Config{
			Clients: t.Clients, Servers: []netip.AddrPort{netip.MustParseAddrPort("[" + netlab.ServerAddress + "]:547")},
			Relays: 8, Workers: 1, Sources: sources, Window: 256,
			LinkAddress: netip.MustParseAddr(netlab.LinkAddress), InterfaceID: true, RemoteID: true,
		},
		Offer:  load.Offer{Rate: t.First, For: t.Step, Mix: mix, Patience: time.Second},
		Ramp:   &measure.RampOptions{MaxLoss: 0.01, Pause: time.Second, Limit: t.Search},
		Server: []*meter.Process{server}, Out: os.Stderr,
	}, nil
}

// offers are the multiples of the peak.
func (t *task) offers(mix load.Mix, peak float64) (out []load.Offer) {
	if peak == 0 {
		return nil
	}
	for _, m := range t.Multiples {
		out = append(out, load.Offer{Rate: m * peak, For: t.For, Mix: mix, Patience: t.Patience, Resend: true})
	}
	return out
}

// peak is the most that was done per second while load was offered. A rate that was held says less: part of it may have been
// done afterwards, while the generator waited for the last answers.
func peak(steps []measure.Step) (most float64) {
	for i := range steps {
		most = max(most, steps[i].Meanwhile)
	}
	return most
}

// dropped is how many datagrams a lockstep6 has dropped, by reason; of another server nothing is known.
func (t *task) dropped(ctx context.Context) map[string]uint64 {
	c, err := admin.Dial(t.Admin)
	if err != nil {
		return nil
	}
	defer c.Close()
	state, err := c.State(ctx)
	if err != nil {
		return nil
	}
	return state.Dropped
}

// enter takes the calling thread into a namespace that has a name.
func enter(name string) error {
	if name == "" {
		return nil
	}
	fd, err := unix.Open("/run/netns/"+name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err == nil {
		err = unix.Setns(fd, unix.CLONE_NEWNET)
		err = cmp.Or(err, unix.Close(fd))
	}
	if err != nil {
		return fmt.Errorf("namespace %s: %w", name, err)
	}
	return nil
}
