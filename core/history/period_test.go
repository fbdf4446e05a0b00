package history_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/history"
	"github.com/lockstep6/lockstep6/core/wire"
)

// A told is a period as the tests compare it.
type told struct {
	Client      byte
	Owner       uint8
	Place       string
	State       binding.State
	From, Until binding.Time
	Lasts       bool
	End         history.End
}

// A life is one lease whose binding changes, with what its periods are by the plain rule: each begins with the change that says
// who has the lease from where, and ends with the next that says something else.
type life struct {
	t       *testing.T
	table   *binding.Table
	h       *binding.Handle
	key     binding.Key
	now     binding.Time
	want    []told
	changes [][]byte
}

func newLife(t *testing.T) *life {
	t.Helper()
	table, err := binding.New(binding.Options{Capacity: 4})
	if err != nil {
		t.Fatal(err)
	}
	l := &life{t: t, table: table, h: table.NewHandle(), key: binding.Key{Address: [16]byte{0x20, 1, 15: 9}, Length: 128}, now: 800_000_000}
	t.Cleanup(func() { l.h.Close(); _ = table.Close() })
	return l
}

func (l *life) record() *binding.Record { return l.h.Find(&l.key) }

// set publishes what change makes of a draft, and ends the present period so.
func (l *life) set(how history.End, change func(d *binding.Draft)) {
	l.t.Helper()
	l.h.Enter()
	defer l.h.Leave()
	old := l.record()
	d := binding.Draft{Key: l.key, Kind: wire.IANA, State: binding.Bound, Valid: 100, LastTransaction: l.now, Since: l.now, Expires: l.now + 100}
	if old != nil {
		d = engine.DraftOf(old)
		d.Extension, d.KeepExtension = old.AppendExtension(nil), false
	}
	change(&d)
	r, outcome := l.h.Publish(old, &d)
	if outcome != binding.Published {
		l.t.Fatal(outcome)
	}
	l.changes = append(l.changes, engine.AppendChange(nil, true, old, r, &d))
	if how != history.Unknown {
		l.end(how, l.now)
	}
	if n := len(l.want); n > 0 && l.want[n-1].Lasts {
		l.want[n-1].Until = d.Expires
	}
}

func (l *life) end(how history.End, until binding.Time) {
	if n := len(l.want); n > 0 && l.want[n-1].Lasts {
		p := &l.want[n-1]
		p.Lasts, p.Until, p.End = false, until, how
	}
}

func (l *life) begin(d *binding.Draft, from binding.Time) {
	var place string
	if v, ok := binding.Extension(d.Extension).Find(binding.ExtInterfaceID); ok {
		place = string(v)
	}
	l.want = append(l.want, told{Client: d.DUID[3], Owner: d.Owner, Place: place, State: d.State, From: from, Until: d.Expires, Lasts: true})
}

// grant gives the lease to a client; of another one that has it still, it is taken away.
func (l *life) grant(client byte, place string, since binding.Time) {
	how := history.Unknown
	if r := l.livingRecord(); r != nil {
		how = history.Given
	} else {
		l.expire()
	}
	var begun binding.Draft
	l.set(how, func(d *binding.Draft) {
		*d = binding.Draft{
			Key: l.key, Kind: wire.IANA, IAID: 7, DUID: []byte{0, 4, 0, client}, State: binding.Bound, Valid: 100,
			LastTransaction: l.now, Since: since, Expires: l.now + 100, Extension: at(place),
		}
		if client%2 == 1 {
			d.IAID, d.Flags = 0, binding.FlagAnonymous // until it renews
		}
		begun = *d
	})
	l.begin(&begun, since)
}

func at(place string) []byte {
	return binding.AppendExtension(nil, binding.ExtInterfaceID, []byte(place))
}

func (l *life) livingRecord() *binding.Record {
	l.h.Enter()
	defer l.h.Leave()
	if r := l.record(); r != nil && r.Live(l.now) {
		return r
	}
	return nil
}

