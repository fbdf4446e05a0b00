package ceiling

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of /proc's processor times: Linux shows them in hundredths of a second on every architecture.
const tick = 10 * time.Millisecond

// A usage is what a processor and a process have done so far.
type usage struct{ core, process time.Duration }

func readUsage(pid, core int) (u usage, err error) {
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		return u, err
	}
	if u.core, err = coreTime(string(stat), core); err != nil {
		return u, err
	}
	stat, err = os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return u, err
	}
	u.process, err = processTime(string(stat))
	return u, err
}

// coreTime adds up what /proc/stat says of a processor, but for idle and iowait, its fourth and fifth number, and the
// guests' shares behind the eighth, which are counted in the first two already.
func coreTime(stat string, core int) (time.Duration, error) {
	for line := range strings.Lines(stat) {
		fields := strings.Fields(line)
		if len(fields) < 9 || fields[0] != "cpu"+strconv.Itoa(core) {
			continue
		}
		var sum int64
		for _, i := range []int{1, 2, 3, 6, 7, 8} {
			n, err := strconv.ParseInt(fields[i], 10, 64)
			if err != nil {
				return 0, fmt.Errorf("/proc/stat: %w", err)
			}
			sum += n
		}
		return time.Duration(sum) * tick, nil
	}
	return 0, fmt.Errorf("/proc/stat has no processor %d", core)
}

// processTime is utime and stime, the 14th and 15th field of /proc/PID/stat. The second one, in parentheses, may hold
// anything.
func processTime(stat string) (time.Duration, error) {
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	if len(fields) < 13 {
		return 0, fmt.Errorf("/proc/PID/stat has %d fields behind the name, want 13 at least", len(fields))
	}
	var sum int64
	for _, field := range fields[11:13] {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("/proc/PID/stat: %w", err)
		}
		sum += n
	}
	return time.Duration(sum) * tick, nil
}
