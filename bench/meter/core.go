package meter

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// CoreTime is for how long one processor has been busy since the machine started, whoever had it: softirq is in it, which
// the kernel charges to no process. In steps of 10 ms.
func CoreTime(core int) (time.Duration, error) {
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, err
	}
	return coreTime(string(stat), core)
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
		return time.Duration(sum) * perTick, nil
	}
	return 0, fmt.Errorf("/proc/stat has no processor %d", core)
}
