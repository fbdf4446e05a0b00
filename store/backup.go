package store

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// partial ends the name of a folder that is being made, and becomes what it is to be by one rename.
const partial = ".partial"

// backupTell is how often progress is told.
const backupTell = 200 * time.Millisecond

// Backup makes a copy of the store as it is at one moment, its log and history included, in a folder that isn't there yet. On
// the same file system tables are linked, which takes neither long nor much room; on another one they are copied. The folder
// gets its name when all of it is on stable storage. Progress, if not nil, is told now and then how many octets are there, of about how many.
// What goes wrong with the copy doesn't touch the store. It returns the copy's size in octets.
func (s *Store) Backup(dir string, progress func(done, total int64)) (size int64, err error) {
	in, done, err := s.use()
	if err != nil {
		return 0, err
	}
	defer done()
	dir = filepath.Clean(dir)
	if err := s.refuseFolder(dir); err != nil {
		return 0, err
	}
	temp := dir + partial
	var total int64
	if err := in.run(func() error { total = int64(in.db.Metrics().DiskSpaceUsage()); return nil }); err != nil {
		return 0, fmt.Errorf("backup into %s: %w", dir, err)
	}
	made := make(chan error, 1)
	go func() {
		made <- in.run(func() error { return in.checkpoint(temp) })
	}()
	tick := time.NewTicker(backupTell)
	defer tick.Stop()
	for waiting := true; waiting; {
		select {
		case err = <-made:
			waiting = false
		case <-tick.C:
			if progress != nil {
				progress(min(folderSize(s.o.FS, temp), total), total)
			}
		}
	}
	if err != nil {
		return 0, fmt.Errorf("backup into %s: %w", dir, err)
	}
	if err := publish(s.o.FS, temp, dir); err != nil {
		return 0, fmt.Errorf("backup into %s: %w", dir, err)
	}
	return folderSize(s.o.FS, dir), nil
}

// checkpoint copies the database. Pebble notes first which tables there are, and copies its log behind that. A pass of the absorber that
// came in between would leave its tables out, and with the log the deletion of what it made them of: confirmed bindings
// and history would be missing from the copy. So no pass runs meanwhile, nor a sweep, and the store's log grows until it is made.
func (in *instance) checkpoint(dir string) error {
	if err := in.lockBase(); err != nil {
		return err
	}
	defer in.unlockBase()
	return in.db.Checkpoint(dir, pebble.WithFlushedWAL())
}

// refuseFolder refuses a folder that there is, or that would lie in the store's own.
func (s *Store) refuseFolder(dir string) error {
	if inside := dir + string(filepath.Separator); strings.HasPrefix(inside, filepath.Clean(s.o.Path)+string(filepath.Separator)) {
		return fmt.Errorf("%s lies in the store's own folder; name one outside of it", dir)
	}
	for _, name := range []string{dir, dir + partial} {
		switch _, err := s.o.FS.Stat(name); {
		case err == nil:
			return fmt.Errorf("%s is there already: %w; name a new folder, or remove it", name, fs.ErrExist)
		case !notThere(err):
			return err
		}
	}
	return nil
}

// publish gives a finished folder its name, durably.
func publish(fs vfs.FS, temp, dir string) error {
	if err := fs.Rename(temp, dir); err != nil {
		return err
	}
	parent, err := fs.OpenDir(fs.PathDir(dir))
	if err != nil {
		return err
	}
	return errors.Join(parent.Sync(), parent.Close())
}

// folderSize adds up a folder's files; of one that isn't there 0.
func folderSize(fs vfs.FS, dir string) (sum int64) {
	names, err := fs.List(dir)
	if err != nil {
		return 0
	}
	for _, name := range names {
		if info, err := fs.Stat(fs.PathJoin(dir, name)); err == nil && info.Mode().IsRegular() {
			sum += info.Size()
		}
	}
	return sum
}
