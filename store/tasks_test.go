package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/core/worker"
)

// With this codec a task follows from each change of an even version: its key and version.
func taskCodec() Codec {
	c := testCodec
	c.Task = func(dst, key, value []byte) []byte {
		if version := binary.BigEndian.Uint64(value); version%2 != 0 {
			return dst
		}
		return append(append(dst, key...), value[:8]...)
	}
	return c
}

// everyTask is the same for each change.
func everyTask(dst, key, value []byte) []byte { return append(append(dst, key...), value[:8]...) }

func taskOptions(o Options, most int) Options {
	if o.Codec.Next == nil {
		o.Codec = taskCodec()
	}
	o.Tasks = &Tasks{Most: most}
	return o
}

// testTask is the task of the n-th key's change.
func testTask(n, version uint64) string {
	return string(everyTask(nil, testKey(n), binary.BigEndian.AppendUint64(nil, version)))
}

// waiting reads all tasks, in pages of so many, and checks that figures and order hold.
func waiting(t testing.TB, s *Store, page int) (tasks []QueuedTask) {
	t.Helper()
	last, octets := TaskID{}, 0
	for {
		some, err := s.Tasks(last, page)
		if err != nil {
			t.Fatal(err)
		}
		for _, task := range some {
			if task.ID.Compare(last) <= 0 || task.Stamp == 0 {
				t.Errorf("%v of %d behind %v", task.ID, task.Stamp, last)
			}
			last = task.ID
			octets += len(task.Octets)
		}
		if tasks = append(tasks, some...); len(some) == 0 {
			break
		}
		if len(some) > page {
			t.Errorf("%d tasks, want %d at most", len(some), page)
		}
	}
	stats := s.TaskStats()
	if stats.Waiting != len(tasks) || stats.Octets != octets {
		t.Errorf("%d tasks of %d octets wait, the figures say %d of %d", len(tasks), octets, stats.Waiting, stats.Octets)
	}
	if len(tasks) > 0 && stats.Oldest.Unix() != int64(tasks[0].Stamp) || len(tasks) == 0 && !stats.Oldest.IsZero() {
		t.Errorf("the oldest is of %v, want %v", stats.Oldest, tasks)
	}
	return tasks
}

// awaitTasks waits until so many tasks can be read: a group that another committer has under way, even one that is refused, hides those behind it.
func awaitTasks(t testing.TB, s *Store, want int) {
	t.Helper()
	for {
		tasks, err := s.Tasks(TaskID{}, want)
		if err != nil {
			t.Fatal(err)
		}
		if len(tasks) == want {
			return
		}
		<-s.TaskNews()
	}
}

func texts(tasks []QueuedTask) (list []string) {
	for _, task := range tasks {
		list = append(list, string(task.Octets))
	}
	return list
}

func idsOf(tasks []QueuedTask) (ids []TaskID) {
	for _, task := range tasks {
		ids = append(ids, task.ID)
	}
	return ids
}

func wantTasks(t testing.TB, s *Store, want ...string) {
	t.Helper()
	if got := texts(waiting(t, s, 3)); !slices.Equal(got, want) {
		t.Errorf("tasks (-want +got):\n%q", cmp.Diff(want, got))
	}
}

func done(t testing.TB, s *Store, ids ...TaskID) {
	t.Helper()
	if err := s.DoneTasks(ids...); err != nil {
		t.Fatal(err)
	}
}

