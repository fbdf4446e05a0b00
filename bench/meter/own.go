package meter

import (
	"fmt"
	"math"
	"os"
	"runtime/metrics"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// OwnCPU is the processor time that all threads of this process have used, to the microsecond.
func OwnCPU() time.Duration {
	var u unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_SELF, &u) // can't fail
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// Resident is this process's VmRSS in octets. The stat file's column, which a Process reads, may be behind it by 64 pages
// for each processor.
func Resident() (int64, error) {
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

// What is read of Go's runtime.
const (
	gcPauses    = "/sched/pauses/total/gc:seconds"
	allocations = "/gc/heap/allocs:objects"
)

// An Own takes what this process spends from StartOwn on.
type Own struct {
	began   time.Time
	cpu     time.Duration
	samples []metrics.Sample
}

// Spent is what a process has spent meanwhile.
type Spent struct {
	Took      time.Duration
	CPU       time.Duration
	GC        uint64  // pauses of the garbage collector
	GCLongest float64 // the upper bound of the longest one's bucket in the runtime's histogram, in milliseconds
	Allocated uint64  // objects
}

// StartOwn begins.
func StartOwn() *Own {
	o := &Own{samples: readRuntime()}
	o.cpu, o.began = OwnCPU(), time.Now()
	return o
}

// Spent is what has been spent since.
func (o *Own) Spent() Spent {
	s := Spent{Took: time.Since(o.began), CPU: OwnCPU() - o.cpu}
	after := readRuntime()
	s.GC, s.GCLongest = pausesBetween(o.samples[0].Value.Float64Histogram(), after[0].Value.Float64Histogram())
	s.Allocated = after[1].Value.Uint64() - o.samples[1].Value.Uint64()
	return s
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
