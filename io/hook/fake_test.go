package hook

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lockstep6/lockstep6/core/binding"
)

// leases are a source: what each lease says by its key.
type leases struct {
	mu  sync.Mutex
	all map[binding.Key]string
}

const shards = 7

func keyOf(i int) binding.Key {
	return binding.Key{Address: [16]byte{0x20, 1, 0xd, 0xb8, byte(i >> 16), byte(i >> 8), byte(i)}, Length: 56}
}

func textOf(k binding.Key) string {
	return netip.PrefixFrom(netip.AddrFrom16(k.Address), int(k.Length)).String()
}

func (l *leases) Shards() int { return shards }

func (l *leases) Keys(shard int, into []binding.Key) []binding.Key {
	l.mu.Lock()
	defer l.mu.Unlock()
	for k := range l.all {
		if int(k.Address[6])%shards == shard {
			into = append(into, k)
		}
	}
	return into
}

func (l *leases) Look(key *binding.Key) (Event, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	what, ok := l.all[*key]
	return Event{Lease: textOf(*key), DUID: what}, ok
}

// set changes a lease; an empty text ends it. It returns how the change is put.
func (l *leases) set(key binding.Key, what string) (kind string, gone *Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	before, was := l.all[key]
	if what == "" {
		delete(l.all, key)
		return Remove, &Event{Lease: textOf(key), DUID: before}
	}
	l.all[key] = what
	if was {
		return Change, nil
	}
	return Add, nil
}

// A receiver does what the pages tell receivers to do.
type receiver struct {
	mu    sync.Mutex
	has   map[string]held
	busy  map[string]bool
	seen  []string // the events, in order
	lists int      // taken to their end
	wrong []string

	steady map[string]bool            // leases that stand all the time
	fault  func(events []Event) error // nil: takes everything
	takes  time.Duration              // how long
}

type held struct {
	what string
	list int64
}

func (r *receiver) Send(ctx context.Context, events []Event) error {
	for _, e := range events {
		r.enter(e.Lease) // an empty one is a list's beginning or end, which is told alone
	}
	select {
	case <-ctx.Done():
	case <-time.After(r.takes):
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range events {
		delete(r.busy, e.Lease)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if r.fault != nil {
		if err := r.fault(events); err != nil {
			return err
		}
	}
	for _, e := range events {
		r.take(&e)
	}
	return nil
}

// fails has it refuse what the function says; nil: it takes everything.
func (r *receiver) fails(fault func([]Event) error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fault = fault
}

// lose has it forget what it has.
func (r *receiver) lose() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.has)
}

// pass lets time pass, and what is to happen in it.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (r *receiver) enter(lease string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.busy[lease] || r.busy[""] || lease == "" && len(r.busy) > 0 {
		r.wrong = append(r.wrong, fmt.Sprintf("told of %q beside %v", lease, r.busy))
	}
	if r.busy == nil {
		r.busy, r.has = make(map[string]bool), make(map[string]held)
	}
	r.busy[lease] = true
}

func (r *receiver) take(e *Event) {
	r.seen = append(r.seen, fmt.Sprintf("%s %s %s", e.Event, e.Lease, e.DUID))
	switch e.Event {
	case Add, Change, ListItem:
		r.has[e.Lease] = held{e.DUID, e.List}
	case Remove:
		delete(r.has, e.Lease)
	case ListEnd:
		r.lists++
		maps.DeleteFunc(r.has, func(lease string, h held) bool {
			if h.list < e.List && r.steady[lease] {
				r.wrong = append(r.wrong, "the end of a list took away "+lease)
			}
			return h.list < e.List
		})
	}
}

// follows tells in what the receiver differs from the leases.
func (r *receiver) follows(t *testing.T, l *leases) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	want, got := make(map[string]string), make(map[string]string)
	for k, what := range l.all {
		want[textOf(k)] = what
	}
	for lease, h := range r.has {
		got[lease] = h.what
	}
	if !maps.Equal(want, got) {
		t.Errorf("the receiver has %v, want %v", got, want)
	}
	for _, wrong := range r.wrong {
		t.Error(wrong)
	}
}

var errAway = errors.New("away")

// start runs a runner until the test ends or stop is called.
func start(t *testing.T, s Settings) (r *Runner, stop func()) {
	t.Helper()
	s.Name, s.Timeout, s.Logger = "test", 10*time.Second, slog.New(slog.DiscardHandler)
	r = New(s)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { r.Run(ctx); close(done) }()
	return r, func() { cancel(); <-done }
}

func sorted(lines []string) []string { return slices.Sorted(slices.Values(lines)) }
