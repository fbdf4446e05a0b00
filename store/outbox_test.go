package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"path/filepath"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// With this codec each change of an even version is told, and of an odd one where renewals count.
func outboxOptions(o Options, most int64) Options {
	o.Codec = testCodec
	o.Codec.Told = func(_, value []byte, renewals bool) bool { return renewals || binary.BigEndian.Uint64(value)%2 == 0 }
	o.Outbox = &Outbox{Most: most}
	return o
}

// toldOf reads all that waits behind a place, and holds the figures against it.
func toldOf(t testing.TB, s *Store) (changes []byte, last uint64) {
	t.Helper()
	count, octets := 0, int64(0)
	for {
		groups, err := s.Outgoing(last, 1)
		if err != nil {
			t.Fatal(err)
		}
		if len(groups) == 0 {
			break
		}
		for i := range groups {
			if g := &groups[i]; g.Place <= last && last > 0 || g.Stamp == 0 {
				t.Errorf("place %d of %d behind %d", g.Place, g.Stamp, last)
			}
			last = groups[i].Place
			changes = append(changes, groups[i].Changes...)
			count += groups[i].Count
			octets += groups[i].size()
		}
	}
	if stats := s.OutboxStats(); stats.Waiting != count || stats.Octets != octets || stats.Oldest.IsZero() != (count == 0) {
		t.Errorf("%d changes of %d octets wait, the figures say %+v", count, octets, stats)
	}
	return changes, last
}

func wantTold(t testing.TB, s *Store, want []byte) (last uint64) {
	t.Helper()
	got, last := toldOf(t, s)
	if !bytes.Equal(got, want) {
		t.Errorf("what is to be told is %x, want %x", got, want)
	}
	return last
}

// What was confirmed waits until it was told, through a cut of power at once after it and absorption of the log.
func TestOutboxSurvivesCrash(t *testing.T) {
	fs := newCrashable()
	s := open(t, outboxOptions(Options{FS: fs}, 1<<20))
	commit(t, s, change(change(nil, 1, 2), 1, 3))
	commit(t, s, change(nil, 2, 4))
	<-s.OutboxNews()
	flush(t, s)
	both := change(change(nil, 1, 2), 2, 4)
	wantTold(t, s, both)
	s = open(t, outboxOptions(Options{FS: fs.CrashClone(vfs.CrashCloneCfg{})}, 1<<20))
	<-s.OutboxNews()
	last := wantTold(t, s, both)
	if err := s.DoneOutgoing(last); err != nil {
		t.Fatal(err)
	}
	wantTold(t, s, nil)
	commit(t, s, removal(nil, 2, 6))
	if again := wantTold(t, s, removal(nil, 2, 6)); again <= last {
		t.Errorf("place %d isn't behind %d", again, last)
	}
}

// Nothing comes up behind what was read: a group that is being committed hides those that follow it.
func TestOutboxOrder(t *testing.T) {
	entered, hang := make(chan struct{}), make(chan struct{})
	o := outboxOptions(Options{}, 1<<20)
	o.Codec.Told = func(key, _ []byte, _ bool) bool {
		if string(key) == string(testKey(1)) {
			close(entered)
			<-hang
		}
		return true
	}
	s := open(t, o)
	first := make(chan struct{})
	go func() { commit(t, s, change(nil, 1, 2)); close(first) }()
	<-entered
	commit(t, s, change(nil, 2, 2)) // by the other committer
	<-s.OutboxNews()
	if groups, err := s.Outgoing(0, 1<<20); err != nil || len(groups) != 0 {
		t.Errorf("read %v %v, while a group that comes before is under way", groups, err)
	}
	close(hang)
	<-first
	<-s.OutboxNews()
	wantTold(t, s, change(change(nil, 1, 2), 2, 2))
}

