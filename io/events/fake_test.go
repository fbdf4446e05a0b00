package events

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/io/hook"
)

// patience is when a test gives up waiting for what must come.
const patience = 60 * time.Second

func until(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for start := time.Now(); !holds(); time.Sleep(time.Millisecond) {
		if time.Since(start) > patience {
			t.Fatalf("it never came that %s", what)
		}
	}
}

// A fakeSource is an outbox in memory, of one event a place.
type fakeSource struct {
	mu     sync.Mutex
	events []Event
	done   uint64
	list   int64
	due    bool
	leases []Event // all that stand, in shards of one
	news   chan struct{}
	fails  int // how often Done fails from now on
}

func newSource() *fakeSource { return &fakeSource{news: make(chan struct{}, 1)} }

func (s *fakeSource) add(events ...Event) {
	s.mu.Lock()
	s.events = append(s.events, events...)
	s.mu.Unlock()
	select {
	case s.news <- struct{}{}:
	default:
	}
}

func (s *fakeSource) Read(after uint64) ([]Event, uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.events[after:]), uint64(len(s.events)), nil
}

func (s *fakeSource) Done(upTo uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fails > 0 {
		s.fails--
		return errors.New("the store is broken")
	}
	s.done = upTo
	return nil
}

func (s *fakeSource) Now() time.Time { return time.Unix(1_800_000_100, 0).UTC() }

func (s *fakeSource) isDone() uint64        { s.mu.Lock(); defer s.mu.Unlock(); return s.done }
func (s *fakeSource) News() <-chan struct{} { return s.news }
func (s *fakeSource) ListDue() bool         { s.mu.Lock(); defer s.mu.Unlock(); return s.due }
func (s *fakeSource) List() int64           { s.mu.Lock(); defer s.mu.Unlock(); return s.list }
func (s *fakeSource) Shards() int           { return len(s.leases) }

func (s *fakeSource) BeginList(context.Context) (int64, uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list++
	return s.list, uint64(len(s.events)) + 1, nil
}

func (s *fakeSource) EndList(context.Context) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.due = false
	return true, nil
}

func (s *fakeSource) Keys(shard int, into []binding.Key) []binding.Key {
	return append(into, binding.Key{Length: uint8(shard)})
}

func (s *fakeSource) Look(key *binding.Key) (Event, bool) { return s.leases[key.Length], true }

// event is one of a client and a lease.
func event(kind, client, lease string, version uint64) Event {
	return Event{Event: hook.Event{Event: kind, DUID: client, Lease: lease}, Version: version, Time: time.Unix(1_800_000_000, 0).UTC()}
}

// A fakeBroker takes what it is told to.
type fakeBroker struct {
	mu      sync.Mutex
	refuse  func(m *Message) error
	batches [][]string // what was taken by each Publish: lease and version
	sizes   []int      // how many messages each Publish had
}

func (b *fakeBroker) Publish(_ context.Context, some []Message, _ func(int, error)) []error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sizes = append(b.sizes, len(some))
	errs := make([]error, len(some))
	var taken []string
	for i := range some {
		if b.refuse != nil {
			if errs[i] = b.refuse(&some[i]); errs[i] != nil {
				continue
			}
		}
		var e Event
		if err := json.Unmarshal(some[i].Body, &e); err != nil {
			errs[i] = err
			continue
		}
		taken = append(taken, e.Event.Event+e.Lease)
	}
	b.batches = append(b.batches, taken)
	return errs
}

func (b *fakeBroker) Close() {}

func (b *fakeBroker) taken() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Concat(b.batches...)
}

// run runs a runner until the test ends, or end is called.
func run(t *testing.T, s Source, b Broker) (r *Runner, end func()) {
	t.Helper()
	r = New(Settings{Cluster: "ber1", Node: "a", Source: s, Broker: b, Batch: 100, Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); r.Run(ctx) }()
	end = sync.OnceFunc(func() { cancel(); <-done })
	t.Cleanup(end)
	return r, end
}
