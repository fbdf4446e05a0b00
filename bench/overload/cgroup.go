package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A group is a control group whose processes get no more than a share of the processors' time. The kernel counts that
// time in periods: who has used up a period's stands still until the next one.
//
// The kernel doesn't charge a group for what it does in interrupts. Of a datagram that a process on this machine sends, all up to
// the receiver's socket, a drop there too, is the sender's.
type group struct {
	Folder string
	V2     bool // cpu.max, where version 1 has cpu.cfs_quota_us and cpu.cfs_period_us
}

// Periods are short, so that a server that is held up doesn't fall silent for longer than clients notice. The kernel
// takes no quota under a millisecond.
const (
	shortPeriod = 10 * time.Millisecond
	leastQuota  = time.Millisecond
	longPeriod  = time.Second
)

// errNoGroup says what to do.
var errNoGroup = errors.New("no cpu controller can be used: mount one (version 1: mount -t cgroup -o cpu none /sys/fs/cgroup/cpu; " +
	"version 2: mount -t cgroup2 none /sys/fs/cgroup), run as root, and in a container with a writable cgroup namespace; or give -cgroups FOLDER")

// newGroup makes a favoured group below the place where the controllers are mounted.
func newGroup(root, name string) (*group, error) {
	var errs []error
	for _, at := range []string{root, filepath.Join(root, "unified")} {
		controllers, err := os.ReadFile(filepath.Join(at, "cgroup.controllers"))
		if err != nil || !slices.Contains(strings.Fields(string(controllers)), "cpu") {
			continue
		}
		g := &group{Folder: filepath.Join(at, name), V2: true}
		err = os.WriteFile(filepath.Join(at, "cgroup.subtree_control"), []byte("+cpu"), 0o644)
		if err == nil {
			err = os.Mkdir(g.Folder, 0o755)
		}
		if err == nil {
			return g, g.favour()
		}
		errs = append(errs, err)
	}
	for _, at := range []string{root, filepath.Join(root, "cpu"), filepath.Join(root, "cpu,cpuacct")} {
		if _, err := os.Stat(filepath.Join(at, "cpu.cfs_period_us")); err != nil && !isRoot(at) {
			continue
		}
		g := &group{Folder: filepath.Join(at, name)}
		err := os.Mkdir(g.Folder, 0o755)
		if err == nil {
			return g, g.favour()
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(append(errs, errNoGroup)...)
}

// isRoot tells whether a folder is where version 1's cpu controller is mounted: not everywhere has the topmost group a period.
func isRoot(at string) bool {
	_, err := os.Stat(filepath.Join(at, "cpu.shares"))
	return err == nil
}

// add moves a process, with all its threads, into the group.
func (g *group) add(pid int) error { return g.write("cgroup.procs", strconv.Itoa(pid)) }

// favour lets the group go before what else the machine does, so that what it gets is what it may have.
func (g *group) favour() error {
	if g.V2 {
		return g.write("cpu.weight", "10000")
	}
	return g.write("cpu.shares", "262144")
}

// limit gives the group so many processors' time; 0: as much as there is.
func (g *group) limit(share float64) error {
	period, quota := periodOf(share)
	amount := strconv.FormatInt(quota.Microseconds(), 10)
	if g.V2 {
		if share == 0 {
			amount = "max"
		}
		return g.write("cpu.max", fmt.Sprintf("%s %d", amount, period.Microseconds()))
	}
	if share == 0 {
		amount = "-1"
	}
	return errors.Join(g.write("cpu.cfs_period_us", strconv.FormatInt(period.Microseconds(), 10)), g.write("cpu.cfs_quota_us", amount))
}

// periodOf is the shortest period of shortPeriod or more in which a share is a quota that the kernel takes.
func periodOf(share float64) (period, quota time.Duration) {
	if share == 0 {
		return shortPeriod, 0
	}
	period = max(shortPeriod, time.Duration(float64(leastQuota)/share).Round(time.Millisecond))
	return period, max(time.Duration(share*float64(period)).Round(time.Microsecond), leastQuota)
}

func (g *group) write(file, text string) error {
	err := os.WriteFile(filepath.Join(g.Folder, file), []byte(text), 0o644)
	if err != nil {
		return fmt.Errorf("the control group: %w", err)
	}
	return nil
}

// close removes the group. The kernel refuses that until the last process has quite gone.
func (g *group) close() (err error) {
	for range 100 {
		if err = os.Remove(g.Folder); err == nil || errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return fmt.Errorf("the control group is left over; remove it by rmdir: %w", err)
}
