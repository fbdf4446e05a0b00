package store

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// audited says that an audit that began at that moment has ended.
func audited(t *testing.T, s *Store, since TaskMark) bool {
	t.Helper()
	whole, err := s.TasksAudited(t.Context(), since)
	if err != nil {
		t.Fatal(err)
	}
	return whole
}

// What finds no room is told, in figures, durably, and by one line; what waits and what is granted doesn't suffer.
func TestFullQueueDropsTasks(t *testing.T) {
	fs := newCrashable()
	var lines bytes.Buffer
	s := open(t, taskOptions(Options{FS: fs, Logger: slog.New(slog.NewTextHandler(&lines, nil))}, 4))
	for n := range uint64(4) {
		commit(t, s, change(nil, n, 2))
	}
	if stats := s.TaskStats(); stats.Lost || stats.Dropped != 0 {
		t.Errorf("nothing is lost yet: %+v", stats)
	}
	early := s.TaskMark()
	commit(t, s, change(change(nil, 4, 2), 5, 2))
	commit(t, s, change(nil, 6, 2))
	if got := contents(t, s); len(got) != 7 {
		t.Errorf("%d bindings, want 7", len(got))
	}
	if stats := s.TaskStats(); stats.Waiting != 4 || stats.Added != 4 || stats.Dropped != 3 || !stats.Lost || stats.Gaps {
		t.Errorf("%+v", stats)
	}
	crashed := open(t, Options{FS: fs.CrashClone(vfs.CrashCloneCfg{}), Codec: taskCodec()})
	if !crashed.TaskStats().Lost {
		t.Error("after a crash nobody knows that tasks are lost")
	}
	if audited(t, s, early) {
		t.Error("an audit counts that began before tasks were lost")
	}
	tasks := waiting(t, s, 10)
	done(t, s, tasks[0].ID)
	commit(t, s, change(change(nil, 7, 2), 8, 2)) // one of them has room
	done(t, s, idsOf(tasks)...)
	commit(t, s, change(nil, 9, 2))
	wantTasks(t, s, testTask(7, 2), testTask(9, 2))
	for line, want := range map[string]int{"store-tasks-full": 1, "store-tasks-room": 1} {
		if got := strings.Count(lines.String(), line); got != want {
			t.Errorf("%s was told %d times, want %d:\n%s", line, got, want, &lines)
		}
	}
}

func TestAuditEndsWhatIsLost(t *testing.T) {
	fs := vfs.NewMem()
	s := open(t, taskOptions(Options{FS: fs}, 1))
	lose := func() { commit(t, s, change(change(nil, 1, 2), 2, 2)) }
	reopen := func() {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = open(t, taskOptions(Options{FS: fs}, 1))
	}
	lose()
	for round := range 3 {
		reopen()
		if !s.TaskStats().Lost {
			t.Fatalf("round %d: nobody knows that tasks are lost", round)
		}
		for n := range uint64(3) {
			commit(t, s, change(nil, n, 1))
		}
		absorb(t, s)
		if !audited(t, s, s.TaskMark()) || s.TaskStats().Lost {
			t.Fatalf("round %d: an audit doesn't count", round)
		}
		done(t, s, idsOf(waiting(t, s, 10))...)
		reopen() // with an empty log, so that places would begin anew
		if s.TaskStats().Lost {
			t.Fatalf("round %d: an audit is forgotten", round)
		}
		lose()
	}
}

// An audit doesn't count while a group is under way that began before it did.
func TestAuditWaitsForGroups(t *testing.T) {
	entered, hang := make(chan struct{}, 1), make(chan struct{})
	codec := testCodec
	codec.Task = func(dst, _, _ []byte) []byte {
		entered <- struct{}{}
		<-hang
		return dst
	}
	s := open(t, taskOptions(Options{Codec: codec}, 1))
	ended := make(chan struct{})
	go func() { defer close(ended); commit(t, s, change(nil, 1, 1)) }()
	<-entered
	mark := s.TaskMark()
	if audited(t, s, mark) {
		t.Error("it counts while a group is under way")
	}
	close(hang)
	<-ended
	if !audited(t, s, mark) {
		t.Error("it doesn't count though the group has ended")
	}
}

