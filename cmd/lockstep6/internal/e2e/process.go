package e2e

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// wrap runs in the new process before the program, in the mount namespace that `ip netns exec` made: it gives the
// program a private /etc (clients rewrite resolv.conf) and the host's own /run, /var/lib, /var/log and /var/backups, and makes
// /sys read-only (systemd-networkd then knows that no udev will come). What the host's folder "etc" holds is laid
// over /etc. It ends by exec, so the process id that the
// test knows is the program's own. $1 is the host's folder.
const wrap = `set -e
mkdir -p "$1/mnt"
mount -t tmpfs tmpfs "$1/mnt"
mkdir "$1/mnt/up" "$1/mnt/work"
mount -t overlay overlay -o lowerdir=/etc,upperdir="$1/mnt/up",workdir="$1/mnt/work" /etc
rm -f /etc/resolv.conf && : >/etc/resolv.conf
[ ! -d "$1/etc" ] || cp -r "$1/etc/." /etc/
mount -o remount,ro,bind /sys
for d in /run /var/lib /var/log /var/backups; do
	mkdir -p "$1/root$d"
	mount --bind "$1/root$d" "$d"
done
shift
exec "$@"`

// A Process is a program that runs on a host until it is stopped or the test ends.
type Process struct {
	host *Host
	cmd  *exec.Cmd
	log  string
	name string

	done chan struct{}
	err  error // after done
}

// Start runs a program on the host. What it writes under /run, /var/lib, /var/log and /var/backups lands in the host's folder
// "root" and lives as long as the lab, so a program that is started again finds its state.
func (h *Host) Start(name string, argv ...string) *Process {
	t := h.lab.t
	t.Helper()
	p := &Process{host: h, name: name, log: filepath.Join(h.Dir, name+".log"), done: make(chan struct{})}
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	args := append([]string{"netns", "exec", h.ns, "sh", "-c", wrap, "sh", h.Dir}, argv...)
	p.cmd = exec.Command("ip", args...)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.Dir = h.Dir
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(func() {
		p.Kill()
		if t.Failed() {
			t.Logf("--- log of %s on %s (%s)\n%s", name, h.Name, strings.Join(argv, " "), p.Log())
		}
	})
	return p
}

// Signal sends a signal to the process, if it still runs.
func (p *Process) Signal(s syscall.Signal) {
	select {
	case <-p.done:
	default:
		if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
			p.host.lab.t.Errorf("%s: %v", p.name, err)
		}
	}
}

// Wait waits for the end of the process and returns what it ended with.
func (p *Process) Wait(limit time.Duration) error {
	p.host.lab.t.Helper()
	select {
	case <-p.done:
	case <-time.After(limit):
		p.host.lab.t.Fatalf("%s on %s didn't end within %v", p.name, p.host.Name, limit)
	}
	return p.err
}

// Stop asks the process to end and waits.
func (p *Process) Stop(s syscall.Signal) error {
	p.host.lab.t.Helper()
	p.Signal(s)
	return p.Wait(patience)
}

// Kill ends the process at once, with the helpers that it started and that are still in its process group.
func (p *Process) Kill() {
	p.host.lab.t.Helper()
	if err := syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		p.host.lab.t.Errorf("%s: %v", p.name, err)
	}
	_ = p.Wait(patience)
}

// Running says whether the process has not ended.
func (p *Process) Running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// Log returns the last 64 KiB that the program wrote.
func (p *Process) Log() string {
	data, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(data[max(0, len(data)-64<<10):])
}

// File returns a path in the host's folder.
func (h *Host) File(name string) string { return filepath.Join(h.Dir, name) }

// Write puts a file into the host's folder and returns its path.
func (h *Host) Write(name, content string, mode os.FileMode) string {
	h.lab.t.Helper()
	path := h.File(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		h.lab.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		h.lab.t.Fatal(err)
	}
	return path
}

// read returns the content of a file in the host's folder, or nothing while it isn't there.
func (h *Host) read(name string) string {
	data, err := os.ReadFile(h.File(name))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		h.lab.t.Fatal(err)
	}
	return string(data)
}
