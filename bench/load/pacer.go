package load

import (
	"time"

	"golang.org/x/sys/unix"
)

// How long the clock sleeps: at most a tick, and at least so long that what is due meanwhile leaves in one system call.
const (
	tick     = 2 * time.Millisecond
	shortest = 100 * time.Microsecond
)

// timerSlack is how much later than asked the kernel may wake the clock's thread, in nanoseconds. It is 50 µs by default.
const timerSlack = 1000

// preciseSleep prepares the calling thread.
func preciseSleep() { _ = unix.Prctl(unix.PR_SET_TIMERSLACK, timerSlack, 0, 0, 0) } // refused: the clock is less exact

// sleep waits so many nanoseconds in the kernel: the runtime's own timers are exact to a millisecond only where nothing
// else happens. It may end early.
func sleep(nanoseconds int64) {
	if nanoseconds > 0 {
		wait := unix.NsecToTimespec(nanoseconds)
		_ = unix.Nanosleep(&wait, nil)
	}
}
