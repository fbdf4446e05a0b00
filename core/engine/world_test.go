package engine_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/policy"
	"github.com/lockstep6/lockstep6/core/wire"
)

// A world is several workers over one table, a disk, and clients who send what they like. One seed decides all.
// Writes become durable in any order; replies that wait for them are delivered then; a crash loses what wasn't durable.
// What is wrong is noted in faults.
type world struct {
	t        testing.TB
	rng      *rand.Rand
	policies []*policy.Policy
	mutation mutation
	quick    bool // the disk is, and clients ask often: so that renewals find their binding durable and young

	table   *binding.Table
	handle  *binding.Handle
	site    *engine.Site
	marks   *engine.Marks
	workers []*testWorker
	sweeper *engine.Sweeper
	now     binding.Time
	clock   *atomic.Uint32 // ahead of now where workers run at once; nil: it isn't

	*ledger
	clients []*client
	network func(*answer) *engine.Input // what becomes of a client's message on its way; nil: nothing
	depth   int
	stats   struct{ grants, advertises, drops, crashes, sweeps, reloads, nested, again, spared int }
}

// A ledger is what all workers' clients and the disk know.
type ledger struct {
	sync.Mutex
	disk     map[binding.Key]stored
	written  map[versioned]bool
	holdings []holding
	faults   []string
}

// A mutation breaks a rule on purpose, to see that the world notices.
type mutation int

const (
	sound   mutation = iota
	forgets          // a binding vanishes from the table
	hurries          // replies leave before their write is durable
	hastens          // one worker's clock runs ahead
)

type stored struct {
	version uint64
	value   []byte
}

type versioned struct {
	key     binding.Key
	version uint64
}

// A holding is a lease that a client was told of and may use until it ends.
type holding struct {
	client  *client
	kind    wire.Kind
	iaid    uint32
	key     binding.Key
	from    binding.Time // when it was granted; the reply may come later
	expires binding.Time
}

type testWorker struct {
	id       int
	engine   *engine.Engine
	sequence uint64
	flights  []*flight
	busy     bool
}

// A flight is a batch that waits for its write.
type flight struct {
	mark    binding.Mark
	changes []byte
	replies []answer
}

type answer struct {
	client *client
	xid    uint32
	sent   []byte
	reply  []byte
	at     binding.Time // the batch's time
	from   binding.Time // what the clock said when the reply was made
	policy *policy.Policy
}

// kind is the type of the message that the client gets.
func (a *answer) kind(t testing.TB) wire.MessageType {
	if kind := wire.MessageType(a.reply[0]); kind != wire.RelayReply {
		return kind
	}
	return wire.MessageType(innerMessage(t, a.reply).MessageType)
}

const testCapacity = 4096

func newWorld(t testing.TB, seed uint64, policies []*policy.Policy, clients int) *world {
	return newWorldBy(t, rand.New(rand.NewPCG(seed, 1)), policies, clients)
}

func newWorldBy(t testing.TB, rng *rand.Rand, policies []*policy.Policy, clients int) *world {
	w := &world{t: t, rng: rng, policies: policies, now: start}
	w.ledger = &ledger{disk: make(map[binding.Key]stored)}
	for i := range clients {
		w.clients = append(w.clients, newClient(w.rng, i))
	}
	w.boot()
	return w
}

// boot starts the workers over a table that has what is on the disk.
func (w *world) boot() {
	table, err := binding.New(binding.Options{Capacity: testCapacity, Seed: w.rng.Uint64()})
	if err != nil {
		w.t.Fatal(err)
	}
	w.close()
	w.table, w.handle, w.marks = table, table.NewHandle(), new(engine.Marks)
	w.written = make(map[versioned]bool)
	for key, s := range w.disk {
		if err := w.handle.Load(binding.AppendKey(nil, &key), s.value); err != nil {
			w.t.Fatal(err)
		}
		w.written[versioned{key, s.version}] = true
	}
	w.reload(w.policies[0])
	w.workers = nil
	for id := range 2 + w.rng.IntN(3) {
		w.hire(id)
	}
	w.sweeper = engine.NewSweeper(table.NewHandle(), w.marks)
}

