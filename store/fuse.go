package store

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/errors/oserror"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// errBlown is what a read of an abandoned instance gets.
var errBlown = errors.New("store: this instance was abandoned after a failure")

// A fuse stands between one Pebble instance and the file system, so that the instance can be abandoned while
// goroutines of it still run: it can't write into the folder that its successor works in.
//
// Each operation is enter, the operation, leave. Three states:
//
//	opening  errors go back to Pebble: pebble.Open cleans up and returns them
//	armed    an error of a write inside the store's folder blows the fuse, and that call never returns; save for
//	         tables, which Pebble writes again by itself, at once and without end: such a call returns after a pause
//	blown    nothing reaches the file system; reads fail, writes inside the folder never return
//
// # Invariants
//
//  1. enter counts first and looks at blown afterwards; blow sets blown first and looks at the count afterwards.
//     With both atomic, either the operation sees the fuse blown, or wait sees the operation.
//  2. A goroutine that is parked isn't counted: it has left, and will never come back.
//  3. A file is in files from its creation until it is closed, once, by whoever took it out.
//
// Why writes park instead of failing: see invariant 3 of the package. Reads fail so that iterators of the
// store's own callers end. Writes elsewhere (a checkpoint) fail: that they can't be made says nothing of the store.
type fuse struct {
	vfs.FS
	dir     string
	onFail  func(error) // told of the first failed write, before its goroutine is parked
	onTable func(error) // told of each failed write of a table, also while opening; returns after the pause

	armed      atomic.Bool
	blown      atomic.Bool
	inProgress atomic.Int64
	idle       chan struct{} // a token when the last operation left a blown fuse

	mu    sync.Mutex
	files map[*fuseFile]struct{}
}

func newFuse(fs vfs.FS, dir string, onFail, onTable func(error)) *fuse {
	return &fuse{
		FS: fs, dir: filepath.Clean(dir), onFail: onFail, onTable: onTable,
		idle: make(chan struct{}, 1), files: make(map[*fuseFile]struct{}),
	}
}

// park ends a goroutine's work without unwinding it: what it would do next is what must not happen.
func park() { select {} }

func (f *fuse) enter() bool {
	f.inProgress.Add(1)
	if f.blown.Load() {
		f.leave()
		return false
	}
	return true
}

func (f *fuse) leave() {
	if f.inProgress.Add(-1) == 0 && f.blown.Load() {
		select {
		case f.idle <- struct{}{}:
		default:
		}
	}
}

// blow lets nothing through from now on. Operations that are in progress go on: see wait.
func (f *fuse) blow() { f.blown.Store(true) }

