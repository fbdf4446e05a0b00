package store

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/cockroachdb/errors/oserror"
	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// A view is a store's folder as it is shown to Pebble, to be read only: with whole tables in the place of those that are broken or missing, without
// Pebble's logs, which are read by other means, and with the marks that name its manifest where those are lost. Nothing is written to the disk.
type view struct {
	vfs.FS
	dir    string
	mem    *vfs.MemFS // what stands in the place of files, under their names
	placed map[string]bool
	hidden func(name string) bool
}

func newView(fs vfs.FS, dir string) (*view, error) {
	v := &view{FS: fs, dir: dir, mem: vfs.NewMem(), placed: map[string]bool{}, hidden: hiddenInView}
	if err := v.mem.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	return v, v.mark()
}

// hiddenInView tells which files the view is without: logs, and the options, which say nothing that this program doesn't know.
func hiddenInView(name string) bool {
	return strings.HasSuffix(name, logSuffix) || strings.HasPrefix(name, "OPTIONS-")
}

// mark puts the marks that Pebble looks for where there are none: its newest manifest, and the version of its format.
func (v *view) mark() error {
	names, err := v.FS.List(v.dir)
	if err != nil {
		return err
	}
	slices.Sort(names)
	manifest, marked, version := "", false, false
	for _, name := range names {
		switch {
		case strings.HasPrefix(name, "MANIFEST-") && len(name) >= len(manifest):
			manifest = name
		case strings.HasPrefix(name, "marker.manifest."):
			marked = true
		case strings.HasPrefix(name, "marker.format-version."):
			version = true
		}
	}
	if !marked && manifest != "" {
		err = v.place("marker.manifest.000001."+manifest, nil)
	}
	if !version && err == nil {
		err = v.place(fmt.Sprintf("marker.format-version.000001.%03d", pebbleFormat), nil)
	}
	return err
}

// place puts octets in the place of a file.
func (v *view) place(name string, octets []byte) error {
	v.placed[name] = true
	file, err := v.mem.Create(v.mem.PathJoin(v.dir, name), vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = file.Write(octets)
	return errors.Join(err, file.Close())
}

func (v *view) from(path string) (fs vfs.FS, err error) {
	switch name := v.FS.PathBase(path); {
	case v.placed[name]:
		return v.mem, nil
	case v.hidden(name):
		return nil, oserror.ErrNotExist
	}
	return v.FS, nil
}

// List implements vfs.FS.
func (v *view) List(dir string) ([]string, error) {
	names, err := v.FS.List(dir)
	if err != nil {
		return nil, err
	}
	names = slices.DeleteFunc(names, func(name string) bool { return v.hidden(name) || v.placed[name] })
	for name := range v.placed {
		names = append(names, name)
	}
	return names, nil
}

// Open implements vfs.FS.
func (v *view) Open(path string, opts ...vfs.OpenOption) (vfs.File, error) {
	fs, err := v.from(path)
	if err != nil {
		return nil, err
	}
	return fs.Open(path, opts...)
}

// Stat implements vfs.FS.
func (v *view) Stat(path string) (vfs.FileInfo, error) {
	fs, err := v.from(path)
	if err != nil {
		return nil, err
	}
	return fs.Stat(path)
}

// Create implements vfs.FS. What follows is refused likewise: a view is for reading.
func (v *view) Create(string, vfs.DiskWriteCategory) (vfs.File, error) { return nil, syscall.EROFS }

// OpenReadWrite implements vfs.FS.
func (v *view) OpenReadWrite(string, vfs.DiskWriteCategory, ...vfs.OpenOption) (vfs.File, error) {
	return nil, syscall.EROFS
}

// ReuseForWrite implements vfs.FS.
func (v *view) ReuseForWrite(string, string, vfs.DiskWriteCategory) (vfs.File, error) {
	return nil, syscall.EROFS
}

// Link implements vfs.FS.
func (v *view) Link(string, string) error { return syscall.EROFS }

// Rename implements vfs.FS.
func (v *view) Rename(string, string) error { return syscall.EROFS }

// Remove implements vfs.FS.
func (v *view) Remove(string) error { return syscall.EROFS }

// RemoveAll implements vfs.FS.
func (v *view) RemoveAll(string) error { return syscall.EROFS }

// MkdirAll implements vfs.FS.
func (v *view) MkdirAll(string, os.FileMode) error { return syscall.EROFS }

// Lock implements vfs.FS. Who reads a view holds the folder's lock.
func (v *view) Lock(string) (io.Closer, error) { return io.NopCloser(nil), nil }

// Unwrap implements vfs.FS.
func (v *view) Unwrap() vfs.FS { return v.FS }

// open has Pebble read the view. The whole of what it knows is in tables.
func (v *view) open(o *Options) (db *pebble.DB, err error) {
	defer recovered(&err)
	p := pebbleOptions(v, newMerger(o.Codec), panicLogger{}, nil, true)
	p.ReadOnly, p.DisableConsistencyCheck = true, true
	return pebble.Open(v.dir, p)
}

// A panicLogger has Pebble's last words become an error of whoever called it (guard).
type panicLogger struct{}

// Infof implements pebble.Logger.
func (panicLogger) Infof(string, ...any) {}

// Errorf implements pebble.Logger.
func (panicLogger) Errorf(string, ...any) {}

// Fatalf implements pebble.Logger.
func (panicLogger) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