// Beyond the bound the oldest go, and beyond that what is new; both are said to be lost until a list was told.
func TestOutboxBounds(t *testing.T) {
	fs := vfs.NewMem()
	one := (&Outgoing{Changes: change(nil, 1, 2)}).size()
	s := open(t, outboxOptions(Options{FS: fs}, 8*one))
	listed := func(want bool) {
		t.Helper()
		if got, err := s.OutboxListed(t.Context(), s.TaskMark()); got != want || err != nil {
			t.Fatalf("listed: %v, %v", got, err)
		}
	}
	if !s.OutboxStats().Lost {
		t.Error("no list is due for whoever has none")
	}
	listed(true)
	if s.OutboxStats().Lost {
		t.Error("a list is due behind a list")
	}
	var all [][]byte
	for i := range uint64(9) { // one more than the bound, which has room for one in eight more
		all = append(all, change(nil, i, 2))
		commit(t, s, all[i])
	}
	if stats := s.OutboxStats(); stats.Lost || stats.Waiting != 9 {
		t.Errorf("before it is trimmed: %+v", stats)
	}
	commit(t, s, change(nil, 10, 2)) // finds no room
	if stats := s.OutboxStats(); !stats.Lost || stats.Waiting != 9 || stats.Dropped != 1 {
		t.Errorf("without room: %+v", stats)
	}
	listed(true)
	mark := s.TaskMark()
	commit(t, s, change(nil, 11, 3)) // isn't told
	if n, err := s.TrimOutbox(0); n != 1 || err != nil {
		t.Errorf("dropped %d, %v", n, err)
	}
	wantTold(t, s, bytes.Join(all[1:], nil))
	if s.OutboxStats().Lost {
		t.Error("a list is due for what the one before has")
	}
	commit(t, s, change(nil, 12, 2))
	if n, err := s.TrimOutbox(1 << 40); n != 9 || err != nil {
		t.Errorf("dropped %d of old ones, %v", n, err)
	}
	wantTold(t, s, nil)
	for range 2 {
		if got, err := s.OutboxListed(t.Context(), mark); got || err != nil {
			t.Errorf("a list that began before the loss counts: %v", err)
		}
		if !s.OutboxStats().Lost {
			t.Error("nothing is lost")
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = open(t, outboxOptions(Options{FS: fs}, 8*one))
	}
	listed(true)
}

// It is switched on, off and on again, and stays as it was where nobody says otherwise.
func TestSetOutbox(t *testing.T) {
	fs := vfs.NewMem()
	o := outboxOptions(Options{FS: fs}, 0)
	o.Outbox = nil
	s := open(t, o)
	set := func(o Outbox) {
		t.Helper()
		if err := s.SetOutbox(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	commit(t, s, change(nil, 1, 2))
	wantTold(t, s, nil)
	set(Outbox{Most: 1000, Renewals: true})
	if found, _ := s.Meta(metaFormat); binary.BigEndian.Uint32(found) != formatOutbox {
		t.Errorf("format %x: older programs would keep nothing for telling", found)
	}
	if ok, err := s.OutboxListed(t.Context(), s.TaskMark()); !ok || err != nil {
		t.Fatal(ok, err)
	}
	commit(t, s, change(nil, 1, 3))
	wantTold(t, s, change(nil, 1, 3))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, o)
	if got := s.OutboxStats(); got.Most != 1000 || !got.Renewals || got.Lost {
		t.Errorf("reopened: %+v", got)
	}
	set(Outbox{})
	wantTold(t, s, nil)
	set(Outbox{Most: 1000})
	if !s.OutboxStats().Lost {
		t.Error("what was missed between isn't told")
	}
}

// A store whose outbox is off, and that was opened since, is one that releases before the outbox take; what they do meanwhile is lost to whoever is told later.
func TestOutboxOffGoesBack(t *testing.T) {
	fs := vfs.NewMem()
	formatIs := func(s *Store, want uint32) {
		t.Helper()
		if found, _ := s.Meta(metaFormat); binary.BigEndian.Uint32(found) != want {
			t.Errorf("format %x, want %d", found, want)
		}
	}
	reopen := func(most int64) *Store {
		t.Helper()
		return open(t, outboxOptions(Options{FS: fs}, most))
	}
	closed := func(s *Store) {
		t.Helper()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	s := reopen(0)
	formatIs(s, formatLog)
	closed(s)
	s = reopen(1000)
	commit(t, s, change(nil, 1, 2))
	formatIs(s, formatOutbox)
	if ok, err := s.OutboxListed(t.Context(), s.TaskMark()); !ok || err != nil {
		t.Fatal(ok, err)
	}
	closed(s)
	s = reopen(0)
	formatIs(s, format)
	if err := scan(s.in.db, outboxFrom, outboxTo, func(key, _ []byte) error { t.Errorf("%x is left", key); return nil }); err != nil {
		t.Fatal(err)
	}
	commit(t, s, change(nil, 1, 4))
	wantTold(t, s, nil)
	closed(s)
	s = reopen(1000)
	formatIs(s, formatOutbox)
	if !s.OutboxStats().Lost {
		t.Error("what happened meanwhile is told to nobody")
	}
}

// An unsynced store that crashes says that changes may be lost, also where the outbox was switched on while it ran.
func TestOutboxUnsynced(t *testing.T) {
	fs := newCrashable()
	o := outboxOptions(Options{FS: fs, Sync: SyncNever}, 0)
	s := open(t, o)
	if err := s.SetOutbox(t.Context(), Outbox{Most: 1000}); err != nil {
		t.Fatal(err)
	}
	if ok, err := s.OutboxListed(t.Context(), s.TaskMark()); !ok || err != nil {
		t.Fatal(ok, err)
	}
	o.Outbox, o.FS = nil, fs.CrashClone(vfs.CrashCloneCfg{})
	if s = open(t, o); !s.OutboxStats().Lost {
		t.Error("after a crash nothing is lost")
	}
}

// A check counts what waits to be told; a repair leaves that out, and has a whole list told.
func TestRepairLeavesOutbox(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	o := outboxOptions(Options{Path: dir, FS: vfs.Default}, 1000)
	s := open(t, o)
	commit(t, s, change(change(nil, 1, 2), 2, 4))
	if ok, err := s.OutboxListed(t.Context(), s.TaskMark()); !ok || err != nil {
		t.Fatal(ok, err)
	}
	last := wantTold(t, s, change(change(nil, 1, 2), 2, 4))
	if err := s.DoneOutgoing(last); err != nil {
		t.Fatal(err)
	}
	commit(t, s, change(change(nil, 3, 2), 4, 4))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	survey, err := CheckFiles(t.Context(), Salvaging{Options: o})
	if err != nil || !survey.Whole() || survey.Kinds["events"] != 2 {
		t.Errorf("%+v, %v", survey, err)
	}
	if _, err := Repair(t.Context(), Salvaging{Options: o}); err != nil {
		t.Fatal(err)
	}
	s = open(t, o)
	wantTold(t, s, nil)
	if !s.OutboxStats().Lost {
		t.Error("no list is due")
	}
}

// BenchmarkOutboxCommit is the commit path: without an outbox, with one for which no change is, and with one for which each is. The folder is on a
// real disk: set TMPDIR to the one in question.
func BenchmarkOutboxCommit(b *testing.B) {
	for _, c := range []struct {
		name string
		most int64
		told bool
	}{{"off", 0, true}, {"none", 1 << 40, false}, {"each", 1 << 40, true}} {
		b.Run(c.name, func(b *testing.B) {
			o := outboxOptions(Options{FS: vfs.Default, Path: b.TempDir(), absorb: absorbSize}, c.most)
			o.Codec.Told = func(_, _ []byte, _ bool) bool { return c.told }
			s := open(b, o)
			before := cpuTime(b)
			b.ReportAllocs()
			drive(b, 32, 16, s.Append)
			b.ReportMetric(float64((cpuTime(b)-before).Nanoseconds())/float64(32*b.N), "cpu-ns/change")
		})
	}
}

func TestDamagedOutboxIsRefused(t *testing.T) {
	for name, c := range map[string]struct{ key, value []byte }{
		"key":      {[]byte{prefixOutbox, 1}, make([]byte, outboxHeader)},
		"value":    {outboxKey(1), make([]byte, outboxHeader-1)},
		"settings": {metaKey(metaOutbox), make([]byte, 8)},
		"lost":     {metaKey(metaOutboxLost), nil},
	} {
		fs := vfs.NewMem()
		s := open(t, outboxOptions(Options{FS: fs}, 1000))
		if err := s.in.db.Set(c.key, c.value, pebble.Sync); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		o := outboxOptions(Options{FS: fs}, 1000)
		if err := openClose(o); !errors.Is(err, errValue) {
			t.Errorf("%s: got %v, want %v", name, err, errValue)
		}
	}
}