// wait returns when no operation is in progress and all files are closed, or false when cancel was closed before.
// The fuse must be blown. An operation that hangs in the kernel keeps it waiting, rightly.
func (f *fuse) wait(cancel <-chan struct{}) bool {
	for f.inProgress.Load() != 0 {
		select {
		case <-f.idle:
		case <-cancel:
			return false
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for file := range f.files {
		_ = file.File.Close() // its content is the next instance's to judge
	}
	clear(f.files)
	return true
}

// write runs an operation that changes the file or folder with that name.
func (f *fuse) write(name string, op func() error) error {
	if !f.enter() {
		if f.armed.Load() && f.owns(name) {
			park()
		}
		return errBlown
	}
	err := op()
	f.leave()
	switch {
	case err == nil || !f.owns(name):
	case strings.HasSuffix(name, tableSuffix):
		f.onTable(err)
		return &tableWriteError{err}
	case f.armed.Load():
		f.onFail(err)
		park()
	}
	return err
}

// How names of tables end, and of Pebble's logs.
const (
	tableSuffix = ".sst"
	logSuffix   = ".log"
)

// A tableWriteError says that a table couldn't be written.
type tableWriteError struct{ cause error }

// Error implements error.
func (e *tableWriteError) Error() string { return "writing a table: " + e.cause.Error() }

// Unwrap implements error.
func (e *tableWriteError) Unwrap() error { return e.cause }

// read runs an operation that changes nothing, or whose failure costs only disk space.
func (f *fuse) read(op func() error) error {
	if !f.enter() {
		return errBlown
	}
	err := op()
	f.leave()
	return err
}

// owns tells whether a file is the store's own: directly in its folder, or the folder itself.
func (f *fuse) owns(name string) bool {
	name = filepath.Clean(name)
	return name == f.dir || filepath.Dir(name) == f.dir
}

// file wraps an open file. It runs inside an operation, so wait can't miss it.
func (f *fuse) file(file vfs.File, name string) vfs.File {
	h := &fuseFile{File: file, fuse: f, name: name}
	f.mu.Lock()
	f.files[h] = struct{}{}
	f.mu.Unlock()
	return h
}

func (f *fuse) opened(name string, writes bool, open func() (vfs.File, error)) (h vfs.File, err error) {
	op := func() error {
		file, err := open()
		if err == nil {
			h = f.file(file, name)
		}
		return err
	}
	if writes {
		err = f.write(name, op)
	} else {
		err = f.read(op)
	}
	return h, err
}

// Create implements vfs.FS.
//
// A marker file names the manifest that counts. Pebble creates the manifest, then the marker, then syncs the folder:
// a file system that may keep the second entry and lose the first leaves a store that can't be opened (the crash
// test met it). So the folder is synced before a marker, too.
func (f *fuse) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return f.opened(name, true, func() (vfs.File, error) {
		if strings.HasPrefix(f.FS.PathBase(name), "marker.") {
			if err := f.syncDir(); err != nil {
				return nil, err
			}
		}
		return f.FS.Create(name, c)
	})
}

func (f *fuse) syncDir() error {
	dir, err := f.FS.OpenDir(f.dir)
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}

// OpenReadWrite implements vfs.FS.
func (f *fuse) OpenReadWrite(name string, c vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	return f.opened(name, true, func() (vfs.File, error) { return f.FS.OpenReadWrite(name, c, opts...) })
}

// ReuseForWrite implements vfs.FS.
func (f *fuse) ReuseForWrite(from, to string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return f.opened(to, true, func() (vfs.File, error) { return f.FS.ReuseForWrite(from, to, c) })
}

// Open implements vfs.FS.
func (f *fuse) Open(name string, opts ...vfs.OpenOption) (vfs.File, error) {
	return f.opened(name, false, func() (vfs.File, error) { return f.FS.Open(name, opts...) })
}

// OpenDir implements vfs.FS.
func (f *fuse) OpenDir(name string) (vfs.File, error) {
	return f.opened(name, false, func() (vfs.File, error) { return f.FS.OpenDir(name) })
}

// Link implements vfs.FS.
func (f *fuse) Link(from, to string) error {
	return f.write(to, func() error { return f.FS.Link(from, to) })
}

// Rename implements vfs.FS.
func (f *fuse) Rename(from, to string) error {
	return f.write(to, func() error { return f.FS.Rename(from, to) })
}

// MkdirAll implements vfs.FS.
func (f *fuse) MkdirAll(dir string, perm os.FileMode) error {
	return f.write(dir, func() error { return f.FS.MkdirAll(dir, perm) })
}

// Remove implements vfs.FS. Pebble removes what it needs no more; a failure leaves rubbish, which it counts.
func (f *fuse) Remove(name string) error {
	return f.read(func() error { return f.FS.Remove(name) })
}

// RemoveAll implements vfs.FS.
func (f *fuse) RemoveAll(name string) error {
	return f.read(func() error { return f.FS.RemoveAll(name) })
}

// List implements vfs.FS.
func (f *fuse) List(dir string) (names []string, err error) {
	err = f.read(func() error {
		names, err = f.FS.List(dir)
		return err
	})
	return names, err
}

// Stat implements vfs.FS.
func (f *fuse) Stat(name string) (info vfs.FileInfo, err error) {
	err = f.read(func() error {
		info, err = f.FS.Stat(name)
		return err
	})
	return info, err
}

// GetDiskUsage implements vfs.FS. Pebble reports each failure as a background error; it is none.
func (f *fuse) GetDiskUsage(path string) (vfs.DiskUsage, error) {
	var usage vfs.DiskUsage
	err := f.read(func() (err error) {
		usage, err = f.FS.GetDiskUsage(path)
		return err
	})
	if err != nil {
		return vfs.DiskUsage{}, vfs.ErrUnsupported
	}
	return usage, nil
}

// Lock implements vfs.FS. The store holds the folder's lock across instances (see lock.go), so an instance has
// nothing to lock; and an abandoned one would never unlock.
func (f *fuse) Lock(string) (io.Closer, error) { return io.NopCloser(nil), nil }

// Unwrap implements vfs.FS.
func (f *fuse) Unwrap() vfs.FS { return f.FS }

// notThere tells whether an error says only that a file doesn't exist.
func notThere(err error) bool { return oserror.IsNotExist(err) }
