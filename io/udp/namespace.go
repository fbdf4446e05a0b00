package udp

import (
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// A namespace is the network namespace of the thread that called Open. A socket belongs to the namespace of the thread
// that makes it, and the watcher makes some later, on another thread.
type namespace struct {
	file *os.File
}

func openNamespace() (namespace, error) {
	file, err := os.Open("/proc/thread-self/ns/net")
	return namespace{file}, err
}

// enter ties the calling goroutine to a thread that is in the namespace, until it ends. In a process with
// one namespace there is nothing to change, and so no privilege needed.
func (n namespace) enter() error {
	runtime.LockOSThread()
	var here, there unix.Stat_t
	if err := unix.Stat("/proc/thread-self/ns/net", &here); err != nil {
		return err
	}
	if err := unix.Fstat(int(n.file.Fd()), &there); err != nil {
		return err
	}
	if here.Dev == there.Dev && here.Ino == there.Ino {
		return nil
	}
	return os.NewSyscallError("setns", unix.Setns(int(n.file.Fd()), unix.CLONE_NEWNET))
}

func (n namespace) close() { _ = n.file.Close() }