func (w *world) hire(id int) {
	w.workers = append(w.workers, &testWorker{id: id, engine: engine.New(w.table.NewHandle(), w.marks)})
}

// close gives the table's memory back.
func (w *world) close() {
	if w.table == nil {
		return
	}
	if err := w.table.Close(); err != nil {
		w.t.Error(err)
	}
	w.table = nil
}

func (w *world) reload(p *policy.Policy) {
	site, err := engine.NewSite(p, engine.NewView(p, engine.Memory{}, testCapacity), w.handle, w.table.Shards())
	if err != nil {
		w.t.Fatal(err)
	}
	w.site = site
}

func (w *world) fault(format string, args ...any) {
	w.faults = append(w.faults, fmt.Sprintf(format, args...))
}

func (w *world) time() binding.Time {
	if w.clock != nil {
		return binding.Time(w.clock.Load())
	}
	return w.now
}

// step does one random thing.
func (w *world) step() {
	switch n := w.rng.IntN(1000); {
	case n < 600:
		w.batch(w.workers[w.rng.IntN(len(w.workers))], 1+w.rng.IntN(4))
		for range w.backlog() {
			w.settleOne()
		}
	case n < 850:
		w.settleOne()
	case n < 950 && w.quick:
		w.now += binding.Time(w.rng.IntN(20))
	case n < 950:
		w.now += binding.Time(w.rng.IntN(300))
	case n < 990:
		w.sweep()
	case n < 997:
		w.stats.reloads++
		w.reload(w.policies[w.rng.IntN(len(w.policies))])
	case n < 999:
		w.now += binding.Time(w.rng.IntN(5000))
	default:
		w.crash()
	}
	if w.mutation == forgets && w.rng.IntN(50) == 0 {
		w.forget()
	}
}

// backlog is how many times a quick disk looks for something to write.
func (w *world) backlog() int {
	if !w.quick {
		return 0
	}
	return w.rng.IntN(4 * len(w.workers))
}

// batch lets a worker handle some clients' messages.
func (w *world) batch(k *testWorker, messages int) {
	k.busy = true
	defer func() { k.busy = false }()
	now := w.now
	if w.mutation == hastens && k.id == 0 {
		now += 10000
	}
	f := &flight{mark: engine.NewMark(k.id, k.sequence+1)}
	k.engine.Interfere(func() { w.nest() })
	k.engine.Begin(w.site, now.Moment(), f.mark, true, nil)
	var immediate []answer
	for range messages {
		c := w.pick()
		a := answer{client: c, sent: c.speak(w), at: now, policy: w.site.Policy}
		a.xid = c.xid
		in := directInput(a.sent)
		if w.network != nil {
			in = w.network(&a)
		}
		result := k.engine.Handle(in, make([]byte, 0, engine.MaxReply))
		a.reply, a.from = result.Reply, w.time()
		if len(a.reply) > 0 && a.kind(w.t) == wire.Reply {
			w.checkSpared(a, result.Durable, k.engine.Changes)
		}
		switch {
		case result.Drop != wire.DropNone:
			w.stats.drops++
		case result.Durable:
			f.replies = append(f.replies, a)
			a.client.waits = true
		default:
			immediate = append(immediate, a)
		}
	}
	f.changes = append([]byte(nil), k.engine.Changes...)
	count := k.engine.Count
	k.engine.End()
	if count > 0 {
		k.sequence++
		k.flights = append(k.flights, f)
	} else if len(f.replies) > 0 {
		w.Lock()
		defer w.Unlock()
		w.fault("a reply waits for a write that isn't there")
	}
	w.noteVersions(f.changes)
	for _, a := range immediate {
		w.deliver(a, nil)
	}
	if w.mutation == hurries {
		for _, a := range f.replies {
			w.deliver(a, f)
		}
		f.replies = nil
	}
}

