package store

import (
	"io"
	"path/filepath"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// A fuseFile is an open file of an instance. Its operations go through the instance's fuse.
type fuseFile struct {
	vfs.File
	fuse *fuse
	name string

	kind watched

	mu      sync.Mutex // Pebble writes and syncs a file from one goroutine at a time
	written extent     // of a manifest or a log: what was written before the first write that failed
	failed  bool
}

// A watched kind of file is one that the witness wants to know of.
type watched uint8

const (
	unwatched watched = iota
	watchedManifest
	watchedLog
	watchedFolder
)

// watch finds out what the witness wants to know of a file that is being written.
func (h *fuseFile) watch() {
	base := filepath.Base(h.name)
	if n, ok := numberOf(base, manifestPrefix, ""); ok {
		h.kind, h.written = watchedManifest, extent{number: n}
	} else if n, ok := numberOf(base, "", logSuffix); ok {
		h.kind, h.written = watchedLog, extent{number: n}
	}
}

// extent is what of a manifest or a log was written.
func (h *fuseFile) extent() extent {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.written
}

// sync runs a sync of the file, and tells the witness of it.
func (h *fuseFile) sync(op func() error) error {
	return h.fuse.write(h.name, func() error {
		if h.kind == watchedFolder {
			return h.fuse.witness.syncedDir(op)
		}
		written := h.extent()
		if err := op(); err != nil || h.kind == unwatched {
			return err
		}
		return h.fuse.witness.synced(h.kind == watchedLog, written)
	})
}

// Close implements vfs.File. On a blown fuse the file is wait's to close.
func (h *fuseFile) Close() error {
	if !h.fuse.enter() {
		return nil
	}
	h.fuse.mu.Lock()
	_, open := h.fuse.files[h]
	delete(h.fuse.files, h)
	h.fuse.mu.Unlock()
	h.fuse.leave()
	if !open {
		return nil
	}
	return h.fuse.write(h.name, h.File.Close)
}

// Read implements vfs.File.
func (h *fuseFile) Read(p []byte) (n int, err error) {
	err = h.fuse.read(func() error {
		n, err = h.File.Read(p)
		return err
	})
	return n, err
}

// ReadAt implements vfs.File.
func (h *fuseFile) ReadAt(p []byte, off int64) (n int, err error) {
	err = h.fuse.read(func() error {
		n, err = h.File.ReadAt(p, off)
		return err
	})
	return n, err
}

// Write implements vfs.File. The checksum is taken before: under the race detector Pebble's file system in memory changes what it was
// given, to find out who uses it again.
func (h *fuseFile) Write(p []byte) (n int, err error) {
	err = h.fuse.write(h.name, func() error {
		if h.kind == unwatched {
			n, err = h.File.Write(p)
			return err
		}
		longer := h.extent()
		longer.add(p)
		n, err = h.File.Write(p)
		h.wrote(longer, err)
		return err
	})
	return n, err
}

// wrote notes what the file holds now. Behind a write that failed nobody knows.
func (h *fuseFile) wrote(longer extent, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.failed = h.failed || err != nil; !h.failed {
		h.written = longer
	}
}

// WriteAt implements vfs.File.
func (h *fuseFile) WriteAt(p []byte, off int64) (n int, err error) {
	err = h.fuse.write(h.name, func() error {
		n, err = h.File.WriteAt(p, off)
		return err
	})
	return n, err
}

// Preallocate implements vfs.File. A failure is a file that isn't preallocated; the write that
// follows tells whether there is room.
func (h *fuseFile) Preallocate(offset, length int64) error {
	return h.fuse.read(func() error { return h.File.Preallocate(offset, length) })
}

// Prefetch implements vfs.File.
func (h *fuseFile) Prefetch(offset, length int64) error {
	return h.fuse.read(func() error { return h.File.Prefetch(offset, length) })
}

// Stat implements vfs.File.
func (h *fuseFile) Stat() (info vfs.FileInfo, err error) {
	err = h.fuse.read(func() error {
		info, err = h.File.Stat()
		return err
	})
	return info, err
}

// Sync implements vfs.File.
func (h *fuseFile) Sync() error { return h.sync(h.File.Sync) }

// SyncData implements vfs.File.
func (h *fuseFile) SyncData() error { return h.sync(h.File.SyncData) }

// SyncTo implements vfs.File.
func (h *fuseFile) SyncTo(length int64) (full bool, err error) {
	err = h.fuse.write(h.name, func() error {
		full, err = h.File.SyncTo(length)
		return err
	})
	return full, err
}

// Fd implements vfs.File. Pebble only asks whether there is one, and for advice about reading ahead.
func (h *fuseFile) Fd() uintptr {
	if !h.fuse.enter() {
		return vfs.InvalidFd // wait closes the file, or has
	}
	defer h.fuse.leave()
	return h.File.Fd()
}

// A limitedFile is read in order, up to so many octets.
type limitedFile struct {
	vfs.File
	left int64
}

// Read implements vfs.File.
func (f *limitedFile) Read(p []byte) (n int, err error) {
	if f.left == 0 {
		return 0, io.EOF
	}
	n, err = f.File.Read(p[:min(int64(len(p)), f.left)])
	f.left -= int64(n)
	return n, err
}