func TestAddTasks(t *testing.T) {
	fs := newCrashable()
	s := open(t, taskOptions(Options{FS: fs, Sync: SyncNever}, 5))
	add := func(texts ...string) error {
		var tasks [][]byte
		for _, text := range texts {
			tasks = append(tasks, []byte(text))
		}
		return s.AddTasks(t.Context(), tasks)
	}
	for _, err := range []error{add(), add("", ""), add("a", "", "b"), add("c")} {
		if err != nil {
			t.Fatal(err)
		}
	}
	wantTasks(t, open(t, Options{FS: fs.CrashClone(vfs.CrashCloneCfg{}), Codec: taskCodec()}), "a", "b", "c")
	if err := add("d", "e", "f"); !errors.Is(err, ErrTasksFull) {
		t.Errorf("got %v, want %v", err, ErrTasksFull)
	}
	if stats := s.TaskStats(); stats.Waiting != 3 || stats.Dropped != 0 || stats.Lost {
		t.Errorf("who adds them is told, and nothing is lost: %+v", stats)
	}
	commit(t, s, change(nil, 1, 2))
	awaitTasks(t, s, 4)
	wantTasks(t, s, "a", "b", "c", testTask(1, 2))
	if err := s.SetTasks(t.Context(), 100); err != nil {
		t.Fatal(err)
	}
	large := strings.Repeat("x", taskChunk)
	if err := add(large, "y", large, "z"); err != nil {
		t.Error(err)
	}
	wantTasks(t, s, "a", "b", "c", testTask(1, 2), large, "y", large, "z")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.AddTasks(ctx, [][]byte{[]byte("q")}); err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := add("late"); !errors.Is(err, errClosed) {
		t.Errorf("got %v, want %v", err, errClosed)
	}
	if _, err := s.Tasks(TaskID{}, 1); !errors.Is(err, errClosed) {
		t.Errorf("got %v, want %v", err, errClosed)
	}
	if err := s.DoneTasks(TaskID{1, 1}); !errors.Is(err, errClosed) {
		t.Errorf("got %v, want %v", err, errClosed)
	}
}

// A backup has what waited, and who is opened with it knows that later ones are missing, once.
func TestRestoredStoreHasLostTasks(t *testing.T) {
	dir := t.TempDir()
	for name, tasks := range map[string]*Tasks{"on": {10}, "off": nil} {
		copied, made := filepath.Join(dir, name+"-copy"), filepath.Join(dir, name+"-made")
		s := open(t, Options{Path: filepath.Join(dir, name), FS: vfs.Default, Codec: taskCodec(), Tasks: tasks})
		commit(t, s, change(nil, 1, 2))
		if _, err := s.Backup(copied, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := restored(t, copied, made); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			again := open(t, Options{Path: made, FS: vfs.Default, Codec: taskCodec()})
			if stats := again.TaskStats(); stats.Lost != (tasks != nil) || stats.Gaps != stats.Lost || tasks != nil && stats.Waiting != 1 {
				t.Errorf("%s: %+v", name, stats)
			}
			if tasks != nil && !audited(t, again, again.TaskMark()) {
				t.Error("an audit doesn't count")
			}
			if err := again.Close(); err != nil {
				t.Fatal(err)
			}
			tasks = nil // the second time nothing is lost
		}
	}
}

// A store that isn't synced may have lost tasks where it didn't end in order.
func TestUnsyncedTasksAreLostWithACrash(t *testing.T) {
	for name, c := range map[string]struct {
		sync  SyncMode
		crash bool
		late  bool // tasks are switched on while it runs
		lost  bool
	}{
		"synced, crash":      {SyncAlways, true, false, false},
		"unsynced, in order": {SyncNever, false, false, false},
		"unsynced, crash":    {SyncNever, true, false, true},
		"unsynced, late":     {SyncNever, true, true, true},
	} {
		fs := newCrashable()
		o := Options{FS: fs, Codec: taskCodec(), Sync: c.sync}
		s := open(t, o)
		if !c.late {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = open(t, taskOptions(o, 10))
		} else if err := s.SetTasks(t.Context(), 10); err != nil {
			t.Fatal(err)
		}
		commit(t, s, change(nil, 1, 2))
		if !c.crash {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
		o.FS = fs.CrashClone(vfs.CrashCloneCfg{})
		for _, sync := range []SyncMode{c.sync, SyncAlways, SyncAlways} {
			o.Sync = sync
			again := open(t, o)
			if got := again.TaskStats(); got.Lost != c.lost || got.Gaps != c.lost {
				t.Errorf("%s: lost %v, with bindings %v, want %v", name, got.Lost, got.Gaps, c.lost)
			}
			if c.lost && !audited(t, again, again.TaskMark()) {
				t.Errorf("%s: an audit doesn't count", name)
			}
			if err := again.Close(); err != nil {
				t.Fatal(err)
			}
			c.lost = false
		}
	}
}

// What its user knows to be lost stays known until an audit.
func TestLoseTasks(t *testing.T) {
	fs := vfs.NewMem()
	s := open(t, taskOptions(Options{FS: fs}, 4))
	early := s.TaskMark()
	if err := s.LoseTasks(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !s.TaskStats().Lost || audited(t, s, early) {
		t.Error("it isn't known, or an audit counts that began before")
	}
	for _, want := range []bool{true, false} {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = open(t, taskOptions(Options{FS: fs}, 4))
		if got := s.TaskStats(); got.Lost != want || got.Gaps != want {
			t.Errorf("opened again, an audit is due: %v, with bindings lost %v, want %v", got.Lost, got.Gaps, want)
		}
		if want && !audited(t, s, s.TaskMark()) {
			t.Error("an audit doesn't count")
		}
	}
}
