package scale

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime/metrics"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// What is read of the runtime.
const (
	gcPauses    = "/sched/pauses/total/gc:seconds"
	allocations = "/gc/heap/allocs:objects"
)

// A meter takes what a phase costs the process.
type meter struct {
	began   time.Time
	cpu     time.Duration
	samples []metrics.Sample
}

func startMeter() *meter {
	m := &meter{samples: readRuntime()}
	m.cpu, m.began = processTime(), time.Now()
	return m
}

// stop returns what was spent: CPU in seconds and Allocated as counts until perExchange divides them.
func (m *meter) stop() Phase {
	p := Phase{Seconds: time.Since(m.began).Seconds(), CPU: (processTime() - m.cpu).Seconds()}
	after := readRuntime()
	p.GC, p.GCLongest = pausesBetween(m.samples[0].Value.Float64Histogram(), after[0].Value.Float64Histogram())
	p.Allocated = float64(after[1].Value.Uint64() - m.samples[1].Value.Uint64())
	return p
}

func readRuntime() []metrics.Sample {
	s := []metrics.Sample{{Name: gcPauses}, {Name: allocations}}
	metrics.Read(s)
	return s
}

// pausesBetween counts the pauses, and gives the upper bound of the longest one's bucket in milliseconds.
func pausesBetween(before, after *metrics.Float64Histogram) (count uint64, longest float64) {
	for i, n := range after.Counts {
		if n == before.Counts[i] {
			continue
		}
		count += n - before.Counts[i]
		longest = after.Buckets[i+1] * 1e3
		if math.IsInf(longest, 1) {
			longest = after.Buckets[i] * 1e3
		}
	}
	return count, longest
}

// processTime is what all threads of the process have used of the processors.
func processTime() time.Duration {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// resident is the process's VmRSS in octets.
func resident() (int64, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == "VmRSS:" {
			kilobytes, err := strconv.ParseInt(fields[1], 10, 64)
			return kilobytes << 10, err
		}
	}
	return 0, fmt.Errorf("/proc/self/status has no VmRSS")
}

// folderSize adds up the files of a folder, in octets.
func folderSize(folder string) (sum int64, err error) {
	err = filepath.WalkDir(folder, func(_ string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			sum += info.Size()
		}
		return err
	})
	return sum, err
}

// forget drops a folder's files from the kernel's cache, so that the next reader meets the disk.
func forget(folder string) error {
	return filepath.WalkDir(folder, func(name string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := f.Sync(); err != nil {
			return err
		}
		return os.NewSyscallError("fadvise", unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED))
	})
}
