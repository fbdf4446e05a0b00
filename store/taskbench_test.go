package store

import (
	"bytes"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/lockstep6/lockstep6/core/worker"
)

// benchTask is of usual size: a lease, what its client is, and a name.
var benchTask = bytes.Repeat([]byte("task"), 25)

func benchTasks(task func(dst, key, value []byte) []byte) Options {
	codec := testCodec
	codec.Task = task
	return Options{FS: vfs.Default, Codec: codec, Tasks: &Tasks{Most: 1 << 30}, absorb: absorbSize, taskMarks: taskMarks}
}

// BenchmarkTaskCommit is the commit path: without tasks, with a codec that finds none, and with one for each change. The folder is on
// a real disk: set TMPDIR to the one in question.
func BenchmarkTaskCommit(b *testing.B) {
	for _, c := range []struct {
		name string
		task func(dst, key, value []byte) []byte
	}{
		{"off", nil},
		{"none", func(dst, _, _ []byte) []byte { return dst }},
		{"each", func(dst, _, _ []byte) []byte { return append(dst, benchTask...) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			o := benchTasks(c.task)
			o.Path = b.TempDir()
			if c.task == nil {
				o.Tasks = nil
			}
			s := open(b, o)
			before := cpuTime(b)
			drive(b, 32, 16, s.Append)
			b.ReportMetric(float64((cpuTime(b)-before).Nanoseconds())/float64(32*b.N), "cpu-ns/change")
		})
	}
}

// queueTasks opens a store in which so many tasks wait.
func queueTasks(b *testing.B, n int) *Store {
	b.Helper()
	o := benchTasks(func(dst, _, _ []byte) []byte { return append(dst, benchTask...) })
	o.Path, o.Sync = b.TempDir(), SyncNever
	s := open(b, o)
	state, back := uint64(1), make(chan *worker.Write, 1)
	for left := n; left > 0; {
		w := &worker.Write{Count: min(left, 64), Done: back}
		w.Changes = benchChanges(nil, &state, w.Count)
		s.Append(w)
		left -= (<-back).Count
	}
	return s
}

// BenchmarkTaskDone reads tasks in pages and does them one by one, or page by page. One operation is one task: with -benchtime 1000000x there
// are a million.
func BenchmarkTaskDone(b *testing.B) {
	for _, c := range []struct {
		name string
		each int // tasks that one call deletes
	}{{"one", 1}, {"page", 256}} {
		b.Run(c.name, func(b *testing.B) {
			s := queueTasks(b, b.N)
			before := cpuTime(b)
			b.ResetTimer()
			last := TaskID{}
			for left := b.N; left > 0; {
				tasks, err := s.Tasks(last, 256)
				if err != nil {
					b.Fatal(err)
				}
				ids := idsOf(tasks)
				last = ids[len(ids)-1]
				left -= len(ids)
				for len(ids) > 0 {
					n := min(c.each, len(ids))
					done(b, s, ids[:n]...)
					ids = ids[n:]
				}
			}
			b.StopTimer()
			b.ReportMetric(float64((cpuTime(b)-before).Nanoseconds())/float64(b.N), "cpu-ns/task")
		})
	}
}

// doAll does all tasks behind one.
func doAll(b *testing.B, s *Store, last TaskID) {
	b.Helper()
	for {
		tasks, err := s.Tasks(last, 4096)
		if err != nil {
			b.Fatal(err)
		}
		if len(tasks) == 0 {
			return
		}
		ids := idsOf(tasks)
		last = ids[len(ids)-1]
		done(b, s, ids...)
	}
}

// BenchmarkTaskOpen counts the tasks of a store that is opened, and of one in which they were all done. One operation is one task.
func BenchmarkTaskOpen(b *testing.B) {
	for _, all := range []bool{false, true} {
		b.Run(map[bool]string{false: "waiting", true: "done"}[all], func(b *testing.B) {
			s := queueTasks(b, b.N)
			if all {
				doAll(b, s, TaskID{})
			}
			b.ResetTimer()
			found, err := s.in.findTasks()
			if err != nil || found.count != s.TaskStats().Waiting {
				b.Fatal(found, err)
			}
		})
	}
}

// BenchmarkTaskAgain begins anew where the first task still waits and all behind it were done. One operation is one of those.
func BenchmarkTaskAgain(b *testing.B) {
	s := queueTasks(b, b.N+1)
	first, err := s.Tasks(TaskID{}, 1)
	if err != nil {
		b.Fatal(err)
	}
	doAll(b, s, first[0].ID)
	b.ResetTimer()
	if tasks, err := s.Tasks(TaskID{}, 2); err != nil || len(tasks) != 1 {
		b.Fatal(tasks, err)
	}
}