// pick chooses a client. One that waits for an answer is patient, mostly.
func (w *world) pick() *client {
	for {
		c := w.clients[w.rng.IntN(len(w.clients))]
		if !c.waits || w.rng.IntN(8) == 0 {
			return c
		}
	}
}

// nest lets another worker handle a batch while this one is between a choice and its claim.
func (w *world) nest() {
	if w.depth >= 2 || w.rng.IntN(4) != 0 {
		return
	}
	for _, k := range w.workers {
		if !k.busy {
			w.depth++
			w.stats.nested++
			w.batch(k, 1+w.rng.IntN(2))
			w.depth--
			return
		}
	}
}

// noteVersions checks that no version of a lease is written twice.
func (w *world) noteVersions(changes []byte) {
	w.Lock()
	defer w.Unlock()
	forEachChange(w.t, changes, func(key binding.Key, version uint64, value []byte) {
		if w.written[versioned{key, version}] {
			w.fault("version %d of %v is written twice", version, key)
		}
		w.written[versioned{key, version}] = true
	})
}

func forEachChange(t testing.TB, changes []byte, f func(key binding.Key, version uint64, value []byte)) {
	for len(changes) > 0 {
		rawKey, value, rest, err := binding.NextChange(changes)
		if err != nil {
			t.Fatal(err)
		}
		key, err := binding.DecodeKey(rawKey)
		if err != nil {
			t.Fatal(err)
		}
		version, _, err := binding.ValueVersion(value)
		if err != nil {
			t.Fatal(err)
		}
		f(key, version, value)
		changes = rest
	}
}

// settleOne makes one batch in flight durable, whichever, and delivers what waits for it.
func (w *world) settleOne() {
	k := w.workers[w.rng.IntN(len(w.workers))]
	if len(k.flights) == 0 {
		return
	}
	i := w.rng.IntN(len(k.flights))
	f := k.flights[i]
	k.flights = append(k.flights[:i], k.flights[i+1:]...)
	w.write(f.changes)
	w.marks.Settle(f.mark)
	for _, a := range f.replies {
		w.deliver(a, f)
	}
}

// write applies changes as the store does: of two versions the higher one stands.
func (w *world) write(changes []byte) {
	w.Lock()
	defer w.Unlock()
	forEachChange(w.t, changes, func(key binding.Key, version uint64, value []byte) {
		if w.disk[key].version < version {
			w.disk[key] = stored{version, append([]byte(nil), value...)}
		}
	})
}

func (w *world) sweep() {
	changes, n := w.sweeper.Sweep(w.site, w.now, uint32(w.rng.IntN(2))*500, 500, nil)
	w.stats.sweeps += n
	w.noteVersions(changes)
	// Removals may be lost as well as any other write; nobody waits for them.
	if w.rng.IntN(4) != 0 {
		w.write(changes)
	}
}

// crash loses the memory, and of what is in flight a random part.
func (w *world) crash() {
	w.stats.crashes++
	for _, k := range w.workers {
		for _, f := range k.flights {
			if w.rng.IntN(2) == 0 {
				w.write(f.changes)
			}
			for _, a := range f.replies {
				a.client.waits = false
			}
		}
	}
	w.boot()
}

// forget removes a live binding behind everybody's back.
func (w *world) forget() {
	w.handle.Enter()
	defer w.handle.Leave()
	w.handle.Range(w.rng.IntN(w.table.Shards()), func(r *binding.Record) bool {
		if r.Live(w.now) && w.rng.IntN(8) == 0 {
			key, kind := r.Key(), r.Kind()
			w.handle.Remove(r)
			w.site.Put(&key, kind)
			return false
		}
		return true
	})
}
