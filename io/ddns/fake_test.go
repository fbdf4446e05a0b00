package ddns

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/naming"
	"github.com/lockstep6/lockstep6/core/upkeep"
	"github.com/lockstep6/lockstep6/core/wire"
)

// A fakeQueue is a queue in memory.
type fakeQueue struct {
	mu    sync.Mutex
	tasks []QueuedTask // those that are done have no Octets, and leave from the front
	alive int
	last  uint64
	news  chan struct{}
	err   error // of whatever is asked
	reads int   // tasks that were read
}

func newQueue() *fakeQueue { return &fakeQueue{news: make(chan struct{}, 1)} }

func (q *fakeQueue) add(octets ...[]byte) {
	q.mu.Lock()
	for _, o := range octets {
		q.last++
		q.tasks = append(q.tasks, QueuedTask{TaskID{q.last, 1}, uint32(time.Now().Unix()), append([]byte{}, o...)})
		q.alive++
	}
	q.mu.Unlock()
	select {
	case q.news <- struct{}{}:
	default:
	}
}

func (q *fakeQueue) Tasks(after TaskID, most int) (read []QueuedTask, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.err != nil {
		return nil, q.err
	}
	from := q.find(after)
	if from < len(q.tasks) && q.tasks[from].ID == after {
		from++
	}
	for ; from < len(q.tasks) && len(read) < most; from++ {
		if q.tasks[from].Octets != nil {
			read = append(read, q.tasks[from])
		}
	}
	q.reads += len(read)
	return read, nil
}

func (q *fakeQueue) find(id TaskID) int {
	at, _ := slices.BinarySearchFunc(q.tasks, id, func(t QueuedTask, id TaskID) int { return t.ID.Compare(id) })
	return at
}

func (q *fakeQueue) DoneTasks(ids ...TaskID) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.err != nil {
		return q.err
	}
	for _, id := range ids {
		if at := q.find(id); at < len(q.tasks) && q.tasks[at].ID == id && q.tasks[at].Octets != nil {
			q.tasks[at].Octets = nil
			q.alive--
		}
	}
	for len(q.tasks) > 0 && q.tasks[0].Octets == nil {
		q.tasks = q.tasks[1:]
	}
	return nil
}

func (q *fakeQueue) TaskNews() <-chan struct{} { return q.news }

func (q *fakeQueue) fail(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.err = err
}

func (q *fakeQueue) waiting() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.alive
}

// A fakeWorld has the bindings that a test gives it. All are this node's.
type fakeWorld struct {
	mu        sync.Mutex
	leases    map[binding.Key]binding.Stored
	clients   map[string]map[binding.Key]bool // by DUID
	back      binding.Time                    // when it came back from its absence; 0: it wasn't away
	listening bool
	asked     []time.Time // when it was asked whether it is listening
}

func newWorld() *fakeWorld {
	return &fakeWorld{leases: map[binding.Key]binding.Stored{}, clients: map[string]map[binding.Key]bool{}}
}

func (w *fakeWorld) Now() binding.Time { return binding.TimeOf(time.Now().Unix()) }

func (w *fakeWorld) Lease(key *binding.Key) (binding.Stored, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s, ok := w.leases[*key]
	return s, ok
}

func (w *fakeWorld) Client(dst []binding.Stored, of *binding.Stored) []binding.Stored {
	w.mu.Lock()
	defer w.mu.Unlock()
	for key := range w.clients[string(of.DUID)] {
		if s, ok := w.leases[key]; ok && bytes.Equal(s.DUID, of.DUID) && s.Kind == of.Kind && s.IAID == of.IAID {
			dst = append(dst, s)
		}
	}
	return dst
}

func (w *fakeWorld) Removes(*binding.Key, uint8) bool { return true }

func (w *fakeWorld) Missed(heard binding.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return heard < w.back
}

func (w *fakeWorld) Listening(*binding.Key, wire.Kind) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if now := time.Now(); len(w.asked) == 0 || w.asked[len(w.asked)-1] != now {
		w.asked = append(w.asked, now)
	}
	return w.listening
}

// grant gives a client, by its number, a lease, by its own, with a name, and returns the task that follows.
func (w *fakeWorld) grant(t testing.TB, client, lease int, host string) []byte {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	key := leaseKey(lease)
	before := w.leases[key]
	now := w.Now()
	w.leases[key] = binding.Stored{
		Key: key, Kind: wire.IANA, IAID: uint32(lease), DUID: binary.BigEndian.AppendUint32([]byte{0, 2, 0, 0}, uint32(client)),
		State: binding.Bound, Preferred: 3600, Valid: 7200, LastTransaction: now, Since: now, Expires: now + 1<<20,
		Extension: binding.AppendExtension(nil, binding.ExtFQDN, append([]byte{byte(naming.FlagS)}, name(t, host)...)),
	}
	duid := string(w.leases[key].DUID)
	if w.clients[duid] == nil {
		w.clients[duid] = map[binding.Key]bool{}
	}
	w.clients[duid][key] = true
	return (&upkeep.Task{Key: key, Before: before}).Append(nil)
}

// release ends a lease, and returns the task that follows.
func (w *fakeWorld) release(lease int) []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	key := leaseKey(lease)
	before := w.leases[key]
	delete(w.leases, key)
	return (&upkeep.Task{Key: key, Before: before}).Append(nil)
}

// leaseKey is the lease of this number: 2001:db8::/32 and the number.
func leaseKey(n int) binding.Key {
	a := netip.MustParseAddr("2001:db8::").As16()
	binary.BigEndian.PutUint64(a[8:], uint64(n))
	return binding.Key{Address: a, Length: 128}
}

// A fakeServer answers updates in place of DNS servers.
type fakeServer struct {
	answer func(u *upkeep.Update) (upkeep.Answer, error) // nil: NOERROR
	took   time.Duration

	mu      sync.Mutex
	updates []string // zone and first name
	times   []time.Time
	active  map[string]int // by name
	most    int            // updates at a time
	now     int
	clashes []string
}

// Exchange implements upkeep.Exchanger. It takes its time, so that others may come in between.
func (s *fakeServer) Exchange(ctx context.Context, u *upkeep.Update) (upkeep.Answer, error) {
	touched := s.enter(u)
	select {
	case <-time.After(s.took):
	case <-ctx.Done():
	}
	s.leave(touched)
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	if s.answer == nil {
		return upkeep.NoError, nil
	}
	return s.answer(u)
}

func (s *fakeServer) enter(u *upkeep.Update) (touched []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.active == nil {
		s.active = map[string]int{}
	}
	s.updates = append(s.updates, fmt.Sprintf("%d %s", u.Zone, u.Name()))
	s.times = append(s.times, time.Now())
	for i := range u.Changes {
		touched = append(touched, u.Changes[i].Name.String())
	}
	slices.Sort(touched)
	touched = slices.Compact(touched)
	for _, n := range touched {
		if s.active[n]++; s.active[n] > 1 {
			s.clashes = append(s.clashes, n)
		}
	}
	s.now++
	s.most = max(s.most, s.now)
	return touched
}

func (s *fakeServer) leave(touched []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range touched {
		s.active[n]--
	}
	s.now--
}

// made is how many updates began with this.
func (s *fakeServer) made(prefix string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, u := range s.updates {
		if strings.HasPrefix(u, prefix) {
			n++
		}
	}
	return n
}