// Random changes and tasks, done in any order, with random steps between. A list is the model.
func TestTasksFollowFromChanges(t *testing.T) {
	rng := seeded(t)
	var names []string
	for name := range between {
		names = append(names, name)
	}
	slices.Sort(names)
	for range 5 {
		o := taskOptions(Options{FS: vfs.NewMem(), absorb: 300}, 1000)
		s := open(t, o)
		var model []string
		for range 60 {
			var changes []byte
			for range 1 + rng.IntN(3) {
				n, version := rng.Uint64N(5), 1+rng.Uint64N(100)
				switch {
				case version%2 != 0:
					changes = change(changes, n, version)
				case rng.IntN(3) == 0:
					changes = removal(changes, n, version)
				default:
					changes = change(changes, n, version)
				}
				if version%2 == 0 {
					model = append(model, testTask(n, version))
				}
			}
			commit(t, s, changes)
			tasks := waiting(t, s, 1+rng.IntN(5))
			if got := texts(tasks); !slices.Equal(got, model) {
				t.Fatalf("(-want +got):\n%q", cmp.Diff(model, got))
			}
			if len(tasks) > 0 && rng.IntN(3) > 0 {
				i := rng.IntN(min(len(tasks), 3))
				end := i + rng.IntN(len(tasks)-i+1)
				ids := idsOf(tasks[i:end])
				rng.Shuffle(len(ids), func(a, b int) { ids[a], ids[b] = ids[b], ids[a] })
				done(t, s, append(ids, ids...)...)
				done(t, s, append(ids, TaskID{1 << 60, 1})...) // which isn't there
				model = slices.Delete(model, i, end)
				if left := waiting(t, s, 100); len(left) > 0 && s.tasks.first != left[0].ID {
					t.Errorf("readers begin at %v, the first that waits is %v", s.tasks.first, left[0].ID)
				}
			}
			s = between[names[rng.IntN(len(names))]](t, s, o)
		}
		wantTasks(t, s, model...)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// A reader that goes on behind what it has read misses nothing, though groups are committed in another order than their places.
func TestNothingComesUpBehindWhatWasRead(t *testing.T) {
	entered, hang := make(chan struct{}), make(chan struct{})
	codec := testCodec
	codec.Task = func(dst, key, value []byte) []byte {
		if string(key) == string(testKey(1)) {
			close(entered)
			<-hang
		}
		return everyTask(dst, key, value)
	}
	s := open(t, taskOptions(Options{Codec: codec}, 10))
	slow := make(chan *worker.Write, 1)
	s.Append(&worker.Write{Changes: change(nil, 1, 1), Count: 1, Done: slow})
	<-entered
	commit(t, s, change(nil, 2, 1)) // by the other committer
	<-s.TaskNews()
	if tasks, err := s.Tasks(TaskID{}, 10); err != nil || len(tasks) != 0 {
		t.Errorf("read %v %v, while a group that comes before is under way", tasks, err)
	}
	close(hang)
	<-slow
	<-s.TaskNews()
	wantTasks(t, s, testTask(1, 1), testTask(2, 1))
}

// The reader is told in time, and not without need.
func TestTaskNews(t *testing.T) {
	fs := vfs.NewMem()
	s := open(t, taskOptions(Options{FS: fs}, 10))
	news := func() bool {
		select {
		case <-s.TaskNews():
			return true
		default:
			return false
		}
	}
	commit(t, s, change(nil, 1, 1))
	if news() {
		t.Error("told of a change without a task")
	}
	commit(t, s, change(nil, 1, 2))
	commit(t, s, change(nil, 1, 4))
	if !news() || news() {
		t.Error("want one token for what was committed")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s = open(t, taskOptions(Options{FS: fs}, 10)); !news() {
		t.Error("not told of what waits when it is opened")
	}
}

// What can't be read is no task, and those of its neighbours are.
func TestRefusedWriteLeavesNoTask(t *testing.T) {
	s := open(t, taskOptions(Options{}, 10))
	commit(t, s, change(nil, 1, 2))
	s.Append(&worker.Write{Changes: append(change(nil, 2, 2), "nonsense"...), Count: 2, Done: make(chan *worker.Write)})
	commit(t, s, change(nil, 3, 2))
	awaitTasks(t, s, 2)
	wantTasks(t, s, testTask(1, 2), testTask(3, 2))
}

// Tasks stay on where nobody says otherwise, as for commands that write into a stopped store; and are none of older programs' business.
func TestTasksStayAsTheyWere(t *testing.T) {
	fs := vfs.NewMem()
	reopen := func(tasks *Tasks) *Store {
		return open(t, Options{FS: fs, Codec: taskCodec(), Tasks: tasks})
	}
	for _, step := range []struct {
		tasks *Tasks
		want  int
		lost  bool
	}{{nil, 0, false}, {&Tasks{}, 0, false}, {&Tasks{10}, 10, false}, {nil, 10, false}, {&Tasks{20}, 20, false}, {&Tasks{}, 0, false}, {nil, 0, false}, {&Tasks{5}, 5, true}, {nil, 5, true}} {
		s := reopen(step.tasks)
		commit(t, s, change(nil, 1, 2))
		stats := s.TaskStats()
		if stats.Most != step.want || stats.Lost != step.lost || (stats.Added == 1) != (step.want > 0) {
			t.Errorf("%v: %+v, want %d, lost %v", step.tasks, stats, step.want, step.lost)
		}
		found, _ := s.Meta(metaFormat)
		if newer := binary.BigEndian.Uint32(found) == format; newer != (stats.Waiting > 0) {
			t.Errorf("%v: format %x, with %d tasks", step.tasks, found, stats.Waiting)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if got := waiting(t, reopen(&Tasks{}), 10); len(got) != 5 {
		t.Errorf("%d tasks, want those of the five times that they were on", len(got))
	}
}

func TestSetTasks(t *testing.T) {
	fs := newCrashable()
	s := open(t, Options{FS: fs, Codec: taskCodec()})
	set := func(most int) {
		t.Helper()
		if err := s.SetTasks(t.Context(), most); err != nil {
			t.Fatal(err)
		}
		crashed := open(t, Options{FS: fs.CrashClone(vfs.CrashCloneCfg{}), Codec: taskCodec()})
		if got, want := crashed.TaskStats(), s.TaskStats(); got.Most != want.Most || got.Lost != want.Lost {
			t.Errorf("after a crash %+v, want %+v", got, want)
		}
	}
	commit(t, s, change(nil, 1, 2))
	set(2)
	if found, _ := s.Meta(metaFormat); binary.BigEndian.Uint32(found) != format {
		t.Errorf("format %x: older programs would add no tasks", found)
	}
	commit(t, s, change(nil, 2, 2))
	set(10)
	commit(t, s, change(nil, 3, 2))
	set(-1)
	commit(t, s, change(nil, 4, 2))
	wantTasks(t, s, testTask(2, 2), testTask(3, 2))
	if s.TaskStats().Lost {
		t.Error("lost while nobody asks for them")
	}
	set(10)
	if !s.TaskStats().Lost {
		t.Error("what was missed between isn't told")
	}
	commit(t, s, change(nil, 5, 2))
	wantTasks(t, s, testTask(2, 2), testTask(3, 2), testTask(5, 2))
}

func TestDamagedTasksAreRefused(t *testing.T) {
	for name, c := range map[string]struct{ key, value []byte }{
		"key":     {TaskID{1, 1}.key()[:12], make([]byte, taskHeader)},
		"value":   {TaskID{1, 1}.key(), make([]byte, taskHeader-1)},
		"most":    {metaKey(metaTasks), make([]byte, 7)},
		"lost":    {metaKey(metaLost), nil},
		"audited": {metaKey(metaAudited), make([]byte, 9)},
	} {
		fs := vfs.NewMem()
		s := open(t, taskOptions(Options{FS: fs}, 10))
		if err := s.in.db.Set(c.key, c.value, pebble.Sync); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if err := openClose(taskOptions(Options{FS: fs}, 10)); !errors.Is(err, errValue) {
			t.Errorf("%s: got %v, want %v", name, err, errValue)
		}
	}
	s := open(t, Options{})
	for _, name := range []string{metaTasks, metaLost, metaAudited, metaRuns} {
		if err := s.PutMeta(t.Context(), name, nil); err == nil || !strings.Contains(err.Error(), "reserved") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTaskIDs(t *testing.T) {
	ids := []TaskID{{}, {0, 1}, {0, 2}, {1, 1}, {1 << 40, 7}}
	for i, a := range ids {
		for j, b := range ids {
			if got := a.Compare(b); (got < 0) != (i < j) || (got > 0) != (i > j) {
				t.Errorf("%v and %v: %d", a, b, got)
			}
		}
		if back, err := taskOf(a.key()); err != nil || back != a {
			t.Errorf("%v came back as %v, %v", a, back, err)
		}
	}
	if got := fmt.Sprint(TaskID{12, 3}); got != "12.3" {
		t.Errorf("got %s", got)
	}
}
