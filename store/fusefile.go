package store

import "github.com/cockroachdb/pebble/v2/vfs"

// A fuseFile is an open file of an instance. Its operations go through the instance's fuse.
type fuseFile struct {
	vfs.File
	fuse *fuse
	name string
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

// Write implements vfs.File.
func (h *fuseFile) Write(p []byte) (n int, err error) {
	err = h.fuse.write(h.name, func() error {
		n, err = h.File.Write(p)
		return err
	})
	return n, err
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
func (h *fuseFile) Sync() error { return h.fuse.write(h.name, h.File.Sync) }

// SyncData implements vfs.File.
func (h *fuseFile) SyncData() error { return h.fuse.write(h.name, h.File.SyncData) }

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