// expire notes that the present period ended by itself.
func (l *life) expire() {
	if n := len(l.want); n > 0 && l.want[n-1].Lasts {
		l.end(history.Expired, l.want[n-1].Until)
	}
}

// again changes the binding of the client that has it and begins another period.
func (l *life) again(how history.End, from binding.Time, change func(d *binding.Draft)) {
	var begun binding.Draft
	l.set(how, func(d *binding.Draft) { change(d); begun = *d })
	l.begin(&begun, from)
}

func (l *life) renew() {
	l.set(history.Unknown, func(d *binding.Draft) {
		d.IAID, d.Flags, d.LastTransaction, d.Expires = 7, 0, l.now, l.now+100
	})
}

func (l *life) retire(how history.End, state binding.State) {
	l.set(how, func(d *binding.Draft) { d.State, d.Since, d.Expires = state, l.now, l.now })
}

func (l *life) sweep() {
	l.h.Enter()
	defer l.h.Leave()
	r := l.record()
	if l.h.Remove(r) != binding.Published {
		l.t.Fatal("not removed")
	}
	l.changes = append(l.changes, engine.AppendReclaimed(nil, true, r))
	l.expire()
}

// step does something that can happen to the lease.
func (l *life) step(rng *rand.Rand) {
	l.now += binding.Time(rng.IntN(60))
	old := l.livingRecord()
	switch n := rng.IntN(10); {
	case old == nil && n < 3 && l.has():
		l.sweep()
	case old == nil:
		l.grant(byte(rng.IntN(3)), "a", l.now)
	case old.State() == binding.Superseded:
		l.again(history.RenewedAgain, l.now, func(d *binding.Draft) {
			d.State, d.LastTransaction, d.Since, d.Expires = binding.Bound, l.now, l.now, l.now+100
		})
	case n == 0:
		l.retire(history.Released, binding.Released)
	case n == 1:
		l.retire(history.Declined, binding.Declined)
	case n == 2:
		l.again(history.Superseded, l.now, func(d *binding.Draft) { d.State, d.Since = binding.Superseded, l.now })
	case n == 3:
		l.again(history.Transferred, l.now, func(d *binding.Draft) { d.Owner, d.LastTransaction, d.Expires = d.Owner^3, l.now, l.now+100 })
	case n == 4:
		l.again(history.Moved, l.now, func(d *binding.Draft) {
			d.Extension, d.LastTransaction, d.Expires = at(string('a'+rune(rng.IntN(2))+rune(d.Owner))+string(rune('0'+rng.IntN(10)))+l.lastPlace()), l.now, l.now+100
		})
	case n == 5:
		l.grant(old.DUID()[3]+1, "b", l.now-binding.Time(rng.IntN(5)))
	default:
		l.renew()
	}
}

// lastPlace makes each place another one than that before.
func (l *life) lastPlace() string { return string(rune('a' + len(l.want)%20)) }

func (l *life) has() bool {
	l.h.Enter()
	defer l.h.Leave()
	return l.record() != nil
}

// present is the binding as the store has it.
func (l *life) present() []byte {
	l.h.Enter()
	defer l.h.Leave()
	r := l.record()
	if r == nil {
		return nil
	}
	_, value, _, err := binding.NextChange(binding.AppendChange(nil, r))
	if err != nil {
		l.t.Fatal(err)
	}
	return value
}

// entries are what history has of the changes, in any order, without those that are older than oldest.
func (l *life) entries(rng *rand.Rand, oldest int64) (entries []history.Entry) {
	l.t.Helper()
	for _, change := range l.changes {
		key, value, _, err := binding.NextChange(change)
		if err != nil {
			l.t.Fatal(err)
		}
		s, err := binding.DecodeValue(key, value)
		if err != nil {
			l.t.Fatal(err)
		}
		err = history.Entries(key, value, func(at int64, what byte, entry []byte) {
			if at >= oldest {
				entries = append(entries, history.Entry{What: what, Version: s.Version, Data: slices.Clone(entry)})
			}
		})
		if err != nil {
			l.t.Fatal(err)
		}
	}
	rng.Shuffle(len(entries), func(i, j int) { entries[i], entries[j] = entries[j], entries[i] })
	return entries
}

