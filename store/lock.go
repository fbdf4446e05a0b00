package store

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"golang.org/x/sys/unix"
)

// LockFile is the name of the file that holds the process id of the store's user.
const LockFile = "LOCK.pid"

// An InUseError says that another process, or another store of this one, has the folder open.
type InUseError struct {
	Path string
	PID  int // 0: unknown
}

// Error implements error.
func (e *InUseError) Error() string {
	if e.PID == 0 {
		return fmt.Sprintf("store %s is in use by another process; stop it first, or ask it over its admin socket", e.Path)
	}
	return fmt.Sprintf("store %s is in use by process %d; stop it first, or ask it over its admin socket", e.Path, e.PID)
}

// A dirLock keeps others off the folder, for as long as the store is open and across its instances. There are two
// locks: a flock on a file of our own that names the holder, and Pebble's, which Pebble's own tools respect.
type dirLock struct {
	file   *os.File // nil on a file system that isn't the operating system's
	pebble *pebble.Lock
}

// lockDir takes both locks. The folder must exist.
func lockDir(fs vfs.FS, dir string) (*dirLock, error) {
	l := &dirLock{}
	if vfs.Root(fs) == vfs.Default {
		file, err := lockPID(dir)
		if err != nil {
			return nil, err
		}
		l.file = file
	}
	held, err := pebble.LockDirectory(dir, fs)
	if err != nil {
		l.close()
		if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EACCES) || strings.Contains(err.Error(), "held by current process") {
			return nil, &InUseError{Path: dir}
		}
		return nil, err
	}
	l.pebble = held
	return l, nil
}

// lockPID locks the folder's LockFile and writes our process id into it. The file stays when the lock is released:
// removing it would let two processes lock two files of that name.
func lockPID(dir string) (*os.File, error) {
	file, err := os.OpenFile(filepath.Join(dir, LockFile), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		defer file.Close()
		return nil, refused(file, dir, err)
	}
	// Best effort: on a full disk the lock holds all the same, only the refusal can't name us.
	if err := file.Truncate(0); err == nil {
		_, _ = file.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	return file, nil
}

// refused says why the LockFile couldn't be locked.
func refused(file *os.File, dir string, err error) error {
	if !errors.Is(err, unix.EWOULDBLOCK) {
		return fmt.Errorf("flock %s: %w", file.Name(), err)
	}
	text, _ := io.ReadAll(io.LimitReader(file, 32))
	pid, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	return &InUseError{Path: dir, PID: pid}
}

// holdStopped keeps a store's users off a folder that is read file by file, until release. It makes nothing there: the folder may be
// a copy, which has no LockFile, and may be on a medium that can't be written. The error is an *InUseError where the store is in use.
func holdStopped(fs vfs.FS, dir string) (release func(), err error) {
	if vfs.Root(fs) != vfs.Default {
		return func() {}, nil
	}
	file, err := os.Open(filepath.Join(dir, LockFile))
	switch {
	case notThere(err):
		return func() {}, nil
	case err != nil:
		return nil, err
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_SH|unix.LOCK_NB); err != nil {
		defer file.Close()
		return nil, refused(file, dir, err)
	}
	return func() { _ = file.Close() }, nil
}

func (l *dirLock) close() {
	if l.pebble != nil {
		_ = l.pebble.Close()
	}
	if l.file != nil {
		_ = l.file.Close()
	}
}