func (l *life) periods(rng *rand.Rand, oldest int64) (got []told) {
	l.t.Helper()
	periods, err := history.Periods(binding.AppendKey(nil, &l.key), l.entries(rng, oldest), l.present(), l.now)
	if err != nil {
		l.t.Fatal(err)
	}
	for _, p := range periods {
		place, _ := p.Extension.Find(binding.ExtInterfaceID)
		got = append(got, told{
			Client: p.DUID[3], Owner: p.Owner, Place: string(place), State: p.State, From: p.From, Until: p.Until, Lasts: p.Lasts, End: p.End,
		})
	}
	return got
}

// Whatever happens to a lease, history tells each of its periods once: who had it, from when until when, where, and how
// that ended, whichever order its entries have.
func TestPeriods(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	for range 300 {
		l := newLife(t)
		for range 1 + rng.IntN(40) {
			l.step(rng)
		}
		want := slices.Clone(l.want)
		for i := range want { // the last one, which nothing has ended yet
			if want[i].Lasts && want[i].Until <= l.now {
				want[i].Lasts, want[i].End = false, history.Expired
			}
		}
		slices.SortStableFunc(want, func(a, b told) int { return int(a.From) - int(b.From) })
		if diff := cmp.Diff(want, l.periods(rng, 0)); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	}
}

// When the beginning's day has been dropped, the end alone tells the period; and one that lasts is told by its binding.
func TestBeginningDropped(t *testing.T) {
	l := newLife(t)
	l.grant(1, "port 1", l.now)
	start := l.now
	l.now += 50
	l.renew()
	l.now += 50
	l.retire(history.Released, binding.Released)
	released := l.now
	l.now++
	l.grant(2, "port 2", l.now)
	want := []told{
		{Client: 1, Place: "port 1", State: binding.Bound, From: start, Until: released, End: history.Released},
		{Client: 2, Place: "port 2", State: binding.Bound, From: l.now, Until: l.now + 100, Lasts: true},
	}
	rng := rand.New(rand.NewPCG(1, 0))
	for _, oldest := range []int64{0, start.Unix() + 1} {
		if diff := cmp.Diff(want, l.periods(rng, oldest)); diff != "" {
			t.Errorf("without what is older than %d (-want +got):\n%s", oldest, diff)
		}
	}
	if diff := cmp.Diff(want[1:], l.periods(rng, l.now.Unix()+1)); diff != "" {
		t.Errorf("the binding alone (-want +got):\n%s", diff)
	}
}

// A beginning whose end was never told, because history was off then, ends where the next one begins.
func TestEndUntold(t *testing.T) {
	l := newLife(t)
	l.grant(1, "a", l.now)
	first := l.now
	l.now += 20
	l.retire(history.Released, binding.Released)
	l.changes = l.changes[:1]
	l.now += 20
	l.grant(2, "a", l.now)
	got := l.periods(rand.New(rand.NewPCG(1, 0)), 0)
	if len(got) != 2 || got[0].From != first || got[0].Until != l.now || got[0].Lasts || got[0].End != history.Unknown {
		t.Errorf("got %+v", got)
	}
}

func TestOverlaps(t *testing.T) {
	for _, c := range []struct {
		from, until, a, b binding.Time
		want              bool
	}{
		{10, 20, 10, 10, true}, {10, 20, 19, 19, true}, {10, 20, 20, 20, true}, {10, 20, 21, 21, false}, {10, 20, 9, 9, false},
		{10, 20, 5, 10, true}, {10, 20, 20, 30, true}, {10, 20, 21, 30, false}, {10, 10, 10, 10, true}, {10, 10, 11, 12, false}, {10, 20, 12, 15, true},
	} {
		p := history.Period{From: c.from, Until: c.until}
		if got := p.Overlaps(c.a, c.b); got != c.want {
			t.Errorf("%d to %d in %d to %d: %v", c.from, c.until, c.a, c.b, got)
		}
	}
}
